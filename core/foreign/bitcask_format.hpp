// SPDX-License-Identifier: MIT
// The log of Basho's Bitcask, as its paper ("A Log-Structured Hash Table for Fast Key/Value Data",
// 2010) draws it and as github.com/basho/bitcask writes it: files `N.bitcask.data` of
//
//   [4B CRC-32][4B time, seconds][2B key size][4B value size][key][value]      big-endian
//
// - The checksum is that of zlib and covers everything behind itself.
// - An erased key has a value that begins with "bitcask_tombstone": alone (the first form), or with
//   "1" or "2" and a 4-byte file number behind it. Which file that is matters only to a merge.
// - Files are read in the order of their numbers; what comes later wins, whatever its time says.
// - A merge marks the files that it replaced by the set-user-id bit or, later, by the permission of
//   others to execute, until they are removed.
// - Expiry is a setting of the program, not in the files: see LogOptions::expiry.
// - `N.bitcask.hint` and `bitcask.*.lock` are not read: everything is verified from the data, so a
//   hint could only be wrong.
#pragma once

#include "core/foreign/format.hpp"

namespace memoria::foreign {

class BitcaskFormat final : public LogFormat {
 public:
  std::optional<uint64_t> segment_number(std::string_view file_name) const override;
  bool is_discarded(mode_t mode) const override;
  size_t head_size() const override { return 14; }
  std::optional<RecordHead> parse(std::string_view head) const override;
  std::optional<std::string> with_sizes(std::string_view head, uint64_t key_size,
                                        uint64_t value_size) const override;
  uint32_t begin_checksum(std::string_view head) const override;
  uint32_t continue_checksum(uint32_t checksum, std::string_view bytes) const override;
  Meaning meaning(const RecordHead& head, std::string_view beginning) const override;
  bool orders_by_time() const override { return false; }
};

}  // namespace memoria::foreign
