// SPDX-License-Identifier: MIT
// Outcomes for people, programs and pages.
#pragma once

#include <string>
#include <vector>

#include "tools/bench/contest.hpp"
#include "tools/bench/machine.hpp"

namespace memoria::bench {

/// The conditions of a measurement, without which its numbers say little.
struct Conditions {
  std::string date;     ///< as of date_text()
  std::string command;  ///< the command line that repeats it
  unsigned rounds = 0;
  Machine machine;
};

/// One table: a line for each figure, under the titles of the contests. For each contestant the
/// median, for all but the first how many times better than the first, and how far the samples
/// spread, in percent of the median.
std::string text_table(const std::vector<Outcome>& outcomes, const Conditions& conditions);

/// One JSON document with every sample, ended by a line break.
std::string json_report(const std::vector<Outcome>& outcomes, const Conditions& conditions);

/// A picture (SVG 1.1, self-contained): for each figure a bar for each contestant but the first,
/// from the line of the first (1x) to how many times better or worse it is, on a log scale.
std::string svg_chart(const std::vector<Outcome>& outcomes, const Conditions& conditions);

/// Three significant digits, or all those in front of the point, grouped: "0.0123", "4.56", "78.9",
/// "12,345".
std::string number_text(double value);

/// "2.31x", "0.97x", "120x".
std::string ratio_text(double ratio);

}  // namespace memoria::bench
