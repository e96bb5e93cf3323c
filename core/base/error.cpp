// SPDX-License-Identifier: MIT
#include "core/base/error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace memoria {

Error Error::from_errno(int sys, std::string_view what, std::string_view subject) {
  auto code = Errc::kIo;
  switch (sys) {
    case ENOENT:
      code = Errc::kNotFound;
      break;
    case EEXIST:
      code = Errc::kExists;
      break;
    case ENOSPC:
    case EDQUOT:
      code = Errc::kNoSpace;
      break;
    case EROFS:
      code = Errc::kReadOnly;
      break;
    default:
      break;
  }
  return {code, sys, fmt::format("{} {}: {}", what, subject, std::generic_category().message(sys))};
}

bool Error::lacks_descriptors() const {
  return system == EMFILE || system == ENFILE;
}

int Error::to_errno() const {
  if (system != 0) return system;
  switch (code) {
    case Errc::kNotFound:
      return ENOENT;
    case Errc::kExists:
      return EEXIST;
    case Errc::kInvalidArgument:
      return EINVAL;
    case Errc::kTooLarge:
      return EFBIG;
    case Errc::kLocked:
      return EBUSY;
    case Errc::kNoSpace:
      return ENOSPC;
    case Errc::kReadOnly:
      return EROFS;
    case Errc::kConflict:
      return EAGAIN;
    case Errc::kCancelled:
      return EINTR;
    case Errc::kUnsupported:
      return EOPNOTSUPP;
    case Errc::kClosed:
      return ESHUTDOWN;
    case Errc::kCorrupt:
    case Errc::kNewerFormat:
    case Errc::kNotAStore:
    case Errc::kIo:
    case Errc::kPosix:
      break;
  }
  return EIO;
}

std::string Error::describe() const {
  if (!message.empty()) return message;
  if (system != 0) return std::generic_category().message(system);
  return std::string(name(code));
}

std::string_view name(Errc code) {
  switch (code) {
    case Errc::kNotFound:
      return "not-found";
    case Errc::kExists:
      return "exists";
    case Errc::kInvalidArgument:
      return "invalid-argument";
    case Errc::kTooLarge:
      return "too-large";
    case Errc::kCorrupt:
      return "corrupt";
    case Errc::kNewerFormat:
      return "newer-format";
    case Errc::kNotAStore:
      return "not-a-store";
    case Errc::kLocked:
      return "locked";
    case Errc::kNoSpace:
      return "no-space";
    case Errc::kReadOnly:
      return "read-only";
    case Errc::kIo:
      return "io-error";
    case Errc::kConflict:
      return "conflict";
    case Errc::kCancelled:
      return "cancelled";
    case Errc::kUnsupported:
      return "unsupported";
    case Errc::kClosed:
      return "closed";
    case Errc::kPosix:
      return "posix";
  }
  return "unknown";
}

}  // namespace memoria
