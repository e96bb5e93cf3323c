// SPDX-License-Identifier: MIT
// From what the user names to the data directory behind it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace memoria::ctl {

/// A line of /proc/self/mountinfo, as far as it matters here.
struct Mount {
  std::string root;         ///< the part of the filesystem that is mounted there, "/" mostly
  std::string mount_point;  ///< absolute
  std::string type;
  std::string source;
  uid_t user = 0;  ///< who made it, of a FUSE mount
};
/// Lines that make no sense are left out.
std::vector<Mount> parse_mountinfo(std::string_view text);
/// Those of this process. What one says of itself is believed only of root's, of one's own, and
/// where the directory belongs to who made it: any user may mount something by any name.
Result<std::vector<Mount>> read_mounts();

/// kLocked: the snapshot is mounted by itself, and whoever reads it there would find it gone.
/// (Mounts that this process cannot see do not count.)
Status check_not_mounted(const std::string& data_directory, const std::string& snapshot);

struct Target {
  std::string data_directory;
  std::string inside = "/";  ///< the path in the volume that the user's path stands for
  bool in_mount = false;     ///< it was reached through a mount
};

/// Where a mount shows a snapshot, in .snapshots/NAME of its root, the target is that snapshot,
/// which has a data directory of its own; others stay what they are, also those of a snapshot that
/// is not there. (A volume may have a directory .snapshots of its own, which was imported: what has
/// the name of a snapshot there is hidden by it.)
Target through_snapshots(Target target);

/// A path inside a mounted volume, or else a data directory. What lies in a snapshot there is a
/// path inside that; in one that is not there, it is an error. Symbolic links on the way are
/// followed; one that lies in the volume is not, when it is the path's last name. kNotFound (with
/// ENODATA: there is a mount, but no such snapshot), kIo. `may_be_new`: what is not there will be a
/// data directory.
Result<Target> find_target(const std::string& path, const std::vector<Mount>& mounts,
                           bool may_be_new = false);

/// The path in the volume that PATH means for this target: nothing when it is left out and the
/// target names none by itself.
std::optional<std::string> path_in_volume(const Target& target,
                                          const std::optional<std::string>& path);

/// The same of what paths begin with: its end need not be a name, so "a/." is not "a".
std::string prefix_in_volume(const Target& target, const std::string& prefix);

/// Where the mounts show a path of the volume: nothing when it is not mounted here, or only another
/// part of it.
std::optional<std::string> path_through_mount(const Target& target, const std::string& path,
                                              const std::vector<Mount>& mounts);

/// Makes the kernel hand over what programs wrote to the file at `path` and did not close yet;
/// nothing happens when it is no regular file.
void flush_written(const std::string& path);
/// The same for all files of the mount at `path`, their times included. A kernel need not wait here
/// until the contents are handed over: the daemon sees to those.
void flush_all_written(const std::string& path);

}  // namespace memoria::ctl
