// SPDX-License-Identifier: MIT
// What damage may do to a volume: the bounds of its keys (bounds.hpp), for what they mean there.
#pragma once

#include <algorithm>
#include <map>
#include <string>

#include "tests/rot/bounds.hpp"
#include "tests/rot/volume_tree.hpp"

namespace memoria::test {

/// Of a key, or of several together: the worst.
enum class Hit {
  kNone,     ///< it is as it was
  kHit,      ///< it is as it was, or an error
  kUnknown,  ///< nobody may know that it was hit: it may be what it once was
};

class VolumeBounds {
 public:
  VolumeBounds(const Bounds& bounds, const VolumeTree& tree);

  const Bounds& bounds() const { return bounds_; }
  const VolumeTree& tree() const { return tree_; }
  const std::map<InodeNumber, std::vector<VolumeTree::Way>>& ways() const { return ways_; }

  Hit of(const std::string& key) const;
  Hit superblock() const { return of(key_of(Key(Table::kSuperblock))); }
  Hit inode(InodeNumber ino) const { return of(key_of(Key(Table::kInodes, ino))); }
  Hit name(InodeNumber directory, const std::string& name) const {
    return of(key_of(Key(Table::kNames, directory, name)));
  }
  Hit contents(InodeNumber ino) const { return of(key_of(Key(Table::kContents, ino))); }
  Hit xattr(InodeNumber ino, const std::string& name) const {
    return of(key_of(Key(Table::kXattrs, ino, name)));
  }
  /// The names on a way, and, `inodes`, the directories.
  Hit way(const VolumeTree::Way& way, bool inodes) const;
  /// Of all keys that there ever were.
  Hit worst() const { return worst_; }
  /// Of all names that there ever were.
  Hit worst_name() const { return worst_name_; }

 private:
  const Bounds& bounds_;
  const VolumeTree& tree_;
  std::map<InodeNumber, std::vector<VolumeTree::Way>> ways_;
  std::map<std::string, Hit> hits_;
  Hit worst_ = Hit::kNone, worst_name_ = Hit::kNone;
};

}  // namespace memoria::test
