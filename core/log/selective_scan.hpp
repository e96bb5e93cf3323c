// SPDX-License-Identifier: MIT
// Reads some records of a segment, in the order of the file and many at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/io/environment.hpp"
#include "core/log/scan.hpp"

namespace memoria {

/// Not thread-safe; the file must outlive it.
class SelectiveScanner {
 public:
  /// A record that is known to be there, as by the segment's hint.
  struct Place {
    uint32_t offset = 0;  ///< in the file
    uint32_t size = 0;    ///< of the whole record
  };

  /// For a segment whose SegmentHeader::seed() is `seed`. `places` ascend and do not overlap.
  SelectiveScanner(const File& file, uint32_t seed, std::vector<Place> places);

  /// The next record, all of it checked, or nullptr at the end. It lives until the next call.
  /// kCorrupt: it is damaged, or is not of that size; errors of reading.
  Result<const ScannedRecord*> next();

  /// What was read from the file so far: less than all of it where nothing was asked for.
  uint64_t bytes_read() const { return bytes_read_; }

 private:
  Result<std::string_view> window(const Place& place);

  const File& file_;
  const uint32_t seed_;
  const std::vector<Place> places_;
  size_t next_ = 0;
  std::string buffer_;  // file bytes from buffer_at_
  uint64_t buffer_at_ = 0;
  uint64_t bytes_read_ = 0;
  ScannedRecord scanned_;
};

}  // namespace memoria
