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

/// A hint made of entry bodies: each is one length byte and that many bytes.
std::string assemble(std::string_view input) {
  std::string out = HintWriter(kSegment).finish(kLength);
  out.resize(out.size() - 16);
  uint64_t entries = 0;
  uint32_t crcs = 0;
  while (!input.empty()) {
    const auto size = uint8_t(input.front());
    const auto body = input.substr(1, size);
    input.remove_prefix(std::min<size_t>(input.size(), 1u + size));
    char raw[4];
    store_le<uint32_t>(raw, crc32c(body));
    crcs = crc32c({raw, 4}, crcs);
    out.append(raw, 4).append(body);
    ++entries;
  }
  out += "END!";
  append_le<uint64_t>(out, entries);
  append_le<uint32_t>(out, crcs);
  return out;
}

}  // namespace
}  // namespace memoria

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  memoria::read_all(bytes);
  memoria::read_all(memoria::assemble(bytes));
  return 0;
}
