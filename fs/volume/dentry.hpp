// SPDX-License-Identifier: MIT
// A directory entry as it is stored under its name.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "fs/volume/attributes.hpp"

namespace memoria {

/// version and type 1 B: version 1 in the high four bits, S_IFMT >> 12 in the low | inode, cookie:
/// varints. Nothing may follow: an entry does not grow, a change takes a new version.
struct Dentry {
  InodeNumber ino = 0;
  mode_t type = 0;      ///< S_IFMT bits
  uint64_t cookie = 0;  ///< see DirectoryEntry

  bool operator==(const Dentry&) const = default;
};

inline constexpr size_t kMaxDentrySize = 1 + 10 + 10;
inline constexpr uint64_t kFirstCookie =
    16;  ///< smaller ones are left to the binding ("." and "..")
/// Cookies from here on are made up for damaged entries, which have lost their own.
inline constexpr uint64_t kDamagedCookies = uint64_t{1} << 62;

std::string encode(const Dentry& entry);

/// kCorrupt, or kNewerFormat; the message says what is wrong, not where.
Result<Dentry> decode_dentry(std::string_view bytes);

}  // namespace memoria
