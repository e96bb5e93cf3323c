// SPDX-License-Identifier: MIT
// The segment that is appended to.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "core/io/environment.hpp"
#include "core/io/sticky_sync.hpp"
#include "core/log/segment.hpp"

namespace memoria {

/// One thread at a time; file(), whose sync never succeeds once it has failed, may be read and
/// synced by any thread.
class ActiveSegment {
 public:
  /// Makes the file and its header. Neither they nor the name are durable.
  static Result<std::unique_ptr<ActiveSegment>> create(Environment& environment,
                                                       const SegmentHeader& header,
                                                       std::string_view suffix = kDataSuffix);

  /// Where the next record goes.
  uint64_t end() const { return end_; }
  /// Up to here the file has zeros already.
  uint64_t prepared_end() const { return prepared_; }
  const SegmentHeader& header() const { return header_; }
  std::shared_ptr<File> file() const { return file_; }
  /// See StickySyncFile: before anybody else has file().
  void on_first_sync(std::function<Status()> f) { file_->on_first_sync(std::move(f)); }

  /// Zeros behind what is appended, up to a multiple of kPrepareUnit.
  struct Prepare {
    uint64_t ahead = 0;  ///< at least so many bytes
    uint64_t until = 0;  ///< but not beyond this offset; 0: none
  };
  /// What a record overwrites then is in the page cache already, in large folios: an append of 140,
  /// 1,200, 4,300, 16,500, 65,700 and 262,300 bytes takes 0.90, 1.19, 1.97, 5.18, 17.6 and 61 us
  /// instead of 0.92, 1.67, 3.80, 9.55, 23.5 and 67.9; with 256 KiB short ones take longer
  /// (`append_bench /var/tmp` on ext4 of Linux 6.18). With more ahead, later syncs carry data and
  /// no change of the file's size: an fdatasync then commits no journal (`sync_bench` on ext4: 0.6
  /// of the median, a fifth of the p99).
  static constexpr uint64_t kPrepareUnit = 64 << 10;

  /// Writes `size` bytes at the end. Where there is no space for zeros it does without. On kNoSpace
  /// the file is as before, durably; after any other error it must not be used again.
  Status append(std::span<iovec> parts, uint64_t size, Prepare prepare);

  /// What has become complete since the last time and should be on its way to the disk, so that a
  /// sync finds little left to do. Mostly nothing.
  struct Range {
    uint64_t offset, length;
  };
  std::optional<Range> take_writeback();

  /// Says that the log goes on in another segment, which counts after a crash only when this is
  /// found. Takes the space of the seal as well. On kNoSpace the file is as before.
  Status finish(uint64_t records, uint64_t timestamp);

  /// Syncs, writes the seal, cuts prepared space off and syncs again: nothing is appended
  /// afterwards.
  Status seal(uint64_t records, uint64_t timestamp);

 private:
  ActiveSegment(SegmentHeader header, std::shared_ptr<StickySyncFile> file)
      : header_(header), file_(std::move(file)), end_(kSegmentHeaderSize), prepared_(end_) {}
  uint64_t zeros_behind(uint64_t end, Prepare prepare) const;
  Status write(std::span<iovec> parts, uint64_t size, uint64_t zeros);
  Status sync();

  const SegmentHeader header_;
  const std::shared_ptr<StickySyncFile> file_;
  uint64_t end_;
  uint64_t prepared_;   // the file's size: from end_ on there are zeros
  uint64_t begun_ = 0;  // up to here the way to the disk has begun
};

}  // namespace memoria
