// SPDX-License-Identifier: MIT
// A foreign store as a whole: which version of which key is the newest, and what stands in doubt.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "core/foreign/format.hpp"
#include "core/foreign/segment_scan.hpp"
#include "core/foreign/source_directory.hpp"
#include "core/store/reports.hpp"

namespace memoria::foreign {

enum class Engine { kOriginal, kBitcask };

struct LogOptions {
  Engine engine = Engine::kBitcask;
  /// A key whose newest version is damaged is left out, or with this the newest intact one is
  /// taken.
  bool keep_older = false;
  /// Versions from before this time count as erased, as that program's own setting has it; ns since
  /// the epoch.
  std::optional<int64_t> expiry = {};
};

/// Something of the source that could not be taken as it is, or may not be.
struct Remark {
  std::string detail;               ///< a sentence
  std::string file = {};            ///< of the directory; empty: no single one
  uint64_t offset = 0, length = 0;  ///< bytes; length 0: no place in the file
  std::optional<std::string> key = {};
  bool is_loss = true;  ///< false: only worth a word
};

/// Where a version of a key is.
struct Version {
  enum class State : uint8_t { kValue, kErased, kUnknown };
  uint32_t segment = 0;  ///< index into the files in the order of their numbers
  State state = State::kValue;
  uint64_t offset = 0;  ///< of its record
  RecordHead head = {};
};

/// What a scan counted.
struct LogTotals {
  uint64_t files = 0, bytes = 0;
  uint64_t records = 0;  ///< intact ones
  uint64_t damaged = 0;  ///< places
  uint64_t torn = 0;     ///< files that end within a record
  uint64_t erased = 0, expired = 0;
  uint64_t skipped = 0;   ///< keys whose newest version is damaged or of an unknown type
  uint64_t in_doubt = 0;  ///< taken keys that may have had a newer version in a damaged place
};

/// Not thread-safe. Memory: the keys and about 100 bytes for each; no values.
class Log {
 public:
  using Entry = std::pair<const std::string, Version>;
  using Remarks = std::function<Status(const Remark&)>;

  /// Finds the files. kNotFound: there are none of this engine; kInvalidArgument: one of them is no
  /// regular file.
  static Result<std::unique_ptr<Log>> open(std::unique_ptr<SourceDirectory> directory,
                                           const LogOptions& options);

  /// Reads and verifies everything, once, before anything else. `progress` is told bytes of bytes
  /// and may say stop (kCancelled). kCorrupt: nothing there looks like a record of this engine.
  Status scan(const ProgressFn& progress, const Remarks& remarks);

  /// What is to be taken, in the order of the log. Valid while this lives.
  const std::vector<const Entry*>& live() const { return live_; }
  const LogTotals& totals() const { return totals_; }
  /// Value bytes of all that is live.
  uint64_t live_bytes() const { return live_bytes_; }

  /// Begins with the value of a live entry; it is then taken by next_part(), in parts. kCorrupt: it
  /// is not what it was during the scan.
  Status open_value(const Entry& entry);
  /// Empty at the end, and only then all of it has been verified again: until then what was given
  /// may be wrong (kCorrupt). The view lives until the next call.
  Result<std::string_view> next_part();

 private:
  class Collector;
  struct Segment {
    std::string name;
    uint64_t number = 0, size = 0;
  };
  using Place = std::pair<uint32_t, uint64_t>;  // segment, offset
  /// Of the damaged versions of a key: nothing that is not later than all of them is its newest.
  struct Damaged {
    Place place;
    int64_t time_ns = 0;
  };

  Log(std::unique_ptr<SourceDirectory> directory, const LogOptions& options)
      : directory_(std::move(directory)), options_(options) {}
  Status find_segments();
  Status scan_segments(const ProgressFn& progress, const Remarks& remarks);
  Status find_dialect(const ProgressFn& progress);
  bool is_newer(const Version& a, const Version& b) const;
  Status choose(const Remarks& remarks);
  /// Whether the newest intact version of this key is the newest of all.
  Result<bool> is_certain(const Entry& entry, const Remarks& remarks);
  Error changed() const;

  std::unique_ptr<SourceDirectory> directory_;
  LogOptions options_;
  std::unique_ptr<LogFormat> format_;
  std::vector<Segment> segments_;
  std::vector<Remark> found_;  // before there was anybody to tell
  absl::flat_hash_map<std::string, Version> newest_;
  absl::flat_hash_map<std::string, Damaged> damaged_;
  std::optional<Place> last_damage_;
  uint64_t types_with_value_ = 0, types_without_ = 0;  // bits
  std::vector<const Entry*> live_;
  uint64_t live_bytes_ = 0;
  LogTotals totals_;
  std::unique_ptr<SourceFile> open_;  // the segment that was read last
  std::unique_ptr<Window> window_;
  uint32_t open_segment_ = 0;
  uint64_t value_at_ = 0, value_end_ = 0;  // of the value that is being read, in its segment
  uint32_t checksum_ = 0, wanted_checksum_ = 0;
};

}  // namespace memoria::foreign
