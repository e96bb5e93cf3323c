// SPDX-License-Identifier: MIT
#include "fs/control/exit_code.hpp"

#include <cerrno>

namespace memoria {
namespace {

ExitCode exit_code_of_errno(int system) {
  switch (system) {
    case ENOENT:
    case ENOTDIR:
    case ENODATA:
      return ExitCode::kNotFound;
    case ENOSPC:
    case EDQUOT:
      return ExitCode::kNoSpace;
    case EINVAL:
    case ENAMETOOLONG:
      return ExitCode::kUsage;
    default:
      return ExitCode::kIo;
  }
}

}  // namespace

ExitCode exit_code_of(const Error& error) {
  switch (error.code) {
    case Errc::kNotFound:
      return ExitCode::kNotFound;
    case Errc::kInvalidArgument:
    case Errc::kTooLarge:
    case Errc::kUnsupported:
      return ExitCode::kUsage;
    case Errc::kCorrupt:
      return ExitCode::kDamage;
    case Errc::kNewerFormat:
    case Errc::kNotAStore:
      return ExitCode::kTarget;
    case Errc::kLocked:
      return ExitCode::kLocked;
    case Errc::kNoSpace:
      return ExitCode::kNoSpace;
    case Errc::kCancelled:
      return ExitCode::kInterrupted;
    case Errc::kPosix:
      return exit_code_of_errno(error.system);
    case Errc::kExists:
    case Errc::kReadOnly:
    case Errc::kConflict:
    case Errc::kClosed:
      return ExitCode::kIo;
    case Errc::kIo:
      return error.system == EPIPE ? ExitCode::kOutputClosed : ExitCode::kIo;
  }
  return ExitCode::kInternal;
}

}  // namespace memoria
