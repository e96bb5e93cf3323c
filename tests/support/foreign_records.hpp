// SPDX-License-Identifier: MIT
// Records of other programs' logs, written from their descriptions without the code that reads
// them, by Boost's checksums.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace memoria::test {

/// Of Basho's Bitcask. `seconds` since the epoch; sizes as they are, whatever they are.
std::string bitcask_record(std::string_view key, std::string_view value, uint32_t seconds = 1);
/// The forms of its tombstones: 0 is the first, 1 and 2 have a file number.
std::string bitcask_tombstone(std::string_view key, int form = 0, uint32_t seconds = 1);

/// What the description of the original engine leaves open.
struct OriginalStyle {
  bool big_endian = false;
  bool castagnoli = false;
  int covers =
      0;  ///< 0: what is behind the checksum; 1: the length, too; 2: and zeros in its place
};
/// Of the original engine in Go. `time_ns` since the epoch. An empty value erases.
std::string original_record(const OriginalStyle& style, std::string_view key,
                            std::string_view value, uint64_t time_ns, uint8_t type = 0);

}  // namespace memoria::test
