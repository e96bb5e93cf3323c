// SPDX-License-Identifier: MIT
// Something that operations are carried out on. Paths are followed without symlinks: one in the
// middle of a path is ELOOP, one at its end is itself what is meant.
#pragma once

#include <functional>
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
//   where holes begin and end                         to the byte, or to the block

inline constexpr uint64_t kHoleSample = 65536;  ///< bytes looked at in each hole, at its beginning

/// Goes through a file by `seek(from, SEEK_DATA or SEEK_HOLE)`, negative where there is no more;
/// what `read(from)` finds in the holes has to be zero.
Outcome check_holes(const std::function<int64_t(uint64_t from, int whence)>& seek,
                    const std::function<std::string(uint64_t from)>& read);

std::string describe_attributes(mode_t mode, uint64_t links, uid_t uid, gid_t gid, uint64_t size,
                                uint64_t rdev);

}  // namespace memoria::test
