// SPDX-License-Identifier: MIT
// Copies what is live out of some segments and removes them. Rules: core/FORMAT.md, "What a merge
// may drop".
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/log/active_segment.hpp"
#include "core/log/hint.hpp"
#include "core/log/scan.hpp"
#include "core/log/timeline.hpp"
#include "core/store/file_cache.hpp"
#include "core/store/key_directory.hpp"
#include "core/store/merge_choice.hpp"
#include "core/store/options.hpp"
#include "core/store/rate_limiter.hpp"

namespace memoria {

/// One merge; used once, by one thread, beside readers and writers. Reads and writes stream: memory
/// is one output's index (some 65 bytes a record, and its key twice), and 28 bytes for each of the
/// records that are copied from one input, or from several with a million, whatever the amount.
class Merge {
 public:
  struct Parts {
    Environment& environment;
    const Options& options;
    Timeline& timeline;
    Segments& segments;
    KeyDirectory& directory;
    FileCache& files;
    StoreUuid uuid;
    /// Makes everything that was appended so far durable.
    std::function<Status()> sync_log;
    /// Writes the manifest anew. False: the disk is full.
    std::function<Result<bool>()> save_manifest;
    /// Held while segments are added or taken away.
    Mutex& layout_mutex;
  };
  Merge(const Parts& parts, std::vector<std::shared_ptr<Segment>> inputs, uint64_t rate,
        const ProgressFn& progress);
  ~Merge();

  /// kCancelled and kCorrupt (an input turned out damaged; it is marked so) leave all inputs in
  /// place, and what was copied by then is simply where it now is.
  Result<MergeReport> run();

 private:
  struct Output;

  Status find_shadowed();
  Status collect_erasers(const Segment& segment);
  Status look_for_older(const Segment& segment);
  bool can_drop(const Record& eraser, const KeyDirectory::State& state) const;
  Status copy_some(size_t& done);
  Status copy_segment(Segment& input, const MergeChoice::Choices& choices);
  Status copy_chosen(const Segment& input, const std::vector<MergeChoice::Choice>& choices);
  Status copy_all(const Segment& input);
  Status copy_record(const ScannedRecord& scanned, Location from);
  Status copy_eraser(const ScannedRecord& scanned, Location from, const LiveRecord& live);
  Status copy_part(const ScannedRecord& scanned, Location from, const PlacedPiece& part,
                   uint64_t generation);
  Status write_loose_size(std::string_view key, uint64_t generation);
  Status write_size(const Record& record, const LiveRecord& live);
  Status write(const Record& record, std::string_view value, std::optional<Location> from);
  Status install(const Segment& output, std::string_view hint, std::span<const uint32_t> order,
                 std::span<const std::optional<Location>> from);
  void install(const Entry& entry, std::optional<Location> from, Slot slot);
  Status open_output();
  Status finish_output();
  Status flush_output();
  Status commit();
  Status report_progress(uint64_t bytes_read);
  /// How far the progress goes with an input.
  static uint64_t to_copy(const Segment& input);
  void show_share(uint64_t done, uint64_t of);

  const Parts parts_;
  const std::vector<std::shared_ptr<Segment>> inputs_;
  const ProgressFn& progress_;
  RateLimiter limiter_;
  MergeReport report_;
  // Of what is to be copied, as it was when the merge began: what is dead takes no time.
  uint64_t total_bytes_ = 0, done_bytes_ = 0;
  uint64_t begin_bytes_ = 0, end_bytes_ = 0;  // of the input at hand
  std::vector<uint64_t> to_copy_;             // by input
  std::unique_ptr<Output> output_;
  uint64_t erasers_copied_ = 0;
  bool takes_all_ = false;  // there are no older records outside the inputs
  /// By the hash of each key that an input erases something of: the oldest timestamp that a record
  /// of this key has outside the inputs (a collision can only make it older, that is, keep an
  /// eraser).
  absl::flat_hash_map<uint64_t, uint64_t> oldest_outside_;
  /// Hashes of keys whose loose size this merge has written down already.
  absl::flat_hash_set<uint64_t> sizes_written_;
};

}  // namespace memoria
