// SPDX-License-Identifier: MIT
#include "core/foreign/bitcask_format.hpp"

#include <sys/stat.h>

#include "core/foreign/numbers.hpp"

namespace memoria::foreign {
namespace {

constexpr std::string_view kTombstone = "bitcask_tombstone";
constexpr int64_t kSecond = 1'000'000'000;

}  // namespace

std::optional<uint64_t> BitcaskFormat::segment_number(std::string_view file_name) const {
  return number_before(file_name, ".bitcask.data");
}

bool BitcaskFormat::is_discarded(mode_t mode) const {
  return (mode & (S_ISUID | S_IXOTH)) != 0;
}

std::optional<RecordHead> BitcaskFormat::parse(std::string_view head) const {
  RecordHead out;
  out.checksum = load_be<uint32_t>(head, 0);
  out.time_ns = load_be<uint32_t>(head, 4) * kSecond;
  out.key_size = load_be<uint16_t>(head, 8);
  out.value_size = load_be<uint32_t>(head, 10);
  // Zeros are what a crash leaves of a file whose size was durable before its bytes.
  if (out.time_ns == 0 && out.key_size == 0) return std::nullopt;
  return out;
}

std::optional<std::string> BitcaskFormat::with_sizes(std::string_view head, uint64_t key_size,
                                                     uint64_t value_size) const {
  if (key_size > UINT16_MAX || value_size > UINT32_MAX) return std::nullopt;
  std::string out(head);
  store_be(out, 8, uint16_t(key_size));
  store_be(out, 10, uint32_t(value_size));
  return out;
}

uint32_t BitcaskFormat::begin_checksum(std::string_view head) const {
  return crc32(head.substr(4));
}

uint32_t BitcaskFormat::continue_checksum(uint32_t checksum, std::string_view bytes) const {
  return crc32(bytes, checksum);
}

Meaning BitcaskFormat::meaning(const RecordHead&, std::string_view beginning) const {
  return beginning.starts_with(kTombstone) ? Meaning::kErased : Meaning::kValue;
}

}  // namespace memoria::foreign
