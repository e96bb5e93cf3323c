// SPDX-License-Identifier: MIT
// Which files are open for writing: of those the kernel may hold bytes that the volume has not
// seen.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <fcntl.h>

#include <array>
#include <cstdint>
#include <vector>

#include "core/base/mutex.hpp"
#include "fs/volume/attributes.hpp"

namespace memoria {

/// Thread-safe. A file that is mapped stays open until it is unmapped, and the kernel writes what
/// it holds before the last release: so a file without writers is wholly in the volume.
class Writers {
 public:
  /// `flags` are those of open(2); the same ones must come to closed().
  void opened(InodeNumber ino, int flags) {
    if (!writes(flags)) return;
    Shard& s = shard(ino);
    Lock lock(s.mutex);
    ++s.opens[ino];
  }
  void closed(InodeNumber ino, int flags) {
    if (!writes(flags)) return;
    Shard& s = shard(ino);
    Lock lock(s.mutex);
    const auto it = s.opens.find(ino);
    if (it != s.opens.end() && --it->second == 0) s.opens.erase(it);
  }
  bool has(InodeNumber ino) const {
    const Shard& s = shards_[ino % shards_.size()];
    Lock lock(s.mutex);
    return s.opens.contains(ino);
  }

  std::vector<InodeNumber> all() const {
    std::vector<InodeNumber> out;
    for (const Shard& s : shards_) {
      Lock lock(s.mutex);
      for (const auto& [ino, opens] : s.opens) out.push_back(ino);
    }
    return out;
  }

  static bool writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

 private:
  struct alignas(64) Shard {
    mutable Mutex mutex;
    absl::flat_hash_map<InodeNumber, uint32_t> opens GUARDED_BY(mutex);
  };

  Shard& shard(InodeNumber ino) { return shards_[ino % shards_.size()]; }

  std::array<Shard, 16> shards_;
};

}  // namespace memoria
