// SPDX-License-Identifier: MIT
// The segment that is appended to.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/io/environment.hpp"
#include "core/log/segment.hpp"

namespace memoria {

/// One writer at a time; file() may be read and synced by any thread.
class ActiveSegment {
 public:
  /// Makes the file and its header, and makes the name durable.
  static Result<std::unique_ptr<ActiveSegment>> create(Environment& environment,
                                                       const SegmentHeader& header,
                                                       std::string_view suffix = kDataSuffix);

  /// Where the next record goes.
  uint64_t end() const { return end_; }
  /// Up to here the file has space already.
  uint64_t prepared_end() const { return prepared_; }
  const SegmentHeader& header() const { return header_; }
  const std::shared_ptr<File>& file() const { return file_; }

  /// Writes `size` bytes at the end. With `prepare` > 0 that many zero bytes are written behind
  /// them unless such space is left, so that later syncs carry data and no change of the file's
  /// size: an fdatasync then commits no journal (`sync_bench` on ext4: 0.6 of the median, a fifth
  /// of the p99). On kNoSpace the file is as before; after any other error it must not be used
  /// again.
  Status append(std::span<iovec> parts, uint64_t size, uint64_t prepare);

  /// Syncs, writes the seal, cuts prepared space off and syncs again: nothing is appended
  /// afterwards.
  Status seal(uint64_t records, uint64_t timestamp);

 private:
  ActiveSegment(SegmentHeader header, std::shared_ptr<File> file)
      : header_(header), file_(std::move(file)), end_(kSegmentHeaderSize), prepared_(end_) {}
  Status sync();
  void start_writeback();

  const SegmentHeader header_;
  const std::shared_ptr<File> file_;
  uint64_t end_;
  uint64_t prepared_;   // the file's size: from end_ on there are zeros
  uint64_t begun_ = 0;  // up to here the way to the disk has begun
};

}  // namespace memoria
