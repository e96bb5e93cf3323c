// SPDX-License-Identifier: MIT
#include "tools/bench/contest.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tools/bench/statistics.hpp"

namespace memoria::bench {
namespace {

bool same_work(const Figure& a, const Figure& b) {
  return a.name == b.name && a.unit == b.unit && a.more_is_better == b.more_is_better;
}

Row& row_of(Outcome& outcome, const Figure& figure) {
  const auto is_it = [&](const Row& row) { return same_work(row.what, figure); };
  const auto found = std::find_if(outcome.rows.begin(), outcome.rows.end(), is_it);
  if (found != outcome.rows.end()) return *found;
  return outcome.rows.emplace_back(Row{figure, {}});
}

Error in_context(Error error, const std::string& title, const std::string& contestant) {
  error.message = fmt::format("{}, {}: {}", title, contestant, error.describe());
  return error;
}

/// Adds a run's figures; an error when they are not those of the contestant's earlier rounds, since
/// ratios are taken round by round.
Status add_round(Outcome& outcome, const std::string& contestant, unsigned round,
                 const std::vector<Figure>& figures) {
  for (const auto& figure : figures) {
    auto& samples = row_of(outcome, figure).samples[contestant];
    samples.push_back(figure.value);
    if (samples.size() != round) {
      return Error(Errc::kInvalidArgument,
                   fmt::format("\"{}\" was not measured exactly once in each round", figure.name));
    }
  }
  for (const auto& row : outcome.rows) {
    const auto samples = row.samples.find(contestant);
    if (samples != row.samples.end() && samples->second.size() != round) {
      return Error(Errc::kInvalidArgument,
                   fmt::format("round {} did not measure \"{}\"", round, row.what.name));
    }
  }
  return ok();
}

}  // namespace

Result<Outcome> hold(const Contest& contest, unsigned rounds, const Announce& announce) {
  Outcome outcome{contest.title, {}, {}};
  for (const auto& contestant : contest.contestants) outcome.contestants.push_back(contestant.name);
  for (unsigned round = 1; round <= rounds; ++round) {
    for (const auto& [name, run] : contest.contestants) {
      if (announce && !announce(contest.title, name, round)) {
        return in_context(Error(Errc::kCancelled, "stopped on request"), contest.title, name);
      }
      auto figures = run();
      if (!figures) return in_context(figures.error(), contest.title, name);
      const auto added = add_round(outcome, name, round, figures.value());
      if (!added) return in_context(added.error(), contest.title, name);
    }
  }
  return outcome;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

double advantage(const Row& row, const Outcome& outcome, const std::string& contestant) {
  return median(advantages(row, outcome, contestant));
}

}  // namespace memoria::bench
