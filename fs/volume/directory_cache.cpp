// SPDX-License-Identifier: MIT
#include "fs/volume/directory_cache.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace memoria {
namespace {

/// An index in use is not dropped for another: two large directories would evict each other with
/// every piece of their listings.
constexpr auto kInUse = std::chrono::seconds(2);
constexpr auto kForgotten = std::chrono::seconds(60);

}  // namespace

Result<std::shared_ptr<DirectoryIndex>> DirectoryCache::get(const Store& store,
                                                            InodeNumber directory) {
  std::shared_ptr<DirectoryIndex> index;
  {
    Lock lock(mutex_);
    const auto now = Clock::now();
    auto it = items_.find(directory);
    if (it == items_.end()) {
      make_room(now);
      it = items_.try_emplace(directory, Item{std::make_shared<DirectoryIndex>(directory), now})
               .first;
      count_ = items_.size();
    }
    it->second.used = now;
    index = it->second.index;
  }
  // From here on changes reach the index, so the scan may begin.
  MEMORIA_TRY(index->build(store));
  return index;
}

void DirectoryCache::set(InodeNumber directory, std::string_view name, const Dentry& entry) {
  if (const auto index = find(directory)) index->set(name, entry);
}

void DirectoryCache::erase(InodeNumber directory, std::string_view name, uint64_t cookie) {
  if (const auto index = find(directory)) index->erase(name, cookie);
}

void DirectoryCache::drop(InodeNumber directory) {
  if (count_ == 0) return;
  Lock lock(mutex_);
  items_.erase(directory);
  count_ = items_.size();
}

std::shared_ptr<DirectoryIndex> DirectoryCache::find(InodeNumber directory) {
  if (count_ == 0) return nullptr;
  Lock lock(mutex_);
  const auto it = items_.find(directory);
  return it == items_.end() ? nullptr : it->second.index;
}

void DirectoryCache::make_room(Clock::time_point now) {
  size_t bytes = 0;
  std::vector<std::pair<Clock::time_point, InodeNumber>> by_use;
  for (const auto& [directory, item] : items_) {
    bytes += item.index->bytes();
    by_use.emplace_back(item.used, directory);
  }
  std::sort(by_use.begin(), by_use.end());
  for (const auto& [used, directory] : by_use) {
    const bool full = bytes > kMaxBytes || items_.size() >= kMaxIndices;
    if (now - used < (full ? kInUse : kForgotten) && items_.size() < 4 * kMaxIndices) break;
    const auto it = items_.find(directory);
    bytes -= std::min(bytes, it->second.index->bytes());
    items_.erase(it);
  }
}

}  // namespace memoria
