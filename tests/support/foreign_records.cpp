// SPDX-License-Identifier: MIT
#include "tests/support/foreign_records.hpp"

#include <algorithm>
#include <boost/crc.hpp>

namespace memoria::test {
namespace {

using Crc32 = boost::crc_32_type;
using Crc32c = boost::crc_optimal<32, 0x1edc6f41, 0xffffffff, 0xffffffff, true, true>;

template <class T>
std::string number(T value, bool big_endian) {
  std::string out;
  for (size_t i = 0; i < sizeof(T); ++i) out += char(uint64_t(value) >> 8 * i);
  if (big_endian) std::reverse(out.begin(), out.end());
  return out;
}

template <class Crc>
uint32_t checksum(std::string_view bytes) {
  Crc crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

}  // namespace

std::string bitcask_record(std::string_view key, std::string_view value, uint32_t seconds) {
  std::string behind = number(seconds, true) + number(uint16_t(key.size()), true) +
                       number(uint32_t(value.size()), true);
  behind.append(key).append(value);
  return number(checksum<Crc32>(behind), true) + behind;
}

std::string bitcask_tombstone(std::string_view key, int form, uint32_t seconds) {
  std::string value = "bitcask_tombstone";
  if (form > 0) value += std::to_string(form) + number(uint32_t(7), true);
  return bitcask_record(key, value, seconds);
}

std::string original_record(const OriginalStyle& style, std::string_view key,
                            std::string_view value, uint64_t time_ns, uint8_t type) {
  const bool big = style.big_endian;
  const auto length = number(uint32_t(25 + key.size() + value.size()), big);
  std::string behind = number(time_ns, big) + char(type) + number(uint32_t(key.size()), big) +
                       number(uint32_t(value.size()), big);
  behind.append(key).append(value);
  std::string covered = style.covers == 0 ? "" : length;
  if (style.covers == 2) covered += std::string(4, '\0');
  covered += behind;
  const auto sum = style.castagnoli ? checksum<Crc32c>(covered) : checksum<Crc32>(covered);
  return length + number(sum, big) + behind;
}

}  // namespace memoria::test
