// SPDX-License-Identifier: MIT
// How far a long call has come.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace memoria {

/// What a long call has done so far. `total` is 0 while unknown.
struct Progress {
  enum class Unit { kBytes, kEntries };
  std::string_view phase;  ///< "open", "index", "merge", "verify", "hints" ...
  uint64_t done = 0, total = 0;
  Unit unit = Unit::kBytes;
};
/// Returns false to stop (the call then ends with kCancelled and leaves nothing half done).
using ProgressFn = std::function<bool(const Progress&)>;

}  // namespace memoria
