// SPDX-License-Identifier: MIT
// The two arguments of memoria-fs, checked before anything is started.
#pragma once

#include <string>

#include "fs/binding/mount_exit.hpp"
#include "fs/binding/mount_options.hpp"

namespace memoria {

struct Paths {
  std::string data_directory;  ///< absolute, without links; may not exist yet
  std::string mount_point;     ///< the same; exists
};

/// Refuses (kDataDirectory, kMountPoint, kLocked) what cannot work, naming what to do. Detaches a
/// mount point whose daemon has died. Of the options it asks whether the data directory may be on a
/// read-only disk, and whether it may be missing.
Checked<Paths> check_paths(const std::string& data_directory, const std::string& mount_point,
                           const MountOptions& options);

/// The directory of a snapshot, which is a data directory that is never changed. kDataDirectory:
/// there is no such snapshot.
Checked<std::string> snapshot_directory(const std::string& data_directory,
                                        const std::string& snapshot);

/// True for "/dev/fd/N", with which mount.fuse3 hands over a mount it has already made (the option
/// drop_privileges). Such a path cannot be looked at.
bool is_handed_over(const std::string& mount_point);

}  // namespace memoria
