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

/// Reads every byte, for the sanitizers to see.
bool can_be_read(std::string_view bytes) {
  return crc32c(bytes) == crc32c(std::string(bytes));
}

void read_all(std::string_view bytes) {
  auto reader = HintReader::open(bytes, kSegment, kLength);
  if (!reader) return;
  Entry entry;
  uint64_t count = 0;
  while (reader->next(entry)) {
    ++count;
    FUZZ_REQUIRE(entry.record.key.size() <= kMaxKeySize);
    FUZZ_REQUIRE(entry.record.value_size <= kMaxValueSize);
    FUZZ_REQUIRE(!entry.is_inline || entry.value.size() == entry.record.value_size);
    FUZZ_REQUIRE(can_be_read(entry.record.key));
    FUZZ_REQUIRE(!entry.is_inline || can_be_read(entry.value));
  }
  FUZZ_REQUIRE(count == reader->entries());
}

std::string finish(const std::string& blocks, const std::string& index, uint64_t entries,
                   uint64_t newest) {
  std::string trailer;
  append_le<uint64_t>(trailer, newest);
  append_le<uint64_t>(trailer, entries);
  append_le<uint64_t>(trailer, index.size());
  append_le<uint32_t>(trailer, crc32c(trailer, crc32c(index)));
  return blocks + index + trailer + "END!";
}

uint64_t newest_of(const std::string& hint) {
  const auto read = read_from(hint);
  const auto index = HintIndex::read(read, hint.size(), kSegment, kLength);
  uint64_t newest = 0;
  if (!index) return newest;
  HintCursor cursor(*index, read, 1);
  for (Entry entry;;) {
    const auto more = cursor.next(entry);
    if (!more.has_value() || !more.value()) return newest;
    newest = std::max(newest, entry.record.timestamp);
  }
}

/// A hint around blocks of any bytes: each is one byte of length, one for the number of entries,
/// one for how many times 16 bytes it has more when it is not compressed, and its bytes.
std::string assemble(std::string_view input) {
  std::string blocks(HintWriter(kSegment).finish(kLength));
  blocks.resize(blocks.size() - 32);
  std::string index;
  uint64_t entries = 0;
  while (input.size() > 3) {
    const auto block = input.substr(3, uint8_t(input[0]));
    append_varint(index, block.size());
    append_varint(index, block.size() + 16 * uint8_t(input[2]));
    append_varint(index, uint8_t(input[1]));
    append_le<uint32_t>(index, crc32c(block));
    append_varint(index, 0);
    entries += uint8_t(input[1]);
    blocks.append(block);
    input.remove_prefix(3 + block.size());
  }
  return finish(blocks, index, entries, newest_of(finish(blocks, index, entries, 0)));
}

}  // namespace
}  // namespace memoria

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  memoria::read_all(bytes);
  memoria::read_all(memoria::assemble(bytes));
  return 0;
}
