// SPDX-License-Identifier: MIT
// Opens what a shutdown, a crash or a careless hand left. The rules: core/FORMAT.md, "Recovery".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/io/environment.hpp"
#include "core/log/timeline.hpp"
#include "core/store/key_directory.hpp"
#include "core/store/options.hpp"
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

  /// kNotAStore, kNewerFormat, kCorrupt (no segment's header can be read), kIo.
  Status run();

  /// The store's own id; a new one in an empty directory.
  const StoreUuid& uuid() const { return uuid_; }

 private:
  struct Found {
    uint64_t name_id;
    uint64_t size;
    std::optional<SegmentHeader> header;
    std::string problem;  // why there is no header
    bool sealed = false;
  };
  Status list();
  Status remove_leftovers(const std::vector<std::string>& names);
  Result<Found> inspect(uint64_t name_id);
  Status look_for_seal(Found& found) const;
  Status settle_headers();
  Status finish_merges();
  Status remove_found(uint64_t name_id);
  std::optional<size_t> find_tail() const;
  Status load_tail(Found& found);
  Status load_all(const std::vector<Found*>& found);
  Status load(const Found& found);
  Result<bool> load_hint(const Found& found, Segment& segment);
  Status load_scan(const Found& found, Segment& segment);
  void account_rest(Segment& segment, uint64_t trailing);
  void log(Severity severity, const std::string& text) const;

  Environment& environment_;
  const Options& options_;
  Segments& segments_;
  KeyDirectory& directory_;
  Timeline& timeline_;
  StoreUuid uuid_{};
  std::vector<Found> found_;
  std::vector<uint64_t> hints_;
};

}  // namespace memoria
