// SPDX-License-Identifier: MIT
// What can go wrong, as a value: a code for programs, a sentence for people.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace memoria {

/// Why a call failed. Programs branch on this; people read Error::message.
enum class Errc {
  kNotFound = 1,     ///< no such key, file or segment
  kExists,           ///< it is there already
  kInvalidArgument,  ///< the caller's value is out of its documented range
  kTooLarge,         ///< key, value or batch above its limit
  kCorrupt,          ///< a checksum or a structure on disk is wrong
  kNewerFormat,      ///< written by a later version of this program
  kNotAStore,        ///< the directory holds something else
  kLocked,           ///< another process owns the data directory
  kNoSpace,          ///< the disk (or the reserve) is exhausted; nothing was changed
  kReadOnly,         ///< opened read-only, or latched so after a failed write or sync
  kIo,               ///< the operating system failed; see Error::system
  kConflict,         ///< somebody else changed it first
  kCancelled,        ///< stopped on request
  kUnsupported,      ///< this build or this object cannot do it
  kClosed,           ///< the store is closed
  kPosix,            ///< a POSIX rule forbids it; see Error::system
};

/// An error as a value. `system` is an errno value, 0 where none applies. `message` is one
/// sentence that names the thing and what to do; it is empty for answers that a caller handles
/// silently (kNotFound on a lookup), so that those allocate nothing.
struct [[nodiscard]] Error {
  Errc code = Errc::kInvalidArgument;
  int system = 0;
  std::string message;

  Error() = default;
  Error(Errc c, std::string m = {}) : code(c), message(std::move(m)) {}
  Error(Errc c, int sys, std::string m) : code(c), system(sys), message(std::move(m)) {}

  /// The failed system call `what` on `subject`; ENOSPC, EDQUOT, EROFS and ENOENT get their codes.
  static Error from_errno(int sys, std::string_view what, std::string_view subject);
  /// A rule of POSIX said no: `sys` is what the program will see in errno.
  static Error posix(int sys, std::string message = {}) {
    return {Errc::kPosix, sys, std::move(message)};
  }

  /// No descriptor was to be had (EMFILE, ENFILE): what was tried did not begin, and may work
  /// later.
  bool lacks_descriptors() const;
  /// The errno that a system call should end with (EIO where nothing better is known).
  int to_errno() const;
  /// `message`, or the code's own words when there is none.
  std::string describe() const;
};

/// Stable, lower-case word for a code ("not-found"), used in JSON output.
std::string_view name(Errc code);

}  // namespace memoria
