// SPDX-License-Identifier: MIT
// What POSIX knows of a file, as plain data.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fs/volume/time.hpp"

namespace memoria {

/// Inode numbers are never reused. 1 is the root. The upper 16 bits are left to a mount, to tell
/// apart the trees that it shows: making a million inodes a second, 2^48 last for nine years.
using InodeNumber = uint64_t;
inline constexpr InodeNumber kRootInode = 1;
inline constexpr InodeNumber kMaxInode = (InodeNumber{1} << 48) - 1;

struct Attributes {
  InodeNumber ino = 0;
  mode_t mode = 0;  ///< type and permissions
  uint32_t links = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  uint64_t rdev = 0;
  uint64_t size = 0;    ///< bytes; a symlink's: the length of its target
  uint64_t blocks = 0;  ///< of 512 bytes, holes not counted
  TimeNs atime = 0, mtime = 0, ctime = 0, btime = 0;
};

/// Where a mount shows the snapshots, in its root: found by whoever asks for it, and listed to
/// nobody. What is made by a path (Volume::replace, place) cannot have this name.
inline constexpr std::string_view kSnapshotsName = ".snapshots";

/// Who asks. The kernel has already masked `mode` arguments, and checked permissions
/// (default_permissions); the volume needs the ids for ownership and set-id rules only.
struct Caller {
  uid_t uid = 0;
  gid_t gid = 0;
  /// Bits to take from the mode of a new inode, unless its directory has a default ACL.
  /// 0: whoever asks has done that.
  mode_t umask = 0;
};

/// What setattr changes; everything that is set happens in one atomic step.
struct AttributeChanges {
  std::optional<mode_t> mode;  ///< permission bits
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::optional<uint64_t> size;
  std::optional<TimeNs> atime, mtime, ctime;
  bool atime_now = false, mtime_now = false;
  bool drop_set_ids = false;  ///< as for Volume::drop_set_ids()
  /// The caller is not in the file's group (nor root): set-group-id goes also without group-execute
  /// where set-id bits go.
  bool outside_group = false;
  /// The kernel owns the times (writeback cache): without a time from it a size changes none.
  bool kernel_has_times = false;
};

struct DirectoryEntry {
  std::string name;
  InodeNumber ino = 0;
  mode_t type = 0;      ///< S_IFMT bits
  uint64_t cookie = 0;  ///< position behind this entry: 1 to 2^63 - 1, increasing, never reused
};

struct VolumeSpace {
  uint64_t total_bytes = 0, free_bytes = 0, available_bytes = 0;
  uint64_t files = 0, free_files = 0;
};

}  // namespace memoria
