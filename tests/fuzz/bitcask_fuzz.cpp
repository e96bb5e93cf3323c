// SPDX-License-Identifier: MIT
// Any bytes as the data files of a Bitcask.
#include "core/foreign/bitcask_format.hpp"
#include "tests/fuzz/foreign_exercise.hpp"
#include "tests/support/foreign_records.hpp"

namespace memoria::test {
namespace {

size_t mend(std::string& bytes, size_t at) {
  const foreign::BitcaskFormat format;
  const auto rest = std::string_view(bytes).substr(at);
  if (rest.size() < format.head_size()) return 0;
  const auto head = format.parse(rest.substr(0, format.head_size()));
  const auto size = head ? format.head_size() + head->key_size + head->value_size : 0;
  if (!head || size > rest.size()) return 0;
  const auto key = rest.substr(format.head_size(), head->key_size);
  const auto value = rest.substr(format.head_size() + key.size(), head->value_size);
  const auto mended = bitcask_record(key, value, uint32_t(head->time_ns / 1'000'000'000));
  bytes.replace(at, size, mended);
  return size;
}

bool is_record(std::string_view bytes, const foreign::RecordHead& head, std::string_view key,
               std::string_view value) {
  return bytes.starts_with(bitcask_record(key, value, uint32_t(head.time_ns / 1'000'000'000)));
}

}  // namespace
}  // namespace memoria::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace memoria;  // NOLINT: the entry point cannot be in the namespace
  test::exercise_foreign({foreign::Engine::kBitcask, ".bitcask.data", test::mend, test::is_record},
                         {reinterpret_cast<const char*>(data), size});
  return 0;
}
