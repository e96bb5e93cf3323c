// SPDX-License-Identifier: MIT
// What a filesystem that keeps its bytes on a disk cannot do without.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/mutex.hpp"
#include "core/base/result.hpp"
#include "core/base/unique_fd.hpp"

namespace memoria::ceiling {

/// A file to which all that is written is appended: without structure, checksums or syncs, and in
/// the way that costs least on ext4 (core/log/active_segment.hpp, kPrepareUnit). Thread-safe.
class WriteLog {
 public:
  /// Makes the file, or empties it.
  static Result<std::unique_ptr<WriteLog>> create(const std::string& path);
  Status append(std::string_view bytes);

 private:
  explicit WriteLog(UniqueFd file) : file_(std::move(file)) {}

  const UniqueFd file_;
  Mutex mutex_;
  uint64_t end_ GUARDED_BY(mutex_) = 0;
  uint64_t prepared_ GUARDED_BY(mutex_) = 0;
  uint64_t begun_ GUARDED_BY(mutex_) = 0;  // up to here the way to the disk has begun
};

}  // namespace memoria::ceiling
