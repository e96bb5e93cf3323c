// SPDX-License-Identifier: MIT
#include "core/foreign/original_format.hpp"

#include <string>

#include "core/base/crc32c.hpp"
#include "core/foreign/numbers.hpp"

namespace memoria::foreign {
namespace {

constexpr uint8_t kHighestType = 2;

}  // namespace

std::optional<uint64_t> OriginalFormat::segment_number(std::string_view file_name) const {
  return number_before(file_name, ".data");
}

std::optional<RecordHead> OriginalFormat::parse(std::string_view head) const {
  const bool big = dialect_.big_endian;
  RecordHead out;
  const auto length = load<uint32_t>(head, 0, big);
  out.checksum = load<uint32_t>(head, 4, big);
  out.time_ns = int64_t(load<uint64_t>(head, 8, big));
  out.type = uint8_t(head[16]);
  out.key_size = load<uint32_t>(head, 17, big);
  out.value_size = load<uint32_t>(head, 21, big);
  if (out.key_size == 0 || length != kHeadSize + out.key_size + out.value_size) {
    return std::nullopt;
  }
  return out;
}

uint32_t OriginalFormat::begin_checksum(std::string_view head) const {
  const auto behind = head.substr(8, kHeadSize - 8);
  switch (dialect_.covers) {
    case Dialect::Covers::kBehindIt:
      return continue_checksum(0, behind);
    case Dialect::Covers::kAllButIt:
      return continue_checksum(continue_checksum(0, head.substr(0, 4)), behind);
    case Dialect::Covers::kAllWithZeros:
      return continue_checksum(continue_checksum(continue_checksum(0, head.substr(0, 4)),
                                                 std::string_view("\0\0\0\0", 4)),
                               behind);
  }
  return 0;
}

uint32_t OriginalFormat::continue_checksum(uint32_t checksum, std::string_view bytes) const {
  return dialect_.castagnoli ? crc32c(bytes, checksum) : crc32(bytes, checksum);
}

Meaning OriginalFormat::meaning(const RecordHead& head, std::string_view) const {
  if (head.type > kHighestType) return Meaning::kUnknown;
  return head.value_size == 0 ? Meaning::kErased : Meaning::kValue;
}

}  // namespace memoria::foreign
