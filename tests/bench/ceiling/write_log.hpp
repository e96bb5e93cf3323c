// SPDX-License-Identifier: MIT
// What a filesystem that keeps its bytes on a disk cannot do without.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/mutex.hpp"
#include "core/base/result.hpp"
#include "core/base/unique_fd.hpp"

namespace memoria::ceiling {

/// A file to which all that is written is appended: without structure or checksums, and in the
/// way that costs least on ext4 (core/log/active_segment.hpp, kPrepareUnit). Thread-safe.
class WriteLog {
 public:
  /// Makes the file, or empties it.
  /// `ahead`: so many zeros and more stand behind what is appended, whenever there is a need for
  /// any; a sync then carries data and no change of the file's size.
  static Result<std::unique_ptr<WriteLog>> create(const std::string& path, uint64_t ahead);
  Status append(std::string_view bytes);
  /// Returns when what was appended before is durable. Those who come while one syncs wait for it,
  /// and the first of them then syncs for all.
  Status sync();

 private:
  WriteLog(UniqueFd file, uint64_t ahead)
      : file_(std::move(file)), zeros_(ahead + kUnit), ahead_(ahead) {}

  static constexpr uint64_t kUnit = 64 << 10;

  const UniqueFd file_;
  const std::vector<char> zeros_;
  const uint64_t ahead_;
  Mutex mutex_;
  uint64_t end_ GUARDED_BY(mutex_) = 0;
  uint64_t prepared_ GUARDED_BY(mutex_) = 0;
  uint64_t begun_ GUARDED_BY(mutex_) = 0;  // up to here the way to the disk has begun

  Mutex sync_mutex_;  // before mutex_
  uint64_t durable_ GUARDED_BY(sync_mutex_) = 0;
};

}  // namespace memoria::ceiling
