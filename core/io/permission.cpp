// SPDX-License-Identifier: MIT
#include "core/io/permission.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace memoria {
namespace {

/// The nearest to `path`, upwards, that can be looked at: itself, or a directory above it that does
/// not have it or does not let one through.
struct Guard {
  std::string path;
  struct stat found {};
};

std::optional<Guard> guard_of(std::string path) {
  for (;;) {
    Guard guard{path};
    if (::lstat(path.c_str(), &guard.found) == 0) return guard;
    const auto slash = path.rfind('/');
    if ((errno != EACCES && errno != ENOENT) || slash == std::string::npos || slash == 0) {
      return std::nullopt;
    }
    path.resize(slash);
  }
}

}  // namespace

Heir::Heir(int directory) {
  struct stat found {};
  if (::geteuid() != 0 || ::fstat(directory, &found) != 0 || found.st_uid == 0) return;
  owner_ = Owner{found.st_uid, found.st_gid};
}

void Heir::take(int made) const {
  if (!owner_) return;
  (void)!::fchownat(made, "", owner_->user, owner_->group, AT_EMPTY_PATH);
}

Error failed_access(int system, std::string_view what, const std::string& path) {
  auto error = Error::from_errno(system, what, path);
  if (system != EACCES) return error;
  const auto guard = guard_of(path);
  if (!guard) return error;
  if (guard->found.st_uid == ::geteuid()) {
    error.message += fmt::format("; {} has mode {:04o}: change that with chmod", guard->path,
                                 guard->found.st_mode & 07777);
  } else {
    error.message += fmt::format(
        "; {} belongs to user {}: go on as that user or as root, or have it given to you with "
        "chown",
        guard->path, guard->found.st_uid);
  }
  return error;
}

}  // namespace memoria
