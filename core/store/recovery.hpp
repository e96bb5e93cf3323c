// SPDX-License-Identifier: MIT
// Opens what a shutdown, a crash or a careless hand left. The rules: core/FORMAT.md, "Recovery".
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/io/environment.hpp"
#include "core/log/manifest.hpp"
#include "core/log/timeline.hpp"
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
        timeline_(timeline) {}

  /// kNotAStore, kNewerFormat, kCorrupt (no segment's header can be read, or a segment is missing),
  /// kIo.
  Status run();

  /// What the manifest said; empty without one.
  const std::vector<ManifestEntry>& manifest() const { return manifest_.segments; }
  /// Removes what may only go when a new manifest is durable that does not name it.
  Status remove_doomed();

  /// The store's own id; a new one in an empty directory.
  const StoreUuid& uuid() const { return uuid_; }

 private:
  struct Found {
    uint64_t name_id = 0;
    uint64_t size = 0;
    std::optional<SegmentHeader> header;
    std::string problem;  // why there is no header
    bool sealed = false;
    uint64_t expected = 0;             // its length by the manifest; 0: not known
    bool missing = false;              // there is only its hint
    bool squats = false;               // under the name of one that is missing
    std::shared_ptr<Segment> segment;  // once it is loaded

    /// It was sealed, and this is not all of it.
    bool cut() const { return expected > size; }
    /// What a hint of it must match.
    uint64_t full_size() const { return cut() ? expected : size; }
  };
  Status roll_back();
  Status list();
  Status remove_leftovers(const std::vector<std::string>& names);
  Result<Found> inspect(uint64_t name_id);
  Status look_for_seal(Found& found) const;
  Status load_manifest();
  const ManifestEntry* listed(const Found& found) const;
  void forget_foreign_manifest();
  Status settle_headers();
  Status finish_merges();
  Status compare_with_manifest();
  Status remove_found(uint64_t name_id, bool with_hint = true);
  Result<std::optional<size_t>> find_tail() const;
  bool has_hint_of_its_length(const Found& found) const;
  Result<bool> has_lost_only_its_seal(const Found& found) const;
  Status load_tail(Found& found);
  Status load_all(const std::vector<Found*>& found);
  Result<Run> load(Found& found);
  std::optional<Run> from_hint(const Found& found) const;
  Result<Run> without_hint(const Found& found);
  Result<Run> scan(const Found& found);
  Status load_runs();
  unsigned threads() const;
  void log(Severity severity, const std::string& text) const;

  Environment& environment_;
  const Options& options_;
  Segments& segments_;
  KeyDirectory& directory_;
  Timeline& timeline_;
  StoreUuid uuid_{};
  std::vector<Found> found_;
  std::set<uint64_t> hints_;  // segments with one, by the name
  Manifest manifest_;
  std::map<uint64_t, const ManifestEntry*> listed_;  // manifest_ by id
  std::set<uint64_t> replaced_;                      // by merges that were complete
  std::set<uint64_t> copied_;                        // of which there is a second file, by id
  std::vector<uint64_t> doomed_;                     // see remove_doomed()
  std::vector<Run> runs_;                            // what all segments say of their keys
  std::vector<const Found*> sources_;                // of runs_, by their numbers
};

}  // namespace memoria
