// SPDX-License-Identifier: MIT
// Random operations of every kind on a volume, and what can be seen of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fs/volume/volume.hpp"
#include "tests/crash/recording.hpp"

namespace memoria::test {

inline constexpr Caller kWorker{.uid = 1000, .gid = 100};

/// One thread at a time.
class VolumeOperations {
 public:
  /// `grows`: also trees that are not seen before they are placed.
  explicit VolumeOperations(uint64_t seed, bool grows = true) : random_(seed), grows_(grows) {}

  /// One operation; that it may be refused (no such file, not empty ...) does not matter. True: it
  /// says that everything is durable. Throws Broken on an error that no rule of POSIX explains.
  bool step(Volume& volume);
  /// The volume is about to be closed.
  void release_all(Volume& volume);

 private:
  bool change_names(Volume& volume);
  void make(Volume& volume);
  void change_contents(Volume& volume);
  void change_attributes(Volume& volume);
  void use(Volume& volume);
  bool change_by_path(Volume& volume);
  bool change_growing(Volume& volume);
  void grow_on(Volume& volume);
  bool place_growing(Volume& volume);
  void made(Volume& volume, const Result<Attributes>& result);
  void check(const Status& status) const;
  InodeNumber some();
  std::string name() { return std::string(1, char('a' + random_.below(5))); }

  Random random_;
  const bool grows_;
  std::vector<InodeNumber> known_{kRootInode};  ///< some are gone
  std::vector<InodeNumber> held_;
  std::optional<InodeNumber> growing_;  ///< the root of a tree without a name
  std::vector<InodeNumber> grown_;      ///< what is in it
};

/// Names, attributes with times, contents, targets and extended attributes of everything below the
/// root. Throws Broken when something cannot be read or does not belong together.
View view_of(Volume& volume);
/// Fails when inodes without a name are left, as after an opening none may be.
void check_inodes(Volume& volume);

}  // namespace memoria::test
