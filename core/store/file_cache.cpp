// SPDX-License-Identifier: MIT
#include "core/store/file_cache.hpp"

#include <algorithm>
#include <iterator>

namespace memoria {
namespace {

// How many places a thread looks at before it takes the lock instead.
constexpr size_t kPlacesTried = 4;

/// Where a thread looks first; threads that run together seldom have the same.
size_t first_place() {
  static std::atomic<size_t> threads{0};
  thread_local const size_t mine = threads.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

}  // namespace

FileCache::FileCache(Environment& environment, size_t max_size)
    : environment_(environment), max_size_(std::max<size_t>(max_size, 1)) {}

FileCache::Place* FileCache::take_place(const File* file) {
  for (size_t i = 0; i < kPlacesTried; ++i) {
    Place& place = places_[(first_place() + i) % kPlaces];
    const File* nobodys = nullptr;
    if (place.file.load(std::memory_order_relaxed) == nullptr &&
        place.file.compare_exchange_strong(nobodys, file)) {
      return &place;
    }
  }
  return nullptr;
}

// use() names the file, then looks whether the segment still has it. let_go() takes it from the
// segment, then looks whether somebody names it. All four are sequentially consistent, so one of
// the two sees the other. For the end of a use the same holds: either release() sees that the file
// was let go of, and closes it, or close_unused() sees that nobody names it any more.

Result<FileCache::Use> FileCache::use(const Segment& segment) {
  if (const File* file = segment.cached.file.load()) {
    if (Place* const place = take_place(file)) {
      Use use(*this, segment, file, *place);
      if (segment.cached.file.load() == file) {
        auto& used = segment.cached.used;
        if (!used.load(std::memory_order_relaxed)) used.store(true, std::memory_order_relaxed);
        auto& hits = place->hits;
        hits.store(hits.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        return use;
      }
    }
  }
  MEMORIA_TRY(auto file, open(segment));
  return Use(std::move(file));
}

void FileCache::release(Place& place, const Segment& segment, const File* file) {
  place.file.store(nullptr);
  if (segment.cached.file.load() != file) close_unused();
}

/// Those that were let go of and that nobody reads.
void FileCache::close_unused() {
  const auto is_used = [this](const auto& file) {
    return std::any_of(places_.begin(), places_.end(),
                       [&](const Place& place) { return place.file.load() == file.get(); });
  };
  std::vector<std::shared_ptr<File>> unused;
  const Lock lock(mutex_);  // unlocked before they are closed
  const auto first = std::partition(leaving_.begin(), leaving_.end(), is_used);
  unused.assign(std::make_move_iterator(first), std::make_move_iterator(leaving_.end()));
  leaving_.erase(first, leaving_.end());
}

void FileCache::let_go(Queue::iterator open) {
  open->segment->cached.file.store(nullptr);
  leaving_.push_back(std::move(open->file));
  by_slot_.erase(open->segment->slot);
  queue_.erase(open);
}

/// Files that were used since the last time are spared, each once.
void FileCache::evict(size_t left) {
  for (size_t spared = queue_.size(); queue_.size() > left;) {
    const auto last = std::prev(queue_.end());
    if (spared > 0 && last->segment->cached.used.exchange(false, std::memory_order_relaxed)) {
      queue_.splice(queue_.begin(), queue_, last);
      --spared;
    } else {
      let_go(last);
    }
  }
}

void FileCache::set_max_size(size_t max_size) {
  {
    const Lock lock(mutex_);
    max_size_ = std::max<size_t>(max_size, 1);
    evict(max_size_);
  }
  close_unused();
}

bool FileCache::give_way() {
  {
    const Lock lock(mutex_);
    if (queue_.empty()) return false;
    const size_t left = queue_.size() / 2;
    max_size_ = std::max<size_t>(left, 1);
    evict(left);
  }
  close_unused();
  return true;
}

Result<std::shared_ptr<File>> FileCache::open(const Segment& segment) {
  {
    const Lock lock(mutex_);
    if (const auto it = by_slot_.find(segment.slot); it != by_slot_.end()) {
      segment.cached.used.store(true, std::memory_order_relaxed);
      hits_.fetch_add(1, std::memory_order_relaxed);
      return it->second->file;
    }
  }
  misses_.fetch_add(1, std::memory_order_relaxed);
  const auto name = segment_file(segment.id(), kDataSuffix);
  auto opened = environment_.open(name, Environment::Access::kRead);
  while (!opened.has_value() && opened.error().lacks_descriptors() && give_way()) {
    opened = environment_.open(name, Environment::Access::kRead);
  }
  if (!opened.has_value() && opened.error().lacks_descriptors()) {
    on_shortage_();
    opened = environment_.open(name, Environment::Access::kRead);
  }
  MEMORIA_TRY(auto file, std::move(opened));
  return keep(segment, std::move(file));
}

void FileCache::adopt(const Segment& segment, std::shared_ptr<File> file) {
  (void)keep(segment, std::move(file));
}

/// The file that the cache has from now on: another thread's, if that was faster.
std::shared_ptr<File> FileCache::keep(const Segment& segment, std::shared_ptr<File> file) {
  {
    const Lock lock(mutex_);
    if (const auto it = by_slot_.find(segment.slot); it != by_slot_.end()) return it->second->file;
    if (segment.cached.forgotten) return file;
    evict(max_size_ - 1);
    queue_.push_front({&segment, file});
    by_slot_[segment.slot] = queue_.begin();
    segment.cached.used.store(false, std::memory_order_relaxed);
    segment.cached.file.store(file.get());
  }
  close_unused();
  return file;
}

void FileCache::forget(const Segment& segment) {
  {
    const Lock lock(mutex_);
    segment.cached.forgotten = true;
    const auto it = by_slot_.find(segment.slot);
    if (it != by_slot_.end()) let_go(it->second);
  }
  close_unused();
}

uint64_t FileCache::hits() const {
  uint64_t hits = hits_;
  for (const Place& place : places_) hits += place.hits.load(std::memory_order_relaxed);
  return hits;
}

}  // namespace memoria
