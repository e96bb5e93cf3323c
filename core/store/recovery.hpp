// SPDX-License-Identifier: MIT
// Opens what a shutdown, a crash or a careless hand left. The rules: core/FORMAT.md, "Recovery".
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/mutex.hpp"
#include "core/io/environment.hpp"
#include "core/log/hint.hpp"
#include "core/log/timeline.hpp"
#include "core/store/inventory.hpp"
#include "core/store/key_directory.hpp"
#include "core/store/options.hpp"
#include "core/store/run_merge.hpp"
#include "core/store/segments.hpp"

namespace memoria {

/// Loads all segments of a directory into an empty key directory. Used once, by one thread (which
/// starts helpers of its own).
class Recovery {
 public:
  Recovery(Environment& environment, const Options& options, Segments& segments,
           KeyDirectory& directory, Timeline& timeline)
      : environment_(environment),
        options_(options),
        segments_(segments),
        directory_(directory),
        timeline_(timeline),
        inventory_(environment, options, timeline) {}

  /// Errors: those of Inventory::take(); kCancelled, see Options::on_opening.
  Status run();

  bool has_lost_manifest() const { return inventory_.has_lost_manifest(); }
  /// What the manifest said; empty without one.
  const std::vector<ManifestEntry>& manifest() const { return inventory_.manifest(); }
  /// See Manifest::unsure_until: what it is from now on.
  uint64_t unsure_until() const { return unsure_until_; }
  /// See Inventory::remove_doomed().
  Result<std::vector<uint64_t>> remove_doomed(bool saved) {
    return inventory_.remove_doomed(saved);
  }
  /// The store's own id; a new one in an empty directory.
  const StoreUuid& uuid() const { return inventory_.uuid(); }

 private:
  Status check_time() const;
  Status roll_back();
  void add_segment(FoundSegment& found);
  /// A segment without a seal.
  struct TailSegment {
    FoundSegment* found = nullptr;
    HintWriter entries;
    uint64_t records = 0;
    uint64_t end = 0;  ///< behind the last good record
    uint64_t newest = 0;
    bool ended = false, sealed = false;  ///< it has these records

    /// All of it is there: the log went on in the next one.
    bool complete() const { return ended || sealed; }
  };
  Status load_tail(const std::vector<FoundSegment*>& found);
  Result<std::unique_ptr<File>> open_tail(const FoundSegment& found) const;
  Status drop(FoundSegment& found);
  Result<TailSegment> scan_tail(FoundSegment& found);
  Status seal(const TailSegment& tail);
  Status load_tail_segment(TailSegment& tail);
  Status load_all(const std::vector<FoundSegment*>& found);
  Result<Run> load(FoundSegment& found);
  Result<std::optional<Run>> from_hint(const FoundSegment& found) const;
  Result<Run> without_hint(FoundSegment& found);
  Result<Run> scan(FoundSegment& found);
  Status load_runs();
  unsigned threads() const;
  void begin_phase(std::string_view phase, uint64_t total, Progress::Unit unit);
  void tell_of(uint64_t more);
  Status check_wanted() const;
  void log(Severity severity, const std::string& text) const;

  Environment& environment_;
  const Options& options_;
  Segments& segments_;
  KeyDirectory& directory_;
  Timeline& timeline_;
  Inventory inventory_;
  uint64_t unsure_until_ = 0;
  bool after_failed_sync_ = false;
  std::vector<Run> runs_;               // what all segments say of their keys
  std::vector<FoundSegment*> sources_;  // of runs_, by their numbers
  mutable Mutex progress_mutex_;
  Progress progress_ GUARDED_BY(progress_mutex_);
  bool unwanted_ GUARDED_BY(progress_mutex_) = false;
};

}  // namespace memoria
