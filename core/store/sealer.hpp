// SPDX-License-Identifier: MIT
// Seals full segments beside the writers, who go on in the next one meanwhile.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "core/base/mutex.hpp"
#include "core/log/active_segment.hpp"
#include "core/log/timeline.hpp"
#include "core/store/health.hpp"
#include "core/store/segments.hpp"

namespace memoria {

/// A segment that nothing is appended to any more and that ends with Kind::kEnd.
struct FullSegment {
  std::unique_ptr<ActiveSegment> file;
  std::shared_ptr<Segment> segment;
  uint64_t position = 0;  ///< of the log, at the segment's end
};

/// One thread, which seals in the order of the log: a sealed segment never follows one that is not.
/// A crash may leave several without a seal (core/FORMAT.md, "Recovery").
///
/// Thread-safe, but only the log's one writer calls make_room() and take().
class Sealer {
 public:
  struct Parts {
    Timeline& timeline;
    Health& health;
    /// Everything up to a position is durable.
    std::function<void(uint64_t)> on_durable;
    /// Writes down how long the sealed segment is; false: there is no room for that.
    std::function<Result<bool>()> save_manifest;
    /// Makes durable which files there are.
    std::function<Status()> sync_names;
    /// Called at last: the segment is one of those that never change.
    std::function<void(const std::shared_ptr<Segment>&)> on_sealed;
  };
  explicit Sealer(Parts parts);
  ~Sealer() { stop(); }
  /// What waits stays without a seal.
  void stop();

  /// So many may wait to be sealed: what a crash makes the next opening read, and what the disk may
  /// be behind. With more, puts were no faster: of 256 KiB 153, 155 and 174 us with 4, 8 and 16
  /// (medians of 5 in turns, 1 GiB each, when a writer still synced the next segment's name).
  static constexpr size_t kMost = 4;

  /// Has the name of a new segment made durable; does not wait for it.
  void request_name_sync();
  /// Waits until that is done, so that a crash leaves no gap in the log, and until one more may
  /// wait for its seal. kNoSpace: the disk is too full for seals.
  Status make_room();
  void take(FullSegment full);
  /// Waits until all are sealed. kNoSpace.
  Status drain();
  /// Those that are not sealed yet, in the order of the log.
  std::vector<std::shared_ptr<File>> files() const;

  /// Begins to write a part of a file to the disk, if there is nothing more important to do.
  void write_back(std::shared_ptr<File> file, ActiveSegment::Range range);

 private:
  void run();
  Status seal(FullSegment& full);
  Status wait_until_at_most(size_t waiting);
  Status wait_for_names();
  void sync_waiting_names();

  const Parts parts_;
  mutable Mutex mutex_;                              // not held during I/O
  Condition changed_;                                // for the thread
  Condition progress_;                               // for those who wait for it
  std::deque<FullSegment> full_ GUARDED_BY(mutex_);  // the thread works on the first
  bool names_wait_ GUARDED_BY(mutex_) = false;       // to be made durable
  bool syncing_names_ GUARDED_BY(mutex_) = false;    // by this thread or by the writer
  std::shared_ptr<File> dirty_ GUARDED_BY(mutex_);
  ActiveSegment::Range range_ GUARDED_BY(mutex_){};  // of dirty_
  bool trying_ GUARDED_BY(mutex_) = false;           // to seal the first
  uint64_t tries_ GUARDED_BY(mutex_) = 0;            // that have ended
  Status failure_ GUARDED_BY(mutex_) = ok();         // of the last
  unsigned wanted_ GUARDED_BY(mutex_) = 0;           // threads that wait for one
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace memoria
