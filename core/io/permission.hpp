// SPDX-License-Identifier: MIT
// Whose a data directory is: what root makes there, and what is said to those who may not.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace memoria {

/// The owner of a directory, for what root makes in it.
class Heir {
 public:
  /// `directory`: an open one. Nobody is given anything unless this process is root's and the
  /// directory is somebody else's.
  explicit Heir(int directory);
  /// Gives away what was made just now by this process and is open as `made`, be it only for its
  /// path (O_PATH). Root without the privilege for that keeps it.
  void take(int made) const;

 private:
  struct Owner {
    uid_t user;
    gid_t group;
  };
  std::optional<Owner> owner_;
};

/// As Error::from_errno(); who lacks the permission is told whose it is and what to do.
Error failed_access(int system, std::string_view what, const std::string& path);

}  // namespace memoria
