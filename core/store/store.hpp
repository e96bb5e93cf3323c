// SPDX-License-Identifier: MIT
// The store: a Bitcask, that is, a log of checksummed records and a key directory in memory.
// One key, one value; values can be replaced whole or patched in place.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/cache_line.hpp"
#include "core/base/result.hpp"
#include "core/io/environment.hpp"
#include "core/store/batch.hpp"
#include "core/store/options.hpp"
#include "core/store/reports.hpp"

namespace memoria {

/// Any number of threads may call any function of an open store at once.
///
/// Order and durability: changes happen in one order, the order of the log; a change is visible to
/// every thread when the call returns, survives the death of the process from then on, and the loss
/// of power once a sync() that began later has returned, or the call itself with
/// WriteOptions::sync. After any crash the store is a prefix of the changes it was given.
///
/// Behind fork() it belongs to the parent: in the child changes, sync() and close() give kClosed,
/// the destructor only forgets it, and reads may wait for ever for a lock that a thread of the
/// parent had. The child keeps the data directory locked until it ends or calls exec().
///
/// Errors every call can give: kClosed; kIo and kCorrupt (reads: what was asked for cannot be
/// delivered intact; never another value in its place); kReadOnly (changes: opened so, or latched
/// so after a failed write or sync, see StoreStats::read_only_reason); kNoSpace (changes, also
/// beyond Options::memory_limit: nothing was changed; what frees something still works).
///
/// Aligned, because each call looks at it, while threads may write what is allocated beside it.
class alignas(kApart) Store {
 public:
  /// Opens the store in `environment`, making a new one in an empty directory.
  /// Errors: kLocked (names the owner), kNotAStore, kNewerFormat, kIo, kInvalidArgument (options).
  static Result<std::unique_ptr<Store>> open(std::shared_ptr<Environment> environment,
                                             const Options& options);
  /// Closes, if close() was not called; errors are then only logged.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Seals, syncs, writes hints and lets go of the directory. Calls of other threads that are under
  /// way finish or end with kClosed.
  Status close();

  // ---- Values. Keys: 1 to 65,535 bytes (else kInvalidArgument, kTooLarge). Empty values are
  // values. Reading a key that cannot be finds none.

  /// Replaces the value whole. At most 64 MiB (else kTooLarge: use write_at).
  Status put(std::string_view key, std::string_view value, const WriteOptions& write = {});
  /// Removes the key; no error when there is none.
  Status erase(std::string_view key, const WriteOptions& write = {});
  /// The whole value, or kNotFound. Above 1 GiB kTooLarge: use read_at().
  Result<std::string> get(std::string_view key) const;
  bool contains(std::string_view key) const;
  /// All of it or nothing, also after a crash. At most 64 MiB a value, 128 MiB with all records,
  /// and a million changes (else kTooLarge). Punching a key that is not there is no error in a
  /// batch.
  Status apply(const Batch& batch, const WriteOptions& write = {});

  // ---- Parts of values. Bytes that were never written read as zeros and take no space.

  /// Writes bytes at an offset, making the key or growing the value as needed. At most 64 MiB at
  /// once.
  Status write_at(std::string_view key, uint64_t offset, std::string_view bytes,
                  const WriteOptions& write = {});
  /// Cuts or grows (with zeros) to `size`; makes the key when it is not there.
  Status truncate(std::string_view key, uint64_t size, const WriteOptions& write = {});
  /// Makes a range read as zeros; the size stays. kNotFound without the key.
  Status punch(std::string_view key, uint64_t offset, uint64_t length,
               const WriteOptions& write = {});
  /// Fills `out` from `offset`; returns how much there was (short only at the end), or kNotFound.
  Result<size_t> read_at(std::string_view key, uint64_t offset, std::span<char> out) const;
  /// How many of `bytes`, from the first on, the value has at `offset` already, as far as that is
  /// told by reading at most `max_records` records; 0 when it takes more, when one cannot be read,
  /// when the value was put there whole, and without the key.
  size_t common_prefix(std::string_view key, uint64_t offset, std::string_view bytes,
                       size_t max_records) const;
  /// The value's size in bytes, or nothing.
  std::optional<uint64_t> size(std::string_view key) const;
  /// Size, and bytes that take space (not holes).
  std::optional<ValueInfo> info(std::string_view key) const;
  /// The first offset >= `offset` with data (or in a hole; the end of the value is a hole).
  /// Nothing: there is no data beyond, or `offset` is at or past the end, or no such key.
  std::optional<uint64_t> seek_data(std::string_view key, uint64_t offset) const;
  std::optional<uint64_t> seek_hole(std::string_view key, uint64_t offset) const;

  // ---- Keys

  /// Called for each key; return false to stop. May call the store: no lock is held.
  using Visitor = std::function<bool(const KeyInfo&)>;
  /// Keys that start with `prefix` and are greater than `after` ("" for all), in byte order. A key
  /// that is there from the beginning to the end of the scan is visited exactly once, whatever else
  /// changes; the last key visited is the position to go on from.
  Status scan(std::string_view prefix, std::string_view after, const Visitor& visit) const;
  /// How many keys there are in all.
  uint64_t count() const;

  /// A reader may see some keys of a batch changed and others not yet. When this returns, each
  /// batch of which something was seen before the call is seen as a whole: whoever met what should
  /// not be looks again. Waits for writers, and so for their I/O.
  void await_batches() const;

  // ---- Durability

  /// Everything that returned before this call is durable when it returns. Calls at the same time
  /// share one fdatasync. After one that failed none succeeds, until the store is opened anew.
  Status sync();
  /// The same without waiting: `done` is called from the committer thread (must not block it), or
  /// at once, from this call, when there is nothing to sync.
  using SyncDone = std::function<void(const Status&)>;
  void sync_async(SyncDone done);

  // ---- Upkeep. Progress is reported from the calling thread; returning false stops cleanly. What
  // is told may read and change the store, but neither begin upkeep nor close it: it would wait for
  // itself.

  Result<MergeReport> merge(const MergeRequest& request, const ProgressFn& progress = {});
  /// Writes the hints that are missing (or with `all`, all of them) of sealed segments.
  Result<HintReport> rebuild_hints(bool all, const ProgressFn& progress = {});
  /// Reads every record of every segment and checks every checksum and every hint, no faster than
  /// the rate (0: as fast as the disk).
  Result<VerifyReport> verify(const ProgressFn& progress = {}, uint64_t rate_bytes_per_second = 0);
  /// Shows the records of one segment in the order of the file. kNotFound: there is no such
  /// segment.
  Result<SegmentReport> read_segment(uint64_t id, const RecordVisitor& visit) const;

  // ---- Snapshots: the store as it is at one moment of its order of changes, read-only, durable.
  // Names: 1 to 200 bytes, without '/' and control characters, not beginning with '.'
  // (kInvalidArgument).

  /// Copies nothing: takes a sync and a hard link for each segment. kExists.
  Result<SnapshotInfo> create_snapshot(std::string_view name);
  /// By age.
  Result<std::vector<SnapshotInfo>> snapshots() const;
  Result<bool> has_snapshot(std::string_view name) const;
  /// kNotFound. Stores that have it open lose what they did not read yet (kIo, kCorrupt).
  Status remove_snapshot(std::string_view name);
  /// The snapshot as a read-only store, which may outlive this one; kNotFound. Its keys are loaded
  /// into memory like those of any store.
  Result<std::unique_ptr<Store>> open_snapshot(std::string_view name) const;
  /// Closes the store; the next open() of its directory, also after a crash, finds it as the
  /// snapshot is. What it was until now is lost but for what snapshots hold: take one before. After
  /// an error it is closed and as it was. Timestamps go on. kNotFound; kCorrupt: the snapshot's
  /// manifest or a file is missing; kNoSpace: there is no room for what the next open() writes.
  Status close_and_roll_back(std::string_view snapshot);

  /// Whether `key` here and `other_key` in `other` have the same bytes. One key of two stores that
  /// share their history (a store and its snapshots) is mostly compared without reading: by where
  /// the values lie and by when they were written. kNotFound: one is not there.
  Result<bool> same_value(std::string_view key, const Store& other,
                          std::string_view other_key) const;
  /// Where each part of a value lies, in the order of the value; kNotFound.
  Result<std::vector<Extent>> locate(std::string_view key) const;
  StoreStats stats() const;
  /// What the data directory holds: a store, or the state of one at some moment, which is only
  /// read.
  const StoreOrigin& origin() const;
  /// Whether it was opened to be changed; kReadOnly says why not and what to do, kClosed.
  Status check_writable() const;
  Result<Space> space() const;
  /// The newest timestamp given out.
  uint64_t last_timestamp() const;
  /// As it was opened.
  const Options& options() const;
  /// The same with what was changed since.
  Options settings() const;
  /// Takes over from `wanted`: what starts a background merge, how often that is looked at, in
  /// which hours; the rate of merges that begin from now on; the sync interval; the size of the
  /// file cache; the memory limit. Everything else in it is ignored. Nothing is remembered beyond
  /// close(). kInvalidArgument.
  Status change_settings(const Options& wanted);
  /// The data directory, for messages: its whole path, when it is in the local filesystem.
  std::string describe() const;

 private:
  class Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace memoria
