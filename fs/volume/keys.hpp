// SPDX-License-Identifier: MIT
// The key table: how a volume lies in its store. Numbers in keys are big-endian, so that keys sort
// by number, and the entries of a directory and the attributes of an inode lie together.
//
//   S               superblock            superblock.hpp
//   N directory 8 name   entry            dentry.hpp
//   I inode 8       inode                 inode.hpp
//   C inode 8       contents of a file, byte for byte, or the target of a symlink
//   X inode 8 name  extended attribute    its value, byte for byte
//   O inode 8       orphan: an inode without a name that is still in use; empty value
//   G inode 8       growing: a directory without a name (its parent is itself) whose tree is not
//   complete;
//                   empty, or "M" when all of it is complete and is moving into the root
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/base/coding.hpp"
#include "fs/volume/attributes.hpp"

namespace memoria {

inline constexpr size_t kMaxName = 255;  ///< bytes, of files and of extended attributes

enum class Table : char {
  kSuperblock = 'S',
  kNames = 'N',
  kInodes = 'I',
  kContents = 'C',
  kXattrs = 'X',
  kOrphans = 'O',
  kGrowing = 'G',
};

/// A key on the stack. Converts to the view that the store takes, valid as long as this object.
class Key {
 public:
  static constexpr size_t kPrefix = 9;  ///< table and inode number

  // What is behind the key's end is never read: filling 264 bytes for each look-up would be waste.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  explicit Key(Table table) : size_(1) { bytes_[0] = char(table); }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  Key(Table table, InodeNumber ino) : size_(kPrefix) {
    bytes_[0] = char(table);
    for (int i = 0; i < 8; ++i) bytes_[1 + i] = char(ino >> (56 - 8 * i));
  }
  /// `name` is at most kMaxName bytes: callers have checked it.
  Key(Table table, InodeNumber ino, std::string_view name) : Key(table, ino) {
    const size_t n = name.size() < kMaxName ? name.size() : kMaxName;
    std::memcpy(bytes_.data() + kPrefix, name.data(), n);
    size_ += uint16_t(n);
  }

  operator std::string_view() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, kPrefix + kMaxName> bytes_;
  uint16_t size_;
};

/// The inode number in a key of any table; 0 when it has none.
inline InodeNumber inode_in_key(std::string_view key) {
  return key.size() < Key::kPrefix ? 0 : load_be64(key.data() + 1);
}

/// The name behind the inode number of a key with at least Key::kPrefix bytes.
inline std::string_view name_in_key(std::string_view key) {
  return key.substr(Key::kPrefix);
}

/// Whether there is a name behind the inode number, and one that a Key can hold. Other keys are
/// none of a volume's.
inline bool has_name(std::string_view key) {
  return key.size() > Key::kPrefix && key.size() - Key::kPrefix <= kMaxName;
}

/// A name that a directory may hold: 1 to 255 bytes, neither '/' nor NUL in it, not "." or "..".
inline bool is_usable_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && name != "." && name != ".." &&
         name.find('/') == name.npos && name.find('\0') == name.npos;
}

}  // namespace memoria
