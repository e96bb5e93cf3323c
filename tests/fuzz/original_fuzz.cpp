// SPDX-License-Identifier: MIT
// Any bytes as the data files of the original engine, in each of its dialects.
#include "core/foreign/original_format.hpp"
#include "tests/fuzz/foreign_exercise.hpp"
#include "tests/support/foreign_records.hpp"

namespace memoria::test {
namespace {

constexpr OriginalStyle kStyles[] = {{false, false, 0}, {false, false, 1}, {false, false, 2},
                                     {false, true, 0},  {false, true, 1},  {false, true, 2},
                                     {true, false, 0},  {true, false, 1},  {true, false, 2},
                                     {true, true, 0},   {true, true, 1},   {true, true, 2}};

/// In the byte order that fits, under the first checksum.
size_t mend(std::string& bytes, size_t at) {
  for (const bool big : {false, true}) {
    const foreign::OriginalFormat format({.big_endian = big});
    const auto rest = std::string_view(bytes).substr(at);
    if (rest.size() < format.kHeadSize) return 0;
    const auto head = format.parse(rest.substr(0, format.kHeadSize));
    if (!head) continue;
    const auto size = format.kHeadSize + head->key_size + head->value_size;
    if (size > rest.size()) continue;
    const auto key = rest.substr(format.kHeadSize, head->key_size);
    const auto value = rest.substr(format.kHeadSize + key.size(), head->value_size);
    const auto mended = original_record({big}, key, value, uint64_t(head->time_ns), head->type);
    bytes.replace(at, size, mended);
    return size;
  }
  return 0;
}

bool is_record(std::string_view bytes, const foreign::RecordHead& head, std::string_view key,
               std::string_view value) {
  for (const auto& style : kStyles) {
    if (bytes.starts_with(original_record(style, key, value, uint64_t(head.time_ns), head.type))) {
      return true;
    }
  }
  return false;
}

}  // namespace
}  // namespace memoria::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace memoria;  // NOLINT: the entry point cannot be in the namespace
  test::exercise_foreign({foreign::Engine::kOriginal, ".data", test::mend, test::is_record},
                         {reinterpret_cast<const char*>(data), size});
  return 0;
}
