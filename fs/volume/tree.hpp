// SPDX-License-Identifier: MIT
// A volume's tree read straight from a store, a snapshot's for example: nothing is opened, held or
// cached, and nothing changes. What seems to be damaged in a store that others change is looked at
// again when the changes under way are there as a whole, which waits for writers.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "core/store/store.hpp"
#include "fs/volume/dentry.hpp"
#include "fs/volume/inode.hpp"

namespace memoria {

/// Which keys may show what they were before, because records may be missed without a trace: all
/// of them while a segment is damaged, and those that had their last change before a manifest was
/// lost. Of the moment at which it is made.
class Doubts {
 public:
  explicit Doubts(const Store& store);

  /// `timestamp`: of the key's last change.
  bool concern(uint64_t timestamp) const { return damaged_ || timestamp <= unsure_until_; }

 private:
  bool damaged_ = false;
  uint64_t unsure_until_ = 0;
};

/// Inodes that the volume has, directories included; 0 when they cannot be counted. Looks at the
/// keys of all.
uint64_t count_inodes(const Store& store);

struct TreeNode {
  InodeNumber ino = 0;
  Inode inode;
};

/// What a path of names from the root ("/a/b"; symlinks are not followed) leads to: ENOENT,
/// ENOTDIR, kCorrupt.
Result<TreeNode> find_node(const Store& store, std::string_view path);

/// Bytes of a file's contents, or of a symlink's target; 0 for others.
uint64_t content_size(const Store& store, InodeNumber ino);

/// How a file differs between two moments of a volume.
struct NodeChange {
  bool contents = false;
  /// Permissions, owner, group, device, extended attributes; for a file with the same contents also
  /// its time of change. A directory's time is that of its names, which are told by themselves.
  bool attributes = false;

  bool any() const { return contents || attributes; }
};
/// Contents are compared as Store::same_value() does. kCorrupt, kIo: they cannot be read;
/// kNotFound: so, or the file is gone meanwhile.
Result<NodeChange> compare_nodes(const Store& before, const TreeNode& was, const Store& after,
                                 const TreeNode& is);

/// The entries of a directory in the order of their names, a few at a time. Entries that come and
/// go meanwhile may be seen or not. One thread.
class NameCursor {
 public:
  struct Entry {
    std::string name;
    /// Nothing: it is damaged, or leads to a directory that cannot be read or is elsewhere.
    std::optional<Dentry> dentry;
  };

  NameCursor(const Store& store, InodeNumber directory) : store_(&store), directory_(directory) {}

  /// The entry at hand, nullptr at the end. Stays valid until pop().
  Result<const Entry*> peek();
  void pop() { entries_.pop_front(); }

 private:
  bool is_gone(Entry& entry);

  const Store* store_;
  InodeNumber directory_;
  std::deque<Entry> entries_;
  std::string position_;  // the last key that was taken
  bool at_end_ = false;
};

}  // namespace memoria
