// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/bench/contest.hpp"
#include "tools/bench/report.hpp"

namespace memoria::test {

/// A contestant that gives these values of one figure, round by round.
bench::Contestant scripted(const std::string& name, const std::vector<double>& values,
                           bool more_is_better = true);

/// Two contestants with names that XML cannot hold as they are, and a figure in each direction.
std::vector<bench::Outcome> sample_outcomes();
bench::Conditions sample_conditions();

/// How a run of memoria-bench in this process ended.
struct BenchRan {
  int code = 0;
  std::string out, err;
};
BenchRan run_bench(const std::vector<std::string>& arguments,
                   const std::function<bool()>& stop = {});

}  // namespace memoria::test
