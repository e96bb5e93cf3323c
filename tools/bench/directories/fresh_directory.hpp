// SPDX-License-Identifier: MIT
// Each run begins in an empty directory, and in the end nothing is left.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/bench/directories/contests.hpp"

namespace memoria::bench {

using Figures = std::vector<Figure>;

/// The work of a run, in an empty directory. Only what it times itself counts.
using Workload = std::function<Result<Figures>(const std::string& directory)>;

/// When a run's directory is removed. ext4 makes files many times more slowly for minutes after
/// files were removed, since it passes over inodes that were freed recently: where nothing is to be
/// removed but by the work itself, all stays to the end.
enum class Removal { kAfterEachRun, kWithTheContest };

/// A contest of this work between the places.
Contest contest_of(std::string title, const std::vector<Place>& places, const Workload& workload,
                   Removal removal = Removal::kAfterEachRun);

/// Directories that are removed with this object.
class Leftovers {
 public:
  Leftovers() = default;
  ~Leftovers();
  Leftovers(const Leftovers&) = delete;
  Leftovers& operator=(const Leftovers&) = delete;
  void add(std::string directory) { directories_.push_back(std::move(directory)); }

 private:
  std::vector<std::string> directories_;
};

/// Makes a directory in `parent` and runs the work in it; removes it, also after an error, or
/// leaves that to `leftovers` when they are given. What was written before is on the disk when the
/// work begins.
Result<Figures> run_in_fresh_directory(const std::string& parent, const Workload& workload,
                                       Leftovers* leftovers = nullptr);

Status make_directory(const std::string& path);
/// Removes it with everything below.
Status remove_tree(const std::string& path);

}  // namespace memoria::bench
