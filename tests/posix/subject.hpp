// SPDX-License-Identifier: MIT
// Something that operations are carried out on. Paths are followed without symlinks: one in the
// middle of a path is ELOOP, one at its end is itself what is meant.
#pragma once

#include <memory>
#include <string>

#include "fs/volume/volume.hpp"
#include "tests/posix/operation.hpp"

namespace memoria::test {

/// Used by one thread.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual Outcome apply(const Operation& op) = 0;
  /// Closes what open operations left.
  virtual void close_files() = 0;
};

/// A directory, through system calls: a mount, or the reference on the host's filesystem.
std::unique_ptr<Subject> directory_subject(const std::string& path);
/// A volume without a mount, which must live longer.
std::unique_ptr<Subject> volume_subject(Volume& volume);

// ---- How both put what they found into words. What is left out differs rightly:
//   size and blocks of directories, blocks of files   what a filesystem's own structures take
//   inode numbers, device numbers of the filesystem   its own
//   times that were not set                           two clocks
//   the order of a listing                            unspecified
// and where holes end (SEEK_HOLE) is not asked at all.

std::string describe_attributes(mode_t mode, uint64_t links, uid_t uid, gid_t gid, uint64_t size,
                                uint64_t rdev);

}  // namespace memoria::test
