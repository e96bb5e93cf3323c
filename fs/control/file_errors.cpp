// SPDX-License-Identifier: MIT
#include "fs/control/file_errors.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <string_view>

#include "fs/control/key_text.hpp"

namespace memoria::control {

namespace {

/// What is only in a mount, the volume does not have.
Error no_such_file(const Call& call) {
  constexpr std::string_view kShown = "/.snapshots";
  const auto store = call.store.describe();
  const auto path = call.path().value_or("");
  if (path == kShown) {
    return {Errc::kNotFound,
            fmt::format("the snapshots are no files of the volume; `memoria-ctl snapshot list {}` "
                        "lists them",
                        store)};
  }
  if (path.starts_with(kShown) && path[kShown.size()] == '/') {
    const auto name = path.substr(kShown.size() + 1);
    return {Errc::kNotFound,
            fmt::format("there is no snapshot \"{}\"; `memoria-ctl snapshot list {}` lists them",
                        printable(name.substr(0, name.find('/'))), store)};
  }
  return {Errc::kNotFound, fmt::format("no such file in the volume {}; `memoria-ctl ls` and `find` "
                                       "list what there is",
                                       store)};
}

}  // namespace

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
      return no_such_file(call);
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
