// SPDX-License-Identifier: MIT
// One file of a foreign log from its beginning to its end: what is intact, and what is not.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/foreign/format.hpp"
#include "core/foreign/source_directory.hpp"
#include "core/foreign/window.hpp"

namespace memoria::foreign {

/// Longer keys are none that could become a file; only their beginning is held.
inline constexpr size_t kMostKeyBytes = 64 << 10;

/// A record whose checksum is right.
struct IntactRecord {
  uint64_t offset = 0, size = 0;  ///< bytes
  RecordHead head;
  std::string_view key;  ///< its first kMostKeyBytes
  Meaning meaning = Meaning::kUnknown;
};

/// A place without an intact record.
struct DamagedPlace {
  enum class Kind {
    kRecord,    ///< one record: its neighbours say where it ends
    kRange,     ///< nobody knows how many
    kTornTail,  ///< the file ends within a record, or in zeros: a write that a crash cut off
  };
  Kind kind = Kind::kRange;
  uint64_t offset = 0, size = 0;  ///< bytes
  /// The key and the time as they stand there: under no checksum that is right.
  std::optional<std::string_view> key = {};
  int64_t time_ns = 0;
};

/// Hears of what is there, in the order of the file. Views live until it returns; an error ends
/// the scan.
class ScanVisitor {
 public:
  virtual ~ScanVisitor() = default;
  virtual Status record(const IntactRecord& record) = 0;
  virtual Status damage(const DamagedPlace& place) = 0;
  /// Now and then: so many bytes of the file are done.
  virtual Status progress(uint64_t bytes) = 0;
};

/// Scans the first `size` bytes of a file. Behind damage it goes on with the next record whose
/// checksum is right, however far that is; the work for that is bounded by a multiple of the
/// file's size. Memory: a few buffers of Window::kCapacity. Errors: kIo, and the visitor's.
Status scan_segment(const SourceFile& file, uint64_t size, const LogFormat& format,
                    ScanVisitor& visitor);

/// The head of the record at `offset`: nothing when there is none that could be, or it would go
/// beyond the end of the file.
Result<std::optional<RecordHead>> head_at(Window& window, const LogFormat& format, uint64_t offset);
/// Whether the checksum of the record with this head is right.
Result<bool> verify_record(Window& window, const LogFormat& format, uint64_t offset,
                           const RecordHead& head);

}  // namespace memoria::foreign
