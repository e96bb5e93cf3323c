// SPDX-License-Identifier: MIT
// The open segment files: reading needs a descriptor, and those are few.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/cache_line.hpp"
#include "core/base/mutex.hpp"
#include "core/io/environment.hpp"
#include "core/store/segments.hpp"

namespace memoria {

/// Thread-safe. At most `max_size` files stay open in the cache, those that were used last; a file
/// that somebody still reads lives on until that is done, also after its segment was deleted.
///
/// use() of an open file takes no lock and writes nothing that other readers write: who reads a
/// file names it in a place of its own, and whoever lets go of a file looks there first (hazard
/// pointers: Michael, IEEE TPDS 15(6), 2004). What was used is one bit for each file, so "last" is
/// CLOCK's approximation (Corbató, 1968).
class FileCache {
 public:
  FileCache(Environment& environment, size_t max_size);

  class Use;
  /// The segment's file, for one read. For want of descriptors gives way first.
  Result<Use> use(const Segment& segment);
  /// The same for longer.
  Result<std::shared_ptr<File>> open(const Segment& segment);
  /// Puts a file in that is open already.
  void adopt(const Segment& segment, std::shared_ptr<File> file);
  /// The segment is removed: its file is not kept any more, also when somebody opens it just now.
  void forget(const Segment& segment);
  /// Closes half of the files, and from now on, until set_max_size(), keeps no more than are left:
  /// others need descriptors, too. False: there is none.
  bool give_way();
  /// Called when that was not enough: others may close some of theirs. Set before the first use.
  void on_shortage(std::function<void()> f) { on_shortage_ = std::move(f); }
  /// At least 1; what is above it is closed.
  void set_max_size(size_t max_size);

  uint64_t hits() const;
  uint64_t misses() const { return misses_; }

 private:
  struct Open {
    const Segment* segment;
    std::shared_ptr<File> file;
  };
  using Queue = std::list<Open>;
  struct alignas(kApart) Place {
    std::atomic<const File*> file{nullptr};  // what its taker reads
    std::atomic<uint64_t> hits{0};
  };
  static constexpr size_t kPlaces = 64;

  Place* take_place(const File* file);
  void release(Place& place, const Segment& segment, const File* file);
  std::shared_ptr<File> keep(const Segment& segment, std::shared_ptr<File> file);
  void evict(size_t left) REQUIRES(mutex_);
  void let_go(Queue::iterator open) REQUIRES(mutex_);
  void close_unused();

  Environment& environment_;
  std::function<void()> on_shortage_ = [] {};
  std::atomic<uint64_t> hits_{0}, misses_{0};  // those of open()
  std::array<Place, kPlaces> places_;
  Mutex mutex_;  // not held while a file is opened or closed
  size_t max_size_ GUARDED_BY(mutex_);
  Queue queue_ GUARDED_BY(mutex_);  // the next to close is last
  absl::flat_hash_map<Slot, Queue::iterator> by_slot_ GUARDED_BY(mutex_);
  // Let go of, and perhaps still read.
  std::vector<std::shared_ptr<File>> leaving_ GUARDED_BY(mutex_);
};

/// Keeps a file open. For the thread that got it, and not longer than the cache.
class FileCache::Use {
 public:
  Use(Use&& other) noexcept
      : file_(other.file_),
        shared_(std::move(other.shared_)),
        cache_(other.cache_),
        segment_(other.segment_),
        place_(std::exchange(other.place_, nullptr)) {}
  Use& operator=(Use&&) = delete;
  ~Use() {
    if (place_ != nullptr) cache_->release(*place_, *segment_, file_);
  }

  const File& operator*() const { return *file_; }
  const File* operator->() const { return file_; }

 private:
  friend class FileCache;
  Use(FileCache& cache, const Segment& segment, const File* file, Place& place)
      : file_(file), cache_(&cache), segment_(&segment), place_(&place) {}
  explicit Use(std::shared_ptr<File> file) : file_(file.get()), shared_(std::move(file)) {}

  const File* file_;
  // What keeps it: a count or a place.
  std::shared_ptr<File> shared_;
  FileCache* cache_ = nullptr;
  const Segment* segment_ = nullptr;
  Place* place_ = nullptr;
};

}  // namespace memoria
