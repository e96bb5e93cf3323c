// SPDX-License-Identifier: MIT
// Where `get` writes and `put` reads: a file, or the standard streams.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/base/unique_fd.hpp"
#include "fs/control/executor.hpp"
#include "tools/streams.hpp"

namespace memoria::ctl {

/// Of a local file or directory that an argument names and that cannot be opened: as wrong use,
/// unless it is the system that failed. kNotFound would mean what is named in the store.
Error local_file_error(Error error);

/// The destination of `get`. A regular file is written under another name and gets its own when all
/// is there: an interrupted `get` leaves what was there before. What it replaces gives it its
/// permissions; symbolic links stay.
class ValueOutput {
 public:
  /// An empty path means standard output. Errors as of local_file_error().
  static Result<ValueOutput> open(const std::string& path, const Streams& streams);
  ValueOutput(ValueOutput&&) = default;
  ValueOutput& operator=(ValueOutput&&) = delete;
  ~ValueOutput();

  Status write(std::string_view bytes);
  /// Whether holes need not come as zeros: it is a regular file that is made.
  bool takes_holes() const { return !temporary_.empty(); }
  /// Where it takes holes: so many zeros, which take no space.
  Status leave_hole(uint64_t length);
  Status commit();
  /// Also when it was named, as /dev/stdout: nothing else may be written there.
  bool is_standard() const { return path_.empty(); }

 private:
  ValueOutput(const Streams& streams, std::string path)
      : streams_(streams), path_(std::move(path)) {}

  const Streams& streams_;
  std::string path_;
  std::string end_;        // what is behind its symbolic links
  std::string temporary_;  // empty: nothing to rename
  UniqueFd fd_;
};

/// Whether an input of this name can be opened, without opening it; "-" can. Errors as of
/// local_file_error().
Status check_input(const std::string& path);

/// The source of `put`.
class ValueInput : public Source {
 public:
  /// "-" means standard input. Errors as of local_file_error().
  static Result<ValueInput> open(const std::string& path, const Streams& streams);
  Result<size_t> read(std::span<char> out) override;
  /// Bytes that will come, 0 when that is unknown.
  uint64_t expected() const { return expected_; }
  /// Bytes that have come.
  uint64_t taken() const { return taken_; }

 private:
  ValueInput(const Streams& streams, std::string path)
      : streams_(streams), path_(std::move(path)) {}
  Result<size_t> read_file(std::span<char> out);

  const Streams& streams_;
  std::string path_;
  UniqueFd fd_;
  uint64_t expected_ = 0, taken_ = 0;
};

}  // namespace memoria::ctl
