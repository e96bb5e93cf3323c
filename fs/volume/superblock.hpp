// SPDX-License-Identifier: MIT
// What a volume knows about itself as a whole, as it is stored.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/store/store.hpp"
#include "fs/volume/attributes.hpp"

namespace memoria {

/// "MEMOVOL" and a version, 8 B | uuid 16 B | next inode, next cookie: varints | files + 1, or 0
/// when it must be counted: varint
///
/// A volume of a later version is refused whole (kNewerFormat).
struct Superblock {
  std::array<uint8_t, 16> uuid{};
  InodeNumber next_inode = 0;     ///< no inode has this number or a larger one
  uint64_t next_cookie = 0;       ///< no directory entry has this cookie or a larger one
  std::optional<uint64_t> files;  ///< inodes; only known after a clean close

  bool operator==(const Superblock&) const = default;
};

std::string encode(const Superblock& superblock);

/// Whether the store holds a volume, sound or not, or nothing but plain keys.
bool holds_volume(const Store& store);
/// kCorrupt, kNotAStore or kNewerFormat.
Result<Superblock> decode_superblock(std::string_view bytes);

}  // namespace memoria
