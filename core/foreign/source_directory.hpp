// SPDX-License-Identifier: MIT
// Where a foreign store is read from. There is nothing here that could change it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace memoria::foreign {

/// An open file. Not thread-safe.
class SourceFile {
 public:
  virtual ~SourceFile() = default;
  /// Fills `out` from `offset`, in bytes; short only at the end of the file.
  virtual Result<size_t> read(uint64_t offset, std::span<char> out) const = 0;
  virtual Result<uint64_t> size() const = 0;
  /// Type and permissions, as st_mode.
  virtual mode_t mode() const = 0;
};

class SourceDirectory {
 public:
  virtual ~SourceDirectory() = default;
  /// Names of all entries, in no order.
  virtual Result<std::vector<std::string>> list() const = 0;
  /// A regular file, for reading. Anything else (a symbolic link, a fifo, a device) is refused
  /// without being opened for long: kInvalidArgument.
  virtual Result<std::unique_ptr<SourceFile>> open(const std::string& name) const = 0;
  /// What a person calls this place, for messages.
  virtual std::string describe() const = 0;
};

/// A directory of the local filesystem. kNotFound, kIo.
Result<std::unique_ptr<SourceDirectory>> open_source_directory(const std::string& path);

}  // namespace memoria::foreign
