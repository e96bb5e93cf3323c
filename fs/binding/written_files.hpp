// SPDX-License-Identifier: MIT
// Which files programs write to: of those the kernel may hold bytes that the volume has not seen.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/mutex.hpp"
#include "fs/volume/attributes.hpp"

namespace memoria {

/// The kernel opens and closes files without asking (negotiate.cpp), so what tells that a program
/// begins to write are the requests that the kernel makes before it takes the first byte into its
/// page cache: MKNOD (or CREATE), and GETXATTR of kCapability, which write(2), truncate(2) and
/// chown(2) must take away (file_remove_privs(), do_truncate(), notify_change() in the kernel). It
/// asks that again whenever it has got new attributes of the file; but truncate(2) does not when
/// write(2) has since found that there is nothing to take away (S_NOSEC). Stores to memory that a
/// file is mapped to are announced by a READ at most; but they cannot make a file longer.
///
/// Thread-safe.
class WrittenFiles {
 public:
  static constexpr std::string_view kCapability = "security.capability";

  /// The kernel is told of a new file, and that it has a block.
  void created(InodeNumber ino) {
    Shard& s = shard(ino);
    Lock lock(s.mutex);
    s.files.try_emplace(ino, File{State::kCreated, ++s.clock});
  }
  /// A program begins to write, or may do so. True when the kernel may believe that the file has no
  /// blocks.
  bool begin(InodeNumber ino) {
    Shard& s = shard(ino);
    Lock lock(s.mutex);
    const auto [it, is_new] = s.files.try_emplace(ino, File{State::kCreated, 0});
    auto& [state, announced] = it->second;
    state = is_new || state == State::kCreated ? State::kOnce : State::kWritten;
    announced = ++s.clock;
    return is_new;
  }
  /// The file has got a new size. Where nothing was announced, or the file is empty now, the kernel
  /// has no bytes of it. One announcement may have been that of the new size, or of bytes before.
  void resized(InodeNumber ino, bool is_empty) {
    Shard& s = shard(ino);
    Lock lock(s.mutex);
    const auto it = s.files.find(ino);
    if (it == s.files.end()) return;
    auto& state = it->second.state;
    if (is_empty || state == State::kCreated) {
      s.files.erase(it);
    } else if (state == State::kOnce) {
      state = State::kUnsure;
    }
  }
  /// The file has got another owner, which the kernel announces as it does a write.
  void owner_changed(InodeNumber ino) { resized(ino, false); }
  /// Whether only a look at what the kernel holds can tell if the file was written to.
  bool is_unsure(InodeNumber ino) const { return state(ino) == State::kUnsure; }
  /// What the kernel held of a file that is_unsure() has been written since last_announced() gave
  /// `announced`.
  void settle(InodeNumber ino, uint64_t announced) {
    if (is_unsure(ino)) forget(ino, announced);
  }
  /// The kernel is told the blocks that the volume knows of, unless there may be more.
  bool may_have_more(InodeNumber ino) {
    Shard& s = shard(ino);
    Lock lock(s.mutex);
    const auto it = s.files.find(ino);
    if (it == s.files.end()) return false;
    if (it->second.state != State::kCreated) return true;
    s.files.erase(it);
    return false;
  }
  /// For forget() and settle(): 0 when nothing was announced.
  uint64_t last_announced(InodeNumber ino) const {
    const Shard& s = shards_[ino % shards_.size()];
    Lock lock(s.mutex);
    const auto it = s.files.find(ino);
    return it == s.files.end() ? 0 : it->second.announced;
  }
  /// The kernel held nothing of it any more at some time after last_announced() gave `announced`.
  void forget(InodeNumber ino, uint64_t announced) {
    Shard& s = shard(ino);
    Lock lock(s.mutex);
    const auto it = s.files.find(ino);
    if (it != s.files.end() && it->second.announced == announced) s.files.erase(it);
  }

  bool has(InodeNumber ino) const { return state(ino) != State::kCreated; }
  std::vector<InodeNumber> all() const {
    std::vector<InodeNumber> out;
    for (const Shard& s : shards_) {
      Lock lock(s.mutex);
      for (const auto& [ino, file] : s.files) {
        if (file.state != State::kCreated) out.push_back(ino);
      }
    }
    return out;
  }

 private:
  enum class State : uint8_t {
    kCreated,  ///< nothing was announced; the kernel believes that it has a block
    kOnce,
    kUnsure,  ///< once, and then it got a new size or owner
    kWritten,
  };
  struct File {
    State state;
    uint64_t announced;  ///< by the shard's clock
  };
  struct alignas(64) Shard {
    mutable Mutex mutex;
    absl::flat_hash_map<InodeNumber, File> files GUARDED_BY(mutex);
    uint64_t clock GUARDED_BY(mutex) = 0;
  };

  Shard& shard(InodeNumber ino) { return shards_[ino % shards_.size()]; }
  /// kCreated: nothing was announced, either.
  State state(InodeNumber ino) const {
    const Shard& s = shards_[ino % shards_.size()];
    Lock lock(s.mutex);
    const auto it = s.files.find(ino);
    return it == s.files.end() ? State::kCreated : it->second.state;
  }

  std::array<Shard, 16> shards_;
};

}  // namespace memoria
