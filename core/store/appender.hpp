// SPDX-License-Identifier: MIT
// The one writer of the log.
#pragma once

#include <absl/container/inlined_vector.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "core/base/mutex.hpp"
#include "core/log/active_segment.hpp"
#include "core/store/committer.hpp"
#include "core/store/file_cache.hpp"
#include "core/store/group_encoder.hpp"
#include "core/store/health.hpp"
#include "core/store/options.hpp"
#include "core/store/sealer.hpp"

namespace memoria {

/// Thread-safe. Writers queue up; the first becomes the leader, encodes what is queued (one that
/// finds the queue empty only its own: others just come, and are the next group), writes it with
/// one call and installs it in the key directory, in the order of the log, before the next
/// group begins. So the order of timestamps, of the log and of what readers see is one and the
/// same. (LevelDB's writer queue does the same for its memtable.) Those that want to be durable
/// sleep on until they are: the leader hands them over to the committer.
///
/// Lock order: leader role -> key directory shard -> nothing. The queue's mutex and the tail's
/// mutex are held for moments only, never during I/O.
class Appender {
 public:
  struct Parts {
    Environment& environment;
    const Options& options;
    Timeline& timeline;
    Segments& segments;
    KeyDirectory& directory;
    FileCache& files;
    Health& health;
    StoreUuid uuid;
    /// Writes the manifest anew. False: the disk is full, or there is no descriptor.
    std::function<Result<bool>()> save_manifest;
    /// Called in the leader's role before a segment is made. kNoSpace.
    std::function<Status()> clear_way;
  };
  explicit Appender(const Parts& parts);

  /// Appends and installs. kNoSpace, and an error that lacks descriptors: nothing was changed. With
  /// a committer it is durable when this returns; any other error may then be that of the sync.
  Status append(const Batch& batch, Committer* committer = nullptr);
  /// Appends a record that only moves what is there; `installed` gets its place, in the leader's
  /// role. kConflict: its key was changed since.
  Status append(const RawRecord& raw, std::function<void(Location)> installed);

  /// Returns when what was being appended, if anything was, is installed as a whole, or failed.
  void await_installed();

  /// Seals all segments that have records: what is appended next goes to a new one. Everything so
  /// far is durable then.
  Status rotate();
  /// Seals those to which nothing is appended any more. kNoSpace.
  Status settle() { return sealer_.drain(); }
  /// As rotate(), and everything that comes later fails with kClosed.
  Status close();

  LogTail tail() const;
  uint64_t position() const { return position_.value(); }

  /// Called when a segment was sealed: everything up to a position is durable. By the sealer's
  /// thread.
  void on_durable(std::function<void(uint64_t)> f) { on_durable_ = std::move(f); }
  void on_sealed(std::function<void(const std::shared_ptr<Segment>&)> f) {
    on_sealed_ = std::move(f);
  }
  /// Told of each fdatasync: how often decides whether space is prepared ahead.
  void note_sync() { recent_syncs_.fetch_add(1, std::memory_order_relaxed); }

  /// See Options::memory_limit.
  void set_memory_limit(uint64_t bytes) { memory_limit_ = bytes; }

  uint64_t bytes_written() const { return bytes_written_.value(); }
  uint64_t appends() const { return appends_.value(); }
  uint64_t groups() const { return groups_.value(); }

 private:
  struct Writer {
    const Batch* batch = nullptr;
    const RawRecord* raw = nullptr;
    std::function<void(Location)> installed;
    Committer* committer = nullptr;  // nothing: it need not be durable
    bool rotate = false, close = false;
    uint64_t size = 0;
    bool patches = false;  // see GroupEncoder::patches()
    Status result = ok();
    enum class State : uint8_t { kQueued, kLeads, kDone };
    std::atomic<State> state{State::kQueued};
    const std::shared_ptr<Parking>& parking = Parking::of_this_thread();
    Committer::Request sync;  // handed in by the leader, so that its thread is woken once
  };
  /// Any thread reads it, but only the leader adds, without a locked instruction.
  class LeaderCount {
   public:
    void add(uint64_t n) {
      value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_release);
    }
    uint64_t value() const { return value_.load(std::memory_order_acquire); }

   private:
    std::atomic<uint64_t> value_{0};
  };
  using Group = absl::InlinedVector<Writer*, 8>;  // mostly one or a few
  Status enqueue(Writer& writer);
  Group next_group();
  void dismiss(const Group& group, const Writer& leader);
  void lead(const Group& group);
  bool fits(const Writer& writer) const;
  Status make_room(const Writer& writer);
  Status check_space(const Writer& writer);
  Status has_room(const Writer& writer);
  bool frees(const Writer& writer) const;
  Status check_memory();
  Status check_files(bool frees);
  Status open_segment();
  Status establish(Segment& segment, const File& file);
  Status finish_segment();
  bool encode(const Writer& writer);
  void begin_group(bool track);
  Status flush();
  void flush_all(Group& pending);
  void install(const Writer& writer, size_t first, size_t last);

  const Parts parts_;
  std::function<void(uint64_t)> on_durable_ = [](uint64_t) {};
  std::function<void(const std::shared_ptr<Segment>&)> on_sealed_ = [](const auto&) {};

  mutable Mutex queue_mutex_;
  std::deque<Writer*> queue_ GUARDED_BY(queue_mutex_);

  // The leader's own:
  GroupEncoder encoder_;
  std::unique_ptr<ActiveSegment> active_;
  std::shared_ptr<Segment> segment_;
  uint64_t space_checked_at_ = 0;  // bytes_written_ at the last look at the disk's free space
  uint64_t space_left_ = 0;
  std::atomic<uint64_t> memory_limit_;
  std::chrono::steady_clock::time_point memory_checked_{};
  uint64_t memory_ = 0;        // of the key directory, at that time
  bool from_reserve_ = false;  // the active segment is one of the files that are held back
  bool closed_ = false;

  mutable Mutex tail_mutex_;
  std::shared_ptr<File> tail_file_ GUARDED_BY(tail_mutex_);
  LeaderCount position_;

  std::atomic<uint32_t> recent_syncs_{0};
  LeaderCount bytes_written_, appends_, groups_;

  Sealer sealer_;  // last: its thread ends first
};

}  // namespace memoria
