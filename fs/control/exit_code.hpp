// SPDX-License-Identifier: MIT
// How memoria-ctl ends, for scripts. This table is the documentation; --help prints it.
#pragma once

#include <array>
#include <string_view>

#include "core/base/error.hpp"

namespace memoria {

enum class ExitCode {
  kOk = 0,
  kInternal = 1,
  kUsage = 2,
  kTarget = 3,
  kLocked = 4,
  kNotFound = 5,
  kDamage = 6,
  kNoSpace = 7,
  kIo = 8,
  kInterrupted = 130,
  kOutputClosed = 141,
};

struct ExitCodeMeaning {
  ExitCode code;
  std::string_view meaning;
};

inline constexpr std::array kExitCodes{
    ExitCodeMeaning{ExitCode::kOk, "done"},
    ExitCodeMeaning{ExitCode::kInternal, "internal error: a bug in Memoria"},
    ExitCodeMeaning{ExitCode::kUsage,
                    "wrong use: options, arguments, a value out of range, or a local file "
                    "that is named and cannot be opened"},
    ExitCodeMeaning{ExitCode::kTarget, "the target is not a store, not there or not accessible"},
    ExitCodeMeaning{ExitCode::kLocked,
                    "another process owns the store and answers on no control socket, or shows "
                    "the snapshot that is to go"},
    ExitCodeMeaning{ExitCode::kNotFound, "the named path or key does not exist"},
    ExitCodeMeaning{ExitCode::kDamage, "damage was found"},
    ExitCodeMeaning{ExitCode::kNoSpace, "no space left"},
    ExitCodeMeaning{ExitCode::kIo, "any other failure of the store or the system"},
    ExitCodeMeaning{ExitCode::kInterrupted, "interrupted"},
    ExitCodeMeaning{ExitCode::kOutputClosed, "the reader of the output went away"},
};

/// How a command that failed with `error` ends. Errors of opening the target are told apart by the
/// caller: there kNotFound means the target.
ExitCode exit_code_of(const Error& error);

}  // namespace memoria
