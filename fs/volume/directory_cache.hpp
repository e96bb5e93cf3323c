// SPDX-License-Identifier: MIT
// The indices of the directories that are being listed.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string_view>

#include "core/base/mutex.hpp"
#include "core/store/store.hpp"
#include "fs/volume/directory_index.hpp"

namespace memoria {

/// Thread-safe. Few and small: an index is made when a directory is listed, and goes when others
/// need its place, or when it was not used for a while and another directory is listed.
class DirectoryCache {
 public:
  static constexpr size_t kMaxIndices = 256;
  static constexpr size_t kMaxBytes = 64 << 20;

  /// The directory's index, built.
  Result<std::shared_ptr<DirectoryIndex>> get(const Store& store, InodeNumber directory);
  /// See DirectoryIndex. Cheap when the directory has no index.
  void set(InodeNumber directory, std::string_view name, const Dentry& entry);
  void erase(InodeNumber directory, std::string_view name, uint64_t cookie);
  /// The directory is gone, or its index may not be what the store holds.
  void drop(InodeNumber directory);

 private:
  using Clock = std::chrono::steady_clock;
  struct Item {
    std::shared_ptr<DirectoryIndex> index;
    Clock::time_point used;
  };

  std::shared_ptr<DirectoryIndex> find(InodeNumber directory);
  void make_room(Clock::time_point now) REQUIRES(mutex_);

  std::atomic<size_t> count_ = 0;
  Mutex mutex_;
  absl::flat_hash_map<InodeNumber, Item> items_ GUARDED_BY(mutex_);
};

}  // namespace memoria
