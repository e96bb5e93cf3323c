// SPDX-License-Identifier: MIT
// Where segments live and what time it is: the one door to the outside. A local directory by
// default; tests lose unsynced data, tear writes and fail the n-th call behind the same door.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace memoria {

/// One open file. Any number of threads may call any of these at once; an append position is the
/// caller's business. Offsets and sizes are bytes.
class File {
 public:
  virtual ~File() = default;

  /// Fills `out` from `offset`; returns how much there was. Short only at the end of the file.
  virtual Result<size_t> read(uint64_t offset, std::span<char> out) const = 0;
  /// Writes all of `parts`, one after the other, from `offset`. On an error any part may be
  /// written. A system that takes nothing and names no error counts as kNoSpace.
  virtual Status write(uint64_t offset, std::span<const iovec> parts) = 0;
  /// fdatasync: all bytes written before this call, and the size needed to read them, are durable.
  virtual Status sync() = 0;
  /// A hint: has what is in this range begin its way to the disk, and does not wait for it.
  /// Promises nothing; errors are sync()'s to tell.
  virtual void start_writeback(uint64_t /*offset*/, uint64_t /*length*/) {}
  virtual Status truncate(uint64_t size) = 0;
  virtual Result<uint64_t> size() const = 0;
};

struct Space {
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;    ///< what an ordinary user may still take
  uint64_t total_files = 0;   ///< 0: the filesystem does not count them
  uint64_t free_files = 0;    ///< that an ordinary user may still make
  bool read_only = false;     ///< the disk is mounted so that nothing on it can be changed
  uint64_t unused_bytes = 0;  ///< free_bytes, and what is kept for root; 0: not known
};

enum class LockMode { kExclusive, kShared };

/// One data directory and a clock. Names are plain file names without '/', but where a function
/// says otherwise. Thread-safe.
class Environment {
 public:
  virtual ~Environment() = default;

  enum class Access { kRead, kWrite };

  /// Makes a new empty file for reading and writing; Errc::kExists when the name is taken.
  virtual Result<std::unique_ptr<File>> create(std::string_view name) = 0;
  virtual Result<std::unique_ptr<File>> open(std::string_view name, Access access) = 0;
  /// Names of all entries, in no order.
  virtual Result<std::vector<std::string>> list() = 0;
  /// Atomically gives `from` the name `to`, replacing it.
  virtual Status rename(std::string_view from, std::string_view to) = 0;
  /// Atomically gives two sub-directories each other's name. kUnsupported: this filesystem cannot.
  virtual Status exchange(std::string_view name, std::string_view other) = 0;
  /// Gives the file `from` a second name; `to` may be a path through sub-directories. kExists.
  virtual Status link(std::string_view from, std::string_view to) = 0;
  /// A file, or an empty sub-directory.
  virtual Status remove(std::string_view name) = 0;
  /// Makes a sub-directory; no error when it is there.
  virtual Status make_directory(std::string_view name) = 0;
  /// A sub-directory as an environment of its own; kNotFound. May outlive this one.
  virtual Result<std::shared_ptr<Environment>> directory(std::string_view name) = 0;
  /// Makes creations, renames, links and removals in this directory so far durable.
  virtual Status sync_directory() = 0;
  virtual Result<Space> space() = 0;

  /// Takes the data directory until the returned object dies: kExclusive for one who changes it,
  /// kShared for any number of those who want it not to be changed meanwhile.
  /// Errc::kLocked names who has it, where that can be told.
  virtual Result<std::shared_ptr<void>> lock(LockMode mode) = 0;

  /// Nanoseconds since the epoch; may jump either way.
  virtual uint64_t now_ns() = 0;

  /// What a person calls this place, for messages: the directory's path.
  virtual std::string describe() const = 0;
};

/// The directory `path` of the local filesystem. With `create_missing`, makes it (mode 0700).
/// Errors: kNotFound (missing), kIo (not a directory, no permission: names whose it is).
///
/// What root makes in somebody else's directory is given to its owner and group, sub-directories
/// included: root may look after a user's store, and the user goes on with it.
Result<std::shared_ptr<Environment>> open_directory(const std::string& path, bool create_missing);

/// Whether `path` lies on a disk that is mounted read-only. False when that cannot be told.
bool on_read_only_disk(const std::string& path);

}  // namespace memoria
