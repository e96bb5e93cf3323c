// SPDX-License-Identifier: MIT
// Work in a process of its own: no engine leaves threads, caches or memory behind for the next.
#pragma once

#include <functional>
#include <vector>

#include "core/base/result.hpp"
#include "tools/bench/contest.hpp"

namespace memoria::bench {

using Figures = std::vector<Figure>;
using Work = std::function<Result<Figures>()>;

enum class Ending {
  kExit,    ///< without destructors
  kKilled,  ///< by SIGKILL, as by an operator or the kernel; what the caller owns stays open
};

/// What `work` gives in a forked process, which dies with this one. The calling process must have
/// no threads that `work` relies on. Errors: those of `work`; kCancelled (interrupted); kIo (the
/// process died; the message says how).
Result<Figures> in_child(const Work& work, Ending ending = Ending::kExit);

}  // namespace memoria::bench
