// SPDX-License-Identifier: MIT
// The volume's errors in words for somebody who named a path.
#pragma once

#include "fs/control/commands.hpp"

namespace memoria::control {

/// The same error; what POSIX rules say no to is worded as the end of "<command> <path>: ...".
Error worded(const Call& call, const Error& error);

template <class T>
Result<T> worded(const Call& call, Result<T> result) {
  if (!result) return worded(call, result.error());
  return result;
}

}  // namespace memoria::control
