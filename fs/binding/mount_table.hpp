// SPDX-License-Identifier: MIT
// What is mounted where, from /proc/self/mounts.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace memoria {

inline constexpr const char* kFilesystemType = "fuse.memoria";

struct Mounted {
  std::string source;  ///< ours: the data directory
  std::string mount_point;
  std::string type;     ///< ours: kFilesystemType
  std::string options;  ///< of the kernel, separated by commas
};

/// In the order in which they were mounted.
std::vector<Mounted> mounted_filesystems();
/// What is on top at `mount_point` (an absolute path without links).
std::optional<Mounted> mounted_at(const std::string& mount_point);
/// Where the volume of a data directory is mounted.
std::optional<Mounted> mounted_from(const std::string& data_directory);

/// Detaches the mount on top at `mount_point`, through fusermount3 when this process may not
/// itself.
bool unmount_lazily(const std::string& mount_point);

}  // namespace memoria
