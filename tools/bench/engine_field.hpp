// SPDX-License-Identifier: MIT
// From a piece of work with one engine to a contest of several.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/bench/engine_child.hpp"
#include "tools/bench/engine_contests.hpp"
#include "tools/bench/engines/engine.hpp"

namespace memoria::bench {

/// Who takes part, and at which size.
struct Field {
  std::vector<EngineKind> kinds;  ///< memoria first
  std::string directory;
  uint64_t keys = 0;
  bool quick = false;

  /// `full`, or a part of it that a test has time for.
  double seconds(double full) const { return quick ? full / 40 : full; }
};

/// Does the work once with a closed engine and an empty directory. Runs in a process of its own.
using EngineWork = std::function<Result<Figures>(Engine& engine, const std::string& directory)>;

enum class Ceiling { kIncluded, kExcluded };

/// Each contestant's run: a fresh directory, a quiet disk, and a new process for `work`.
Contest engine_contest(const Field& field, std::string title, Ceiling ceiling,
                       const EngineWork& work);

/// Bytes of the disk that the files below take; holes do not count.
Result<uint64_t> disk_bytes(const std::string& directory);

// The groups. The figures of each are told where it is defined.
std::vector<Contest> put_contests(const Field& field);
std::vector<Contest> get_contests(const Field& field);
std::vector<Contest> mixed_contests(const Field& field);
std::vector<Contest> sync_contests(const Field& field);
std::vector<Contest> open_contests(const Field& field);
std::vector<Contest> memory_contests(const Field& field);
std::vector<Contest> space_contests(const Field& field);
std::vector<Contest> merge_contests(const Field& field);

}  // namespace memoria::bench
