// SPDX-License-Identifier: MIT
// A tree of files that comes from a tar file.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.hpp"

namespace memoria::bench {

/// Unpacks `tar` into `directory`, which exists.
Status unpack(const std::string& tar, const std::string& directory);

/// An error when a file, link or directory of `tar` is not in `directory` or has other contents.
/// Owners, modes and times do not count.
Status expect_unpacked(const std::string& tar, const std::string& directory);

/// Removes every second regular file below `directory`, except those of git itself.
Status remove_half(const std::string& directory);

/// What reading a tree gave, in whatever order its directories are listed.
struct Reading {
  uint64_t files = 0, bytes = 0;
  uint64_t checksum = 0;  ///< of names and contents

  bool operator==(const Reading&) const = default;
};

/// Reads every regular file below `directory`, each directory in the order in which it is listed.
Result<Reading> read_tree(const std::string& directory);

}  // namespace memoria::bench
