// SPDX-License-Identifier: MIT
// What is in a volume, as plain data by inode.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "fs/volume/keys.hpp"
#include "fs/volume/volume.hpp"

namespace memoria::test {

struct VolumeTree {
  struct Node {
    Attributes attributes;
    std::string contents;  ///< or the target of a symlink
    std::map<std::string, std::string> xattrs;
    std::map<std::string, InodeNumber> names;  ///< in a directory
  };
  /// A path, and the directories and names that lead to it.
  struct Way {
    std::string path;
    std::vector<std::pair<InodeNumber, std::string>> names;
  };

  std::map<InodeNumber, Node> nodes;
  uint64_t files = 0;  ///< a snapshot's count those that had no name and were open

  /// All paths of each inode; the root's is "/".
  std::map<InodeNumber, std::vector<Way>> ways() const;
};

/// The key of a volume's store as a string.
inline std::string key_of(const Key& key) {
  return std::string(std::string_view(key));
}

/// Throws Broken when something cannot be read or does not belong together: a name without its
/// inode, a listing that says something else, a wrong count of links.
VolumeTree tree_of(Volume& volume);

}  // namespace memoria::test
