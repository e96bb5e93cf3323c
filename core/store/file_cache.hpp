// SPDX-License-Identifier: MIT
// The LRU of open segment files: reading needs a descriptor, and those are few.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <utility>

#include "core/base/mutex.hpp"
#include "core/io/environment.hpp"
#include "core/store/segments.hpp"

namespace memoria {

/// Thread-safe. At most `max_size` files stay open in the cache; a file that somebody still reads
/// lives on until that is done, also after its segment was deleted.
class FileCache {
 public:
  FileCache(Environment& environment, size_t max_size);

  /// The segment's file, for reading. For want of descriptors gives way first.
  Result<std::shared_ptr<File>> open(const Segment& segment);
  /// Puts a file in that is open already.
  void adopt(Slot slot, std::shared_ptr<File> file);
  void forget(Slot slot);
  /// Closes half of the files, and from now on, until set_max_size(), keeps no more than are left:
  /// others need descriptors, too. False: there is none.
  bool give_way();
  /// Called when that was not enough: others may close some of theirs. Set before the first use.
  void on_shortage(std::function<void()> f) { on_shortage_ = std::move(f); }
  /// At least 1; what is above it is closed.
  void set_max_size(size_t max_size);

  uint64_t hits() const { return hits_; }
  uint64_t misses() const { return misses_; }

 private:
  struct Open {
    Slot slot;
    std::shared_ptr<File> file;
  };
  std::shared_ptr<File> insert(Slot slot, std::shared_ptr<File> file) REQUIRES(mutex_);
  void evict(size_t left) REQUIRES(mutex_);

  Environment& environment_;
  std::function<void()> on_shortage_ = [] {};
  std::atomic<uint64_t> hits_{0};  // changed under the mutex
  std::atomic<uint64_t> misses_{0};
  Mutex mutex_;  // not held while a file is opened
  size_t max_size_ GUARDED_BY(mutex_);
  std::list<Open> recent_ GUARDED_BY(mutex_);  // most recent first
  absl::flat_hash_map<Slot, std::list<Open>::iterator> by_slot_ GUARDED_BY(mutex_);
};

}  // namespace memoria
