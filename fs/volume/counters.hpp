// SPDX-License-Identifier: MIT
// The numbers that a volume gives out, and how many files it has.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/base/mutex.hpp"
#include "core/base/result.hpp"
#include "core/store/store.hpp"
#include "fs/volume/superblock.hpp"

namespace memoria {

/// Inode numbers and cookies are reserved in the superblock in ranges, so that giving one out is
/// mostly no write and after a crash none is given out again: what is left of the ranges is
/// skipped. The number of files is written at a clean close and struck out before the first change
/// after it, so that only after a crash it must be counted again. Thread-safe.
class Counters {
 public:
  /// `files`: how many there are, counted or from the superblock.
  Counters(Store& store, const Superblock& stored, uint64_t files);

  Result<InodeNumber> next_inode();
  Result<uint64_t> next_cookie();

  /// To be called before a batch that makes or removes inodes is applied.
  Status begin_change();
  void add_files(int64_t difference) { files_ += uint64_t(difference); }
  uint64_t files() const { return files_; }
  Superblock superblock() const;

  /// Writes what there is to keep; nothing may change afterwards.
  Status close();

 private:
  Status reserve() REQUIRES(mutex_);
  Status write(const Superblock& next) REQUIRES(mutex_);

  Store& store_;
  std::atomic<uint64_t> files_;
  std::atomic<bool> struck_out_;
  mutable Mutex mutex_;
  Superblock stored_ GUARDED_BY(mutex_);
  InodeNumber next_inode_ GUARDED_BY(mutex_);
  uint64_t next_cookie_ GUARDED_BY(mutex_);
};

}  // namespace memoria
