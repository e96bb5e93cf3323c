// SPDX-License-Identifier: MIT
// The segments of an open store and what is exactly in them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/cache_line.hpp"
#include "core/base/mutex.hpp"
#include "core/log/segment.hpp"
#include "core/store/reports.hpp"

namespace memoria {

/// A segment's number while the store is open: small, and never used twice.
using Slot = uint32_t;

/// Where a record is.
struct Location {
  Slot slot = 0;
  uint32_t offset = 0;
  bool operator==(const Location&) const = default;
};

/// Bytes and records of a segment by what they are worth. Dead is the rest of the total. Atomics,
/// because every shard of the key directory counts here.
struct SegmentCounts {
  std::atomic<uint64_t> total_bytes{0}, total_records{0};
  std::atomic<uint64_t> live_bytes{0}, live_records{0};
  std::atomic<uint64_t> eraser_bytes{0}, eraser_records{0};
};

class File;

/// What the FileCache has of a segment, here so that readers find it without a lock. There is one
/// cache for a Segments, ever.
struct CachedFile {
  std::atomic<File*> file{nullptr};  ///< the cache's; see FileCache::use() for how to read it
  std::atomic<bool> used{false};     ///< since the cache last looked for one to close
  bool forgotten = false;            ///< under the cache's lock
};

/// One segment file. Immutable but for the atomics.
struct Segment {
  SegmentHeader header;
  uint64_t name_id = 0;  ///< its files are called so; the header's id, unless somebody renamed them
  Slot slot = 0;
  std::atomic<uint64_t> file_bytes{0};
  std::atomic<bool> sealed{false};
  /// Its header and its name are durable, so that the manifest may have it.
  std::atomic<bool> established{true};
  std::atomic<bool> has_hint{false};
  /// The hint of its name is that of another segment, which is missing and known by it only.
  std::atomic<bool> hint_is_taken{false};
  /// There is a second file with this segment, which would count if this one were merged away.
  std::atomic<bool> has_copy{false};
  /// There is no file of it: its hint names what was lost. Such a one is damaged, too.
  std::atomic<bool> missing{false};
  /// When the store was opened; it may have a good one since.
  std::atomic<bool> lacked_hint{false}, had_bad_hint{false};
  /// Its header or its end is damaged: a merge must not delete what it could not read.
  std::atomic<bool> damaged{false};
  std::atomic<bool> merging{false};  ///< input of a merge that runs
  /// A snapshot has it, too: what merging it away frees comes free with that.
  std::atomic<bool> held{false};
  mutable CachedFile cached;
  alignas(kApart) SegmentCounts counts;  // writers change them while readers look at the rest

  uint64_t id() const { return name_id; }
  uint64_t dead_bytes() const;
  SegmentStats stats() const;
};

/// The list of segments. Thread-safe; find() and counts() take no lock.
class Segments {
 public:
  Segments();
  ~Segments();

  std::shared_ptr<Segment> add(const SegmentHeader& header) { return add(header, header.id); }
  std::shared_ptr<Segment> add(const SegmentHeader& header, uint64_t name_id,
                               bool established = true);
  /// Forgets a segment; its counts stay readable for late counting.
  void remove(Slot slot);
  /// Null when it was removed. Lives as long as this object: readers share no count of users, for
  /// which two of them at once would wait.
  Segment* find(Slot slot) const;
  /// By id.
  std::vector<std::shared_ptr<Segment>> all() const;
  /// Those of them that were sealed at one moment. (They are looked at from the newest on: segments
  /// of the log are sealed in their order.)
  std::vector<std::shared_ptr<Segment>> sealed() const;

  /// A record of `bytes` became part of the segment (as dead; add_live() says otherwise).
  void add_total(Slot slot, uint64_t bytes, uint64_t records);
  void add_eraser(Slot slot, uint64_t bytes, uint64_t records = 1);
  void add_live(Slot slot, uint64_t bytes, uint64_t records);
  void remove_live(Slot slot, uint64_t bytes, uint64_t records);
  /// All counts of all segments are zero again. Not beside any other call.
  void forget_counts();

 private:
  static constexpr size_t kChunk = 1024, kChunks = 16384;
  struct Chunk;

  const std::shared_ptr<Segment>& place(Slot slot) const;
  Segment& raw(Slot slot) const;

  // Slots index a two-level table that only grows, so that counting needs no lock.
  std::unique_ptr<std::array<std::atomic<Chunk*>, kChunks>> table_;
  mutable Mutex mutex_;
  Slot next_ GUARDED_BY(mutex_) = 0;
};

}  // namespace memoria
