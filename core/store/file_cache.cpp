// SPDX-License-Identifier: MIT
#include "core/store/file_cache.hpp"

#include <algorithm>

namespace memoria {

FileCache::FileCache(Environment& environment, size_t max_size)
    : environment_(environment), max_size_(std::max<size_t>(max_size, 1)) {}

std::shared_ptr<File> FileCache::insert(Slot slot, std::shared_ptr<File> file) {
  if (const auto it = by_slot_.find(slot); it != by_slot_.end()) {
    recent_.splice(recent_.begin(), recent_, it->second);
    return it->second->file;
  }
  recent_.push_front({slot, std::move(file)});
  by_slot_[slot] = recent_.begin();
  evict(max_size_);
  return recent_.front().file;
}

void FileCache::evict(size_t left) {
  while (recent_.size() > left) {
    by_slot_.erase(recent_.back().slot);
    recent_.pop_back();
  }
}

void FileCache::set_max_size(size_t max_size) {
  Lock lock(mutex_);
  max_size_ = std::max<size_t>(max_size, 1);
  evict(max_size_);
}

bool FileCache::give_way() {
  Lock lock(mutex_);
  if (recent_.empty()) return false;
  const size_t left = recent_.size() / 2;
  max_size_ = std::max<size_t>(left, 1);
  evict(left);
  return true;
}

Result<std::shared_ptr<File>> FileCache::open(const Segment& segment) {
  {
    Lock lock(mutex_);
    if (const auto it = by_slot_.find(segment.slot); it != by_slot_.end()) {
      if (it->second != recent_.begin()) {
        recent_.splice(recent_.begin(), recent_, it->second);
      }
      hits_.store(hits_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
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
  MEMORIA_TRY(std::shared_ptr<File> file, std::move(opened));
  Lock lock(mutex_);
  return insert(segment.slot, std::move(file));
}

void FileCache::adopt(Slot slot, std::shared_ptr<File> file) {
  Lock lock(mutex_);
  insert(slot, std::move(file));
}

void FileCache::forget(Slot slot) {
  Lock lock(mutex_);
  const auto it = by_slot_.find(slot);
  if (it == by_slot_.end()) return;
  recent_.erase(it->second);
  by_slot_.erase(it);
}

}  // namespace memoria
