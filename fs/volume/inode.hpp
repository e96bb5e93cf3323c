// SPDX-License-Identifier: MIT
// The inode as it is stored: everything that POSIX knows of a file but its name and contents. The
// size is not in it: that of a file is the size of its contents in the store.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "fs/volume/attributes.hpp"

namespace memoria {

/// version 1 B | mode, links, uid, gid, rdev, flags: varints | btime 8 B | ctime - btime,
/// mtime - ctime, atime - mtime: zigzag varints | for a directory: parent, entries: varints | in
/// version 2, which only directories have: place, a varint | with kInodeExtended: length varint,
/// that many bytes of extension
///
/// A directory that was named before there was version 2 keeps version 1 until it is renamed.
///
/// Growing without breaking: a later version puts new fields into the extension, which this one
/// keeps and writes back unread. The low 16 flags are such that a program which does not know one
/// may go on (it keeps it); one of the others makes it refuse the inode, and only that
/// (kNewerFormat). Anything else behind the known fields is damage. Always short enough to be
/// stored inline.
struct Inode {
  mode_t mode = 0;  ///< type and permissions
  uint32_t links = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  uint64_t rdev = 0;
  uint32_t flags = 0;
  TimeNs btime = 0, ctime = 0, mtime = 0, atime = 0;
  InodeNumber parent = 0;  ///< directories only; the root's is the root
  uint64_t place = 0;      ///< directories only: the cookie of its name there; 0: not known
  uint64_t entries = 0;    ///< directories only: names in it
  std::string extension;   ///< of a later version

  bool is_directory() const { return S_ISDIR(mode); }
  bool is_regular() const { return S_ISREG(mode); }
  bool is_symlink() const { return S_ISLNK(mode); }
  bool operator==(const Inode&) const = default;
};

inline constexpr uint32_t kInodeExtended = 1;  ///< an extension follows
inline constexpr uint32_t kKnownInodeFlags = kInodeExtended;
inline constexpr uint32_t kCompatibleFlags = 0xffff;  ///< those that may be ignored
inline constexpr size_t kMaxInodeSize = 110;          ///< bytes, encoded
inline constexpr size_t kMaxExtension = 16;

/// Whether an entry of `directory` with this cookie may lead to this inode. A directory has one
/// name: where damage brings an old one back, it would have a second, and could be inside itself.
inline bool is_named_by(InodeNumber directory, uint64_t cookie, const Inode& inode) {
  if (!inode.is_directory()) return true;
  return inode.parent == directory && (inode.place == 0 || inode.place == cookie);
}

/// Set-group-id without group-execute, which once meant mandatory locking, stays where a member of
/// the group makes the change.
constexpr mode_t without_set_ids(mode_t mode, bool outside_group) {
  mode &= ~mode_t{S_ISUID};
  if (outside_group || (mode & S_IXGRP) != 0) mode &= ~mode_t{S_ISGID};
  return mode;
}

/// One of the seven types that S_IFMT can hold.
constexpr bool is_file_type(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFLNK:
    case S_IFIFO:
    case S_IFSOCK:
    case S_IFCHR:
    case S_IFBLK:
      return true;
    default:
      return false;
  }
}

std::string encode(const Inode& inode);

/// kCorrupt, or kNewerFormat; the message says what is wrong, not where.
Result<Inode> decode_inode(std::string_view bytes);

}  // namespace memoria
