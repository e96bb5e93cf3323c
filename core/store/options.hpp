// SPDX-License-Identifier: MIT
// Every knob of a store, with the names and the order of the original engine's options.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/store/progress.hpp"

namespace memoria {

enum class Severity { kDebug, kInfo, kWarning, kError };

/// For events that no caller is told of by a call's result; from any thread, with no lock held.
using Logger = std::function<void(Severity, std::string_view)>;

enum class SyncPolicy {
  kAlways,    ///< every write is durable when it returns
  kInterval,  ///< written data is made durable within `sync_interval`
  kNever,     ///< only on request, soon after a segment is full, and at close
};

/// Of one change.
struct WriteOptions {
  /// It is durable when the call returns, whatever the store's SyncPolicy. Cheaper than a sync()
  /// afterwards when many threads do it: each then sleeps once. After kIo it may be there or not.
  bool sync = false;
};

struct Options {
  struct Segment {
    uint64_t max_size = 64 << 20;  ///< bytes; rotation happens before a record that passes it
    /// It also happens behind so many records (a batch is not divided): making a segment's hint
    /// takes some 36 bytes of memory and the key for each. At least 1.
    uint64_t max_records = 400'000;
    double fragmentation_threshold = 0.6;  ///< dead share of bytes that makes a segment a candidate
    uint64_t dead_bytes_threshold = 512 << 20;  ///< dead bytes in all that start a merge
    /// 0: no background merges. While half of `fragmentation_threshold` of all bytes are dead, and
    /// half a segment at least, it is also checked whenever a segment was sealed.
    std::chrono::milliseconds merge_check_interval = std::chrono::minutes(1);
  } segment;

  struct FileCache {
    size_t max_size = 256;  ///< open segment files, at least 1; fewer while descriptors are short
  } file_cache;

  struct Merge {
    uint64_t rate_bytes_per_second = 0;  ///< 0: as fast as the disk
    int from_hour = 0, until_hour = 24;  ///< local hours in which the background merge may start
    /// With fewer keys in the store for each record of its inputs a merge walks through the whole
    /// key directory to see what is live of them, and with more it asks for each of the records; 0:
    /// it always asks. A question took 145 ns and a key walked past 38, of a million keys, and 160
    /// and 43 of five million (`key_directory_bench KEYS`).
    uint64_t walked_keys_per_record = 4;
  } merge;

  SyncPolicy sync_policy = SyncPolicy::kInterval;
  std::chrono::milliseconds sync_interval = std::chrono::seconds(5);

  /// Values up to this many bytes live in the key directory and in hints: reading them is no I/O.
  size_t inline_limit = 0;
  /// Keys that share their first `prefix_bytes` bytes share a shard of the key directory, so a scan
  /// of a prefix at least that long visits one shard only. 0: keys are spread by the whole key.
  size_t prefix_bytes = 0;
  /// Held back from ordinary writes so that erasing, cutting, punching and merging still work on a
  /// full disk.
  uint64_t reserve_bytes = 16 << 20;
  /// Files that the disk can still make (inodes) and that are held back: all of them from ordinary
  /// writes, half of them from everything but merging. Below 8 a merge may not find room for its
  /// output. 0: none.
  uint64_t reserve_files = 8;
  /// Memory of the key directory, bytes, above which changes that free nothing are refused
  /// (kNoSpace) instead of growing it until the process is killed; 0: none. Looked at ten times a
  /// second, so that it can be passed by what comes in between.
  uint64_t memory_limit = 0;
  /// Check checksums on every read. Off: only when a segment is scanned.
  bool verify_reads = true;
  /// A directory without a store becomes one. Off: it is refused (kNotAStore), as where the disk
  /// with the store may not be mounted.
  bool create_if_missing = true;
  /// Changes nothing on disk, and makes no store. A snapshot and a backup are always opened so; the
  /// backup is locked. A store itself is not, for it may lie where nothing can be made: see to it
  /// that nobody changes it meanwhile, or reads give kCorrupt for what a merge has taken away.
  bool read_only = false;
  /// Threads that load hints at open; 0: as many as there are cores.
  unsigned recovery_threads = 0;

  Logger logger;  ///< may be empty
  /// Told while a store is opened, by one thread at a time, and not kept: phase "open" when a
  /// segment's hint, or without one the segment, was read, then phase "index" with the entries that
  /// the key directory has got. Opening ends with kCancelled when it returns false. May be empty.
  ProgressFn on_opening;
};

}  // namespace memoria
