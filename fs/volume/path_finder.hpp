// SPDX-License-Identifier: MIT
// From inodes back to paths, in a volume that may be damaged.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "core/store/store.hpp"
#include "fs/volume/attributes.hpp"

namespace memoria {

/// What all names of a volume lead to, as far as they can be read: no inode is needed for a path.
/// Memory: the names of all directories. Thread-safe once made.
class PathFinder {
 public:
  /// Reads every name. `inodes`: those that will be asked for, beside directories. Errors: of
  /// listing the store's keys; damaged names are left out.
  static Result<PathFinder> read(const Store& store, const std::set<InodeNumber>& inodes);

  /// A path that leads to the inode; of a file with several names, one of them. Empty: there is
  /// none.
  std::string path_of(InodeNumber ino) const;
  /// The same of what a key of the store belongs to: an inode, or a name, whether it is there or
  /// not.
  std::string path_of_key(std::string_view key) const;

 private:
  struct Place {
    InodeNumber directory = 0;
    std::string name;
  };
  std::map<InodeNumber, Place> places_;
};

}  // namespace memoria
