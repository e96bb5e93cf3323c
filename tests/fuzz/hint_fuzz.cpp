// SPDX-License-Identifier: MIT
// Any bytes as a hint: refused, or read to the end within their bounds. The checksums are mended,
// so that the entries are reached.
#include "core/log/hint.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "core/base/coding.hpp"
#include "core/base/crc32c.hpp"
#include "tests/fuzz/require.hpp"

namespace memoria {
namespace {

constexpr uint64_t kSegment = 1'500'000'000'000'000'000, kLength = 100'000;

void read_all(std::string_view bytes) {
  auto reader = HintReader::open(bytes, kSegment, kLength);
  if (!reader) return;
  Entry entry;
  uint64_t count = 0;
  while (reader->next(entry)) {
    ++count;
    FUZZ_REQUIRE(entry.record.key.size() <= kMaxKeySize);
    FUZZ_REQUIRE(entry.record.key.empty() || entry.record.key.data() >= bytes.data());
    FUZZ_REQUIRE(entry.record.value_size <= kMaxValueSize);
    FUZZ_REQUIRE(!entry.is_inline || entry.value.size() == entry.record.value_size);
  }
  FUZZ_REQUIRE(count == reader->entries());
}

/// A hint around blocks of any bytes: each is one byte of length, one for the number of entries, and
/// that many bytes.
std::string assemble(std::string_view input) {
  std::string out = HintWriter(kSegment).finish(kLength);
  out.resize(out.size() - 32);
  std::string index;
  uint64_t entries = 0;
  while (input.size() > 2) {
    const auto block = input.substr(2, uint8_t(input[0]));
    append_varint(index, block.size());
    append_varint(index, uint8_t(input[1]));
    append_le<uint32_t>(index, crc32c(block));
    append_varint(index, 0);
    entries += uint8_t(input[1]);
    out.append(block);
    input.remove_prefix(2 + block.size());
  }
  std::string trailer;
  append_le<uint64_t>(trailer, newest(out));
  append_le<uint64_t>(trailer, entries);
  append_le<uint64_t>(trailer, index.size());
  append_le<uint32_t>(trailer, crc32c(trailer, crc32c(index)));
  return out + index + trailer + "END!";
}

}  // namespace
}  // namespace memoria

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  memoria::read_all(bytes);
  memoria::read_all(memoria::assemble(bytes));
  return 0;
}
