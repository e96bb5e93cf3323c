// SPDX-License-Identifier: MIT
// The answers of POSIX, and the words for damage.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace memoria {

/// POSIX says no with `number`; ENOENT and EEXIST also get the codes that programs branch on.
/// Without a message it allocates nothing.
inline Error posix(int number, std::string message = {}) {
  switch (number) {
    case ENOENT:
      return {Errc::kNotFound, number, std::move(message)};
    case EEXIST:
      return {Errc::kExists, number, std::move(message)};
    default:
      return Error::posix(number, std::move(message));
  }
}

/// What the volume wrote there once, it cannot have been this: EIO for the program.
inline Error damaged(std::string message) {
  return {Errc::kCorrupt, EIO, std::move(message)};
}

/// Something cannot be read that should be.
inline bool is_damage(const Error& error) {
  return error.code == Errc::kCorrupt || error.code == Errc::kIo;
}

}  // namespace memoria
