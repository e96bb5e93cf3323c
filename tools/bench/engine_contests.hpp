// SPDX-License-Identifier: MIT
// Contests between key-value engines: Memoria's store, the engines that were found at build time,
// and `raw`, a loop that does the least a Bitcask can do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "tools/bench/contest.hpp"

namespace memoria::bench {

/// What to compare, and at which size.
struct EngineOptions {
  std::string directory;             ///< each run works in a fresh sub-directory and removes it
  std::vector<std::string> engines;  ///< empty: all
  std::vector<std::string> groups;   ///< empty: all
  uint64_t keys = 1'000'000;         ///< of the groups that load a store
  bool quick = false;                ///< sizes for a test of the program, not of the engines
};

/// The contests of the chosen groups. Memoria always takes part: it is what others are compared
/// with. Errors: kInvalidArgument (an engine or group that does not exist; names those that do).
Result<std::vector<Contest>> engine_contests(const EngineOptions& options);

/// "put", "get", "mixed" ...
std::vector<std::string> engine_group_names();
/// Of this build, in the order of the reports: "memoria" first.
std::vector<std::string> engine_names();

}  // namespace memoria::bench
