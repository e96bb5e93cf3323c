// SPDX-License-Identifier: MIT
#include "fs/control/file_errors.hpp"

#include <fmt/format.h>

#include <cerrno>

namespace memoria::control {

Error worded(const Call& call, const Error& error) {
  const auto store = call.store.describe();
  switch (error.code) {
    case Errc::kPosix:
    case Errc::kNotFound:
    case Errc::kExists:
      break;
    default:
      return error;
  }
  switch (error.to_errno()) {
    case ENOENT:
      return {Errc::kNotFound, fmt::format("no such file in the volume {}; `memoria-ctl ls` "
                                           "and `find` list what there is",
                                           store)};
    case ENOTDIR:
      return Error::posix(ENOTDIR, fmt::format("no such file in the volume {}: a part of the path "
                                               "is not a directory",
                                               store));
    case EISDIR:
      return Error::posix(EISDIR, "is a directory");
    case ENOTEMPTY:
      return Error::posix(ENOTEMPTY, "the directory is not empty");
    case ENAMETOOLONG:
      return Error::posix(ENAMETOOLONG, "a name in the path is longer than 255 bytes");
    case EBUSY:
      return Error::posix(EBUSY, "is the root of the volume");
    default:
      return error;
  }
}

}  // namespace memoria::control
