// SPDX-License-Identifier: MIT
// Each run begins in an empty directory and leaves nothing behind.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/bench/directories/contests.hpp"

namespace memoria::bench {

using Figures = std::vector<Figure>;

/// The work of a run, in an empty directory. Only what it times itself counts.
using Workload = std::function<Result<Figures>(const std::string& directory)>;

/// A contest of this work between the places.
Contest contest_of(std::string title, const std::vector<Place>& places, const Workload& workload);

/// Makes a directory in `parent`, runs the work in it and removes it, also after an error. What was
/// written before is on the disk when the work begins.
Result<Figures> run_in_fresh_directory(const std::string& parent, const Workload& workload);

Status make_directory(const std::string& path);
/// Removes it with everything below.
Status remove_tree(const std::string& path);

}  // namespace memoria::bench
