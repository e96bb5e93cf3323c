// SPDX-License-Identifier: MIT
// Comparing several things by the same work: in turns, several rounds, judged by medians. Machines
// are noisy and drift; what is compared runs in the same minute, and ratios are taken round by
// round.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace memoria::bench {

/// One number that a piece of work gives.
struct Figure {
  std::string name;  ///< of the work, in few words: "create, 1 KiB, fsync, 8 threads"
  std::string unit;  ///< "op/s", "MB/s", "us", "s", "MB", "B/key", "x"
  double value = 0;
  bool more_is_better = true;
};

/// One of the things compared. `run` does the work once, from a clean start, and gives the same
/// figures each time, in the same order.
struct Contestant {
  std::string name;
  std::function<Result<std::vector<Figure>>()> run;
};

/// Contestants for the same work. The first is what the others are compared with.
struct Contest {
  std::string title;
  std::vector<Contestant> contestants;
};

/// A figure over the rounds.
struct Row {
  Figure what;                                         ///< value: without meaning
  std::map<std::string, std::vector<double>> samples;  ///< by contestant, one for each round
};

struct Outcome {
  std::string title;
  std::vector<std::string> contestants;  ///< in order; the first is the one compared with
  std::vector<Row> rows;
};

/// Told before each run; returns false to stop (kCancelled).
using Announce =
    std::function<bool(const std::string& title, const std::string& contestant, unsigned round)>;

/// Runs A B C, A B C ... `rounds` times. The first error of a contestant ends it; the message names
/// who and what.
Result<Outcome> hold(const Contest& contest, unsigned rounds, const Announce& announce);

double median(std::vector<double> values);  ///< 0 of nothing
/// How many times better than the first contestant, or worse (below 1): the median of the rounds'
/// ratios. 0 when there is none.
double advantage(const Row& row, const Outcome& outcome, const std::string& contestant);

}  // namespace memoria::bench
