// SPDX-License-Identifier: MIT
// A tree without contradictions, out of what is left of a volume.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "fs/volume/repair_inventory.hpp"

namespace memoria {

/// Every name leads to an inode and every inode has a name; links and entries are counted.
struct RepairTree {
  struct Node {
    Inode inode;
    std::string path;       ///< one of them
    bool placed = false;    ///< it has a name in the new volume; without one it is not in it
    bool made_up = false;   ///< its attributes are gone
    bool left_out = false;  ///< its name was dropped with it
    uint64_t entries = 0;   ///< of a directory: how many names there were
  };
  std::map<InodeNumber, Node> nodes;
  std::map<InodeNumber, std::vector<std::pair<std::string, Dentry>>> names;  ///< by directory
  InodeNumber highest = 0;
  uint64_t next_cookie = kFirstCookie;

  /// `from` has the targets of symlinks. `owner` owns what must be made up; what is not as it was
  /// is told. `go_on` is asked often; false: kCancelled.
  static Result<RepairTree> build(const Store& from, const RepairInventory& inventory,
                                  const Caller& owner, std::vector<Loss>& losses,
                                  const std::function<bool()>& go_on);
};

}  // namespace memoria
