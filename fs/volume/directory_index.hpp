// SPDX-License-Identifier: MIT
// One directory's entries in the order in which they are listed.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/mutex.hpp"
#include "core/base/result.hpp"
#include "core/store/store.hpp"
#include "fs/volume/attributes.hpp"
#include "fs/volume/dentry.hpp"

namespace memoria {

/// The store keeps entries by name; a listing goes by cookie, so that it can be continued while
/// entries come and go. The index is read from the store once, and then follows the changes: going
/// on from a cookie costs O(log n) however large the directory is.
///
/// Thread-safe. Changes of one directory must come one after the other, in the order of the store;
/// they may come while the index is being built, from before and after the scan's passing by.
class DirectoryIndex {
 public:
  explicit DirectoryIndex(InodeNumber directory) : directory_(directory) {}

  /// Reads the directory from the store, if that has not happened.
  Status build(const Store& store);
  /// The name is there now, with this entry.
  void set(std::string_view name, const Dentry& entry);
  /// The name is not there any more; it had this cookie.
  void erase(std::string_view name, uint64_t cookie);
  /// Up to `limit` entries with cookies above `cookie`, in order. Nothing when the index must be
  /// built (again).
  std::optional<std::vector<DirectoryEntry>> after(uint64_t cookie, size_t limit) const;
  size_t bytes() const { return bytes_; }  ///< memory, approximately

 private:
  struct Slot {
    uint64_t cookie;
    InodeNumber ino;
    uint64_t name_begin;  ///< in Listing::names
    uint16_t name_size;   ///< 0: removed
    mode_t type;
  };
  struct Listing {
    std::vector<Slot> slots;  ///< by cookie
    std::string names;
    size_t removed = 0;
    size_t head = 0;  ///< all slots before this one are removed

    std::string_view name(const Slot& s) const {
      return std::string_view(names).substr(s.name_begin, s.name_size);
    }
    void insert(size_t position, std::string_view name, const Dentry& entry);
    void append(std::string_view name, const Dentry& entry) { insert(slots.size(), name, entry); }
    void remove(size_t position);
    /// The first slot whose cookie is at least this.
    size_t find(uint64_t cookie) const;
    size_t bytes() const { return slots.capacity() * sizeof(Slot) + names.capacity(); }
  };
  enum class State { kEmpty, kBuilding, kReady };
  using Change = std::pair<std::string, std::optional<Dentry>>;

  Result<Listing> scan(const Store& store) const;
  static void apply(const std::vector<Change>& changes, Listing& listing);
  void reset() REQUIRES(mutex_);

  const InodeNumber directory_;
  Mutex build_mutex_;  ///< one builds, others wait; taken before mutex_
  mutable Mutex mutex_;
  State state_ GUARDED_BY(mutex_) = State::kEmpty;
  Listing listing_ GUARDED_BY(mutex_);
  std::vector<Change> pending_ GUARDED_BY(mutex_);  ///< what happened while building
  std::atomic<size_t> bytes_ = 0;
};

}  // namespace memoria
