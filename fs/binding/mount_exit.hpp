// SPDX-License-Identifier: MIT
// How memoria-fs ends: a code for scripts, one sentence for people.
#pragma once

#include <string>
#include <utility>

#include "core/base/result.hpp"

namespace memoria {

/// The exit codes of memoria-fs. Part of its interface: numbers are never given a new meaning.
enum class MountExit {
  kOk = 0,
  kInternal = 1,       ///< a bug, or out of memory
  kUsage = 2,          ///< command line, mount option, or memoria.toml
  kDataDirectory = 3,  ///< missing parent, not a store, newer, no permission, full, read-only ...
  kLocked = 4,         ///< another process owns the data directory; the message names its pid
  kMountPoint = 5,     ///< missing, not a directory, nested with the data directory, in use
  kMount = 6,          ///< the kernel or fusermount3 refused
};

/// Why the program cannot go on.
struct [[nodiscard]] Failure {
  MountExit code = MountExit::kInternal;
  std::string message;  ///< one line that names the thing and what to do

  Failure() = default;
  Failure(MountExit c, std::string m) : code(c), message(std::move(m)) {}
};

/// A T, or the reason to exit.
template <class T>
using Checked =
    BOOST_OUTCOME_V2_NAMESPACE::basic_result<T, Failure,
                                             BOOST_OUTCOME_V2_NAMESPACE::policy::terminate>;

}  // namespace memoria
