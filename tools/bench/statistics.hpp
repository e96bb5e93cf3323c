// SPDX-License-Identifier: MIT
// What the reports say about samples beyond their median.
#pragma once

#include <string>
#include <vector>

#include "tools/bench/contest.hpp"

namespace memoria::bench {

/// For each round how many times better than the first contestant; rounds in which one of the two
/// has no positive figure are left out.
std::vector<double> advantages(const Row& row, const Outcome& outcome,
                               const std::string& contestant);

/// The samples of a contestant; none when it was not measured.
std::vector<double> samples_of(const Row& row, const std::string& contestant);

struct Spread {
  double least = 0, most = 0;  ///< in percent of the median; 0 when that is 0
};
Spread spread(const std::vector<double>& samples);

/// The `share` (0 to 1) of the values is at most this; 0 of nothing.
double percentile(std::vector<double> values, double share);

}  // namespace memoria::bench
