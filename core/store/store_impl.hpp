// SPDX-License-Identifier: MIT
// How the parts of a store hang together. Private to the store.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/process_mark.hpp"
#include "core/log/manifest.hpp"
#include "core/log/timeline.hpp"
#include "core/store/appender.hpp"
#include "core/store/committer.hpp"
#include "core/store/file_cache.hpp"
#include "core/store/health.hpp"
#include "core/store/hint_file.hpp"
#include "core/store/housekeeper.hpp"
#include "core/store/key_directory.hpp"
#include "core/store/merge_policy.hpp"
#include "core/store/record_reader.hpp"
#include "core/store/store.hpp"
#include "core/store/turn.hpp"

namespace memoria {

/// kInvalidArgument: an option is out of its range; the message names it.
Status check_options(const Options& options);

/// Members in the order of their dependence: what comes later uses what comes earlier.
///
/// Lock order: snapshot_mutex_ -> merge_turn_ -> layout_mutex_ -> appender's leader role -> a key
/// directory shard -> leaves (file cache, queues, tail, health). No file is read or written under a
/// shard's lock or a leaf's, but under manifest_mutex_, and a segment is synced under a lock of its
/// own that nothing but its syncs takes. Its first sync takes those of the segments in front of it,
/// and then manifest_mutex_.
class Store::Impl {
 public:
  Impl(std::shared_ptr<Environment> environment, const Options& options);

  Status open();
  Status check_is_there() const;
  Status take_lock();
  Status close();
  Status close(const std::function<Status()>& last);
  Status close_and_roll_back(std::string_view snapshot);

  Status check_writable() const;
  Status check_key(std::string_view key) const;
  Status apply(const Batch& batch, const WriteOptions& write);
  Result<bool> save_manifest();
  Status clear_way();
  Status read_plan(std::string_view key, const ReadPlan& plan, uint64_t offset,
                   std::span<char> out) const;
  template <class Target>
  Status read_range(std::string_view key, uint64_t offset, uint64_t length, Target&& target) const;
  Result<size_t> read(std::string_view key, uint64_t offset, std::span<char> out) const;
  size_t common_prefix(std::string_view key, uint64_t offset, std::string_view bytes,
                       size_t max_records) const;
  Result<std::string> get(std::string_view key) const;
  Result<bool> same_value(std::string_view key, const Impl& other,
                          std::string_view other_key) const;
  void consolidate(std::string_view key, uint64_t offset);
  Result<bool> consolidate_once(std::string_view key, uint64_t offset);

  Result<MergeReport> merge(const MergeRequest& request, const ProgressFn& progress);
  Result<MergeReport> merge_within(const MergeRequest& request, const MergeRoom& room,
                                   const ProgressFn& progress) REQUIRES(merge_turn_);
  Result<MergeReport> merge_sealed(const MergeRequest& request, const ProgressFn& progress)
      REQUIRES(merge_turn_);
  Result<MergeReport> merge_in_turn(const MergeRequest& request, const ProgressFn& progress)
      REQUIRES(merge_turn_);
  Result<HintReport> rebuild_hints_in_turn(bool all, const ProgressFn& progress)
      REQUIRES(merge_turn_);
  std::function<bool()> while_wanted(const ProgressFn& progress) const;
  MergeReport plan_merge(const MergeRequest& request, uint64_t free_bytes) const;
  std::vector<uint64_t> damaged_segments() const;
  uint64_t most_that_is_copied() const;
  bool is_of_this_process() const { return mark_.is_of_this_process(); }
  Status check_room_for_rollback() const;
  void background_merge(bool urgent);
  void write_hint(Segment& segment) EXCLUDES(hint_mutex_);
  Status renew_hint(Segment& segment, SegmentScanner::Mode mode) REQUIRES(hint_mutex_);
  StoreStats stats() const;
  Options settings() const;
  Status change_settings(const Options& wanted);
  Result<std::vector<Extent>> locate(std::string_view key) const;
  Result<SnapshotInfo> create_snapshot(std::string_view name);
  Status remove_snapshot(std::string_view name);
  void mark_held();
  Result<HintReport> rebuild_hints(bool all, const ProgressFn& progress);
  void log(Severity severity, const std::string& text) const;

  const ProcessMark mark_;
  const std::shared_ptr<Environment> environment_;
  Options options_;  // constant once it is open
  Health health_;
  Timeline timeline_;
  Segments segments_;
  FileCache files_;
  KeyDirectory directory_;
  RecordReader reader_;
  std::shared_ptr<void> lock_;
  StoreOrigin origin_;
  StoreUuid uuid_{};
  uint64_t unsure_until_ = 0;  // see Manifest; like the uuid for ever the same once it is open
  std::unique_ptr<Appender> appender_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<Housekeeper> housekeeper_;
  std::atomic<bool> closed_{false};

  Turn merge_turn_;  // one merge or rewriting of hints at a time
  // Held while segments come and go by a merge, and while a snapshot takes all of them.
  Mutex layout_mutex_;
  Mutex snapshot_mutex_;  // one change of the snapshots at a time
  Mutex hint_mutex_;  // the background and a request write one hint at a time; after merge_turn_
  // One writer of the manifest at a time; last of all, and held over its I/O: it is written once
  // for each segment.
  Mutex manifest_mutex_;
  /// What it says; nothing: there is none that could be believed.
  std::optional<std::vector<ManifestEntry>> manifest_ GUARDED_BY(manifest_mutex_);
  bool released_ GUARDED_BY(manifest_mutex_) = false;  // the directory may be somebody else's
  std::vector<uint64_t> leftovers_;  // of the recovery; the leader's own once it is open
  mutable Mutex settings_mutex_;
  Options settings_ GUARDED_BY(settings_mutex_);  // options_ with what was changed since
  mutable Mutex merged_mutex_;
  uint64_t merges_ GUARDED_BY(merged_mutex_) = 0;
  uint64_t merge_bytes_read_ GUARDED_BY(merged_mutex_) = 0;
  uint64_t merge_bytes_written_ GUARDED_BY(merged_mutex_) = 0;
  uint64_t last_merge_ns_ GUARDED_BY(merged_mutex_) = 0;
  std::atomic<bool> merge_running_{false};
  std::atomic<bool> all_will_go_{false};  // a merge of all is about to choose its inputs
  std::atomic<bool> stopping_{false};     // a background merge should end early
  std::atomic<uint64_t> consolidations_{0};
  mutable std::atomic<uint64_t> read_errors_{0};
  uint64_t open_ns_ = 0;
};

}  // namespace memoria
