// SPDX-License-Identifier: MIT
// Which files programs write to: of those the kernel may hold bytes that the volume has not seen.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/mutex.hpp"
#include "fs/volume/attributes.hpp"

namespace memoria {

/// The kernel opens and closes files without asking (negotiate.cpp), so what tells that a program
/// begins to write are the requests that the kernel makes before it takes the first byte into its
/// page cache: MKNOD (or CREATE), and GETXATTR of kCapability, which write(2) and truncate(2) must
/// take away (file_remove_privs(), do_truncate() in the kernel). It asks that again whenever it has
/// got new attributes of the file. Stores to memory that a file is mapped to are announced by a
/// READ at most; but they cannot make a file longer.
///
/// Thread-safe.
class WrittenFiles {
 public:
  static constexpr std::string_view kCapability = "security.capability";

  /// The kernel is told of a new file, and that it has a block.
  void created(InodeNumber ino) {
    Shard& s = shard(ino);
    Lock lock(s.mutex);
    s.announced.try_emplace(ino, 0);
  }
  /// A program begins to write, or may do so. True when the kernel may believe that the file has no
  /// blocks.
  bool begin(InodeNumber ino) {
    Shard& s = shard(ino);
    Lock lock(s.mutex);
    const auto [it, is_new] = s.announced.try_emplace(ino, 0);
    it->second = std::min(it->second + 1, 2);
    return is_new;
  }
  /// The file has got a new size. That was announced like writing; and where nothing else was, or
  /// the file is empty now, the kernel has no bytes of it.
  void resized(InodeNumber ino, bool is_empty) {
    Shard& s = shard(ino);
    Lock lock(s.mutex);
    const auto it = s.announced.find(ino);
    if (it != s.announced.end() && (is_empty || it->second <= 1)) s.announced.erase(it);
  }
  /// The kernel is told the blocks that the volume knows of, unless there may be more.
  bool may_have_more(InodeNumber ino) {
    Shard& s = shard(ino);
    Lock lock(s.mutex);
    const auto it = s.announced.find(ino);
    if (it == s.announced.end()) return false;
    if (it->second != 0) return true;
    s.announced.erase(it);
    return false;
  }
  /// The kernel holds nothing of it any more.
  void forget(InodeNumber ino) {
    Shard& s = shard(ino);
    Lock lock(s.mutex);
    s.announced.erase(ino);
  }

  bool has(InodeNumber ino) const {
    const Shard& s = shards_[ino % shards_.size()];
    Lock lock(s.mutex);
    const auto it = s.announced.find(ino);
    return it != s.announced.end() && it->second != 0;
  }
  std::vector<InodeNumber> all() const {
    std::vector<InodeNumber> out;
    for (const Shard& s : shards_) {
      Lock lock(s.mutex);
      for (const auto& [ino, times] : s.announced) {
        if (times != 0) out.push_back(ino);
      }
    }
    return out;
  }

 private:
  struct alignas(64) Shard {
    mutable Mutex mutex;
    // How often, at most 2; 0: the file was created and is believed to have a block.
    absl::flat_hash_map<InodeNumber, int> announced GUARDED_BY(mutex);
  };

  Shard& shard(InodeNumber ino) { return shards_[ino % shards_.size()]; }

  std::array<Shard, 16> shards_;
};

}  // namespace memoria
