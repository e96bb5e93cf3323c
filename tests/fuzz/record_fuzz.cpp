// SPDX-License-Identifier: MIT
// Any bytes as a record: never a crash, and what is accepted encodes to the same bytes.
#include "core/log/record.hpp"

#include <string>
#include <string_view>

#include "core/base/coding.hpp"
#include "core/base/crc32c.hpp"
#include "tests/fuzz/require.hpp"

namespace memoria {
namespace {

void check_accepted(const Record& r, std::string_view bytes, Place place) {
  FUZZ_REQUIRE(r.size() <= bytes.size());
  FUZZ_REQUIRE(r.key.data() >= bytes.data());
  FUZZ_REQUIRE(r.key.data() + r.key.size() <= bytes.data() + bytes.size());
  FUZZ_REQUIRE(r.value_size <= kMaxValueSize || r.kind == Kind::kBatch);
  const auto value = bytes.substr(r.prefix(), r.value_size);
  std::string again;
  encode_prefix(r, r.kind == Kind::kBatch ? std::string_view() : value, place, again);
  FUZZ_REQUIRE(again == bytes.substr(0, r.prefix()));
}

/// Gives the record the checksums that belong to it, so that what lies behind them is reached.
void mend(std::string& bytes, Place place) {
  const auto head = decode_head(bytes);
  if (!head || head.value().size > bytes.size()) return;
  const auto& h = head.value();
  const auto value = std::string_view(bytes).substr(h.prefix, h.size - h.prefix);
  const auto kind = Kind(uint8_t(bytes[16]) & kKindMask);
  if (has_blocks(kind, value.size())) {
    const size_t table = h.prefix - 4 * block_count(value.size());
    for (size_t i = 0; i < block_count(value.size()); ++i) {
      store_le<uint32_t>(&bytes[table + 4 * i], crc32c(value.substr(i * kBlockSize, kBlockSize)));
    }
  }
  std::string covered;
  append_le<uint64_t>(covered, place.offset);
  covered += bytes.substr(0, 4);
  covered += bytes.substr(8, h.verified - 8);
  store_le<uint32_t>(&bytes[4], crc32c(covered, place.segment_seed));
}

}  // namespace
}  // namespace memoria

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace memoria;  // NOLINT: the entry point cannot be in the namespace
  const Place place{12345, 44};
  std::string bytes(reinterpret_cast<const char*>(data), size);
  for (int round = 0; round < 2; ++round) {
    const auto whole = decode_whole_record(bytes, place);
    if (whole.has_value()) check_accepted(whole.value(), bytes, place);
    mend(bytes, place);
  }
  return 0;
}
