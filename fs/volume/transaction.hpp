// SPDX-License-Identifier: MIT
// One POSIX operation on its way to being one batch.
#pragma once

#include <boost/container/static_vector.hpp>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "core/store/batch.hpp"
#include "core/store/store.hpp"
#include "fs/volume/counters.hpp"
#include "fs/volume/dentry.hpp"
#include "fs/volume/directory_cache.hpp"
#include "fs/volume/inode.hpp"

namespace memoria {

/// Now, for timestamps: the clock that the kernel takes for those that it sets itself, which moves
/// at each timer interrupt, and never earlier than what it was seen to set. By another clock a file
/// that was made after another was written could be the older one; and the kernel reports the time
/// of a first write only if it is not that of the creation.
TimeNs wall_clock();
/// The kernel has set this time by its own clock. It is ahead of the one that programs can ask by
/// up to a tick, since filesystems whose times are finer (multigrain timestamps, Linux 6.13) may
/// not be behind one another.
void note_kernel_time(TimeNs time);

/// The inode as it is in the store: kNotFound, or kCorrupt when it cannot be read.
Result<Inode> load_inode(const Store& store, InodeNumber ino);
/// The entry of a name: kNotFound, or kCorrupt when it cannot be read.
Result<Dentry> load_dentry(const Store& store, InodeNumber directory, std::string_view name);

/// Collects what an operation changes; commit() makes it happen, all or nothing. Without commit()
/// nothing happens. The caller holds the stripes of all inodes concerned, and keeps the names and
/// contents that it passes alive until commit() has returned. One thread.
class Transaction {
 public:
  Transaction(Store& store, Counters& counters, DirectoryCache& directories);

  TimeNs now() const { return now_; }  ///< one moment for the whole operation

  /// The inode, to be read and changed in place; written when it differs. Stays valid.
  Result<Inode*> inode(InodeNumber ino);
  /// The same for a directory: ENOTDIR.
  Result<Inode*> directory(InodeNumber ino);
  Inode* create_inode(InodeNumber ino, Inode inode);
  /// Removes the inode, its contents, extended attributes and orphan record.
  Status remove_inode(InodeNumber ino);

  void set_name(InodeNumber directory, std::string_view name, const Dentry& entry);
  void erase_name(InodeNumber directory, std::string_view name, uint64_t cookie);

  /// For contents, attributes and orphans.
  Batch& batch() { return batch_; }
  /// Keeps a value alive for the batch.
  std::string_view keep(std::string value) { return values_.emplace_back(std::move(value)); }

  Status commit();

 private:
  struct Slot {
    InodeNumber ino = 0;
    Inode inode;
    std::optional<Inode> stored;  ///< nothing: a new one
    bool removed = false;
  };
  struct NameChange {
    InodeNumber directory;
    std::string_view name;
    std::optional<Dentry> entry;
    uint64_t cookie;
  };

  Slot* find(InodeNumber ino);

  Store& store_;
  Counters& counters_;
  DirectoryCache& directories_;
  const TimeNs now_;
  Batch batch_;
  std::deque<std::string> values_;
  boost::container::static_vector<Slot, 5> inodes_;  ///< as many as Stripes::kMaxLocked
  boost::container::static_vector<NameChange, 2> names_;
  int64_t files_ = 0;
};

}  // namespace memoria
