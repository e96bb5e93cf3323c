// SPDX-License-Identifier: MIT
// What a store tells about itself, as plain data.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/log/record.hpp"
#include "core/store/progress.hpp"

namespace memoria {

/// What a data directory holds, by its manifest.
struct StoreOrigin {
  enum class Kind {
    kStore,
    kSnapshot,  ///< never changes
    kBackup,    ///< changes only by the next backup
  } kind = Kind::kStore;
  std::string snapshot;   ///< its name, when it lies where a store has its snapshots
  std::string store;      ///< the directory of that store
  uint64_t taken_ns = 0;  ///< the moment that it shows, since the epoch; 0: the present
};

struct ValueInfo {
  uint64_t size = 0;       ///< bytes
  uint64_t allocated = 0;  ///< bytes that are not holes
  uint64_t timestamp = 0;  ///< of the newest change
};

/// One key of a scan. The views live as long as the call of the visitor.
struct KeyInfo {
  std::string_view key;
  uint64_t size = 0;  ///< of the value, bytes
  uint64_t timestamp = 0;
  bool is_inline = false;  ///< `value` is the whole value
  std::string_view value;
};

/// A part of a value and where it lies.
struct Extent {
  uint64_t offset = 0;  ///< in the value
  uint64_t length = 0;
  uint64_t segment = 0;        ///< its id; the file is `<id>.data`
  uint64_t record_offset = 0;  ///< in the file
  uint64_t record_length = 0;
  uint64_t timestamp = 0;  ///< of the value's newest change
  bool readable = true;    ///< false: known to be damaged
};

struct SegmentStats {
  uint64_t id = 0;
  uint64_t file_bytes = 0;
  uint64_t live_bytes = 0, live_records = 0;
  /// Of a segment that was damaged before the store was opened, the records that are known.
  uint64_t dead_bytes = 0, dead_records = 0;
  uint64_t eraser_bytes = 0, eraser_records = 0;  ///< tombstones and their like, not yet droppable
  bool sealed = false;
  bool has_hint = false;
  bool from_merge = false;
  bool merging = false;  ///< a merge is copying what is live out of it
  bool damaged = false;  ///< records of it may have been missed: known when it was opened, or since
  bool missing = false;  ///< its file was not there when the store was opened; damaged, too
  /// When the store was opened; its hint is written anew since, unless the store is only read.
  bool lacked_hint = false, had_bad_hint = false;
};

struct StoreStats {
  uint64_t keys = 0;
  uint64_t value_bytes = 0;  ///< sum of live bytes of values, without overhead
  uint64_t disk_bytes = 0;   ///< data files that are there
  uint64_t live_bytes = 0, dead_bytes = 0,
           eraser_bytes = 0;  ///< of records; sums over the segments
  /// Memory, approximately; without what erased keys had and new ones will take.
  uint64_t key_directory_bytes = 0;
  uint64_t patched_values = 0;  ///< values of more than one piece
  uint64_t pieces = 0;
  uint64_t bytes_written = 0;  ///< to segments since open, all causes
  uint64_t appends = 0, append_groups = 0;
  uint64_t syncs = 0, sync_requests = 0;
  uint64_t sync_latency_us_p50 = 0, sync_latency_us_p99 = 0;  ///< of the latest thousand
  uint64_t sync_time_us = 0;                                  ///< of all syncs together
  uint64_t merges = 0, merge_bytes_read = 0, merge_bytes_written = 0;
  uint64_t mergeable_bytes = 0;      ///< that a merge would free now: MergeReport of a dry run
  uint64_t mergeable_bytes_all = 0;  ///< the same of MergeRequest::all
  /// When it ended, since the epoch; of one before the store was opened, when its last segment was
  /// begun. 0: none is known.
  uint64_t last_merge_ns = 0;
  uint64_t consolidations = 0;
  uint64_t file_cache_hits = 0, file_cache_misses = 0;
  uint64_t read_errors = 0;  ///< reads that ended in kCorrupt or kIo
  /// Not 0: the store once lost its manifest. What keys show that were last changed up to this
  /// timestamp may be outdated: changes may be missing that nobody knows.
  uint64_t unsure_until = 0;
  uint64_t open_ns = 0;  ///< how long open() took
  bool merge_running = false;
  bool read_only = false;
  std::string read_only_reason;
  std::vector<SegmentStats> segments;  ///< by id
};

struct MergeRequest {
  bool all = false;  ///< every sealed segment (seals the active one first)
  double min_dead =
      -1;  ///< take segments with at least this dead share; < 0: the options' threshold
  uint64_t rate_bytes_per_second = 0;  ///< 0: the options' rate
  bool dry_run = false;                ///< only tell what would be done
};

struct MergeReport {
  std::vector<uint64_t> inputs, outputs;  ///< segment ids
  uint64_t bytes_read = 0, bytes_written = 0;
  uint64_t bytes_freed = 0;  ///< what snapshots keep of it comes free with them, and is not in it
  uint64_t records_copied = 0, erasers_dropped = 0;
  std::vector<uint64_t> damaged;  ///< segments that no merge takes: damaged, or missing
  std::chrono::nanoseconds duration{0};
};

struct SnapshotInfo {
  std::string name;
  uint64_t created_ns = 0;  ///< since the epoch
  uint64_t segments = 0;
  uint64_t bytes = 0;      ///< of its data files
  uint64_t own_bytes = 0;  ///< of those that neither the store nor another snapshot has
  bool damaged = false;    ///< its manifest cannot be read; the numbers are 0 then
};

struct HintReport {
  uint64_t written = 0, kept = 0;
  uint64_t damaged = 0;  ///< segments that have no hint because they are damaged
};

/// A place that cannot be read. `key` is empty when even that is unknown, or of no importance: an
/// old version that no hint tells of any more.
struct Damage {
  uint64_t segment = 0;
  uint64_t offset = 0, length = 0;  ///< in the file
  std::string key;
  uint64_t value_offset = 0, value_length = 0;  ///< the part of the key's value, if it is live
  bool live = false;                            ///< false: only history was hit, no value
  std::string reason;
};

/// A record as it lies in a segment; those of a batch by themselves.
struct RecordInfo {
  uint64_t offset = 0, length = 0;  ///< in the file; bytes
  Kind kind = Kind::kPut;
  uint64_t timestamp = 0;
  std::string_view key;       ///< lives as long as the call of the visitor
  uint64_t value_size = 0;    ///< bytes that the record holds of a value
  uint64_t generation = 0;    ///< piece, truncate, punch
  uint64_t value_offset = 0;  ///< piece, punch: in the value; truncate: the size
  uint64_t punched = 0;       ///< punch: bytes
  bool live = false;          ///< at least a part of it counts, or it is a tombstone
  /// Every checksum of it is right. If not: `head_intact` says whether the key can be believed.
  bool intact = true, head_intact = true;
};
/// Returns false to stop.
using RecordVisitor = std::function<bool(const RecordInfo&)>;
/// Bytes of a segment that are no record.
struct DamagedBytes {
  uint64_t offset = 0, length = 0;
  std::string reason;
};
struct SegmentReport {
  std::vector<DamagedBytes> damages;
  uint64_t bytes = 0;   ///< of the file that were looked at
  bool sealed = false;  ///< it ends with a seal
};

/// What back_up() and restore() did.
struct CopyReport {
  uint64_t segments = 0, bytes = 0;                ///< that the copy has now, without snapshots
  uint64_t copied_segments = 0, copied_bytes = 0;  ///< by this call, with those of snapshots
  uint64_t removed_segments = 0;                   ///< that the source no longer has
  uint64_t snapshots = 0;                          ///< that the copy has now
  std::vector<Damage> damages;                     ///< of the source, and so of the copy
};

struct VerifyReport {
  uint64_t segments = 0, records = 0, bytes = 0;
  uint64_t bad_hints = 0;
  std::vector<Damage> damages;
  bool clean() const { return damages.empty() && bad_hints == 0; }
};

}  // namespace memoria
