// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "tools/bench/report.hpp"
#include "tools/bench/statistics.hpp"

namespace memoria::bench {
namespace {

using Json = nlohmann::ordered_json;  // keeps the order of keys, so that a diff tells something

Json row_json(const Row& row, const Outcome& outcome) {
  Json results = Json::object();
  for (const auto& contestant : outcome.contestants) {
    const auto samples = samples_of(row, contestant);
    if (samples.empty()) continue;
    results[contestant] = {{"median", median(samples)},
                           {"advantage", advantage(row, outcome, contestant)},
                           {"samples", samples}};
  }
  return {{"name", row.what.name},
          {"unit", row.what.unit},
          {"more_is_better", row.what.more_is_better},
          {"results", results}};
}

Json outcome_json(const Outcome& outcome) {
  Json rows = Json::array();
  for (const auto& row : outcome.rows) rows.push_back(row_json(row, outcome));
  return {{"title", outcome.title}, {"contestants", outcome.contestants}, {"rows", rows}};
}

}  // namespace

std::string json_report(const std::vector<Outcome>& outcomes, const Conditions& conditions) {
  Json contests = Json::array();
  for (const auto& outcome : outcomes) contests.push_back(outcome_json(outcome));
  const auto& machine = conditions.machine;
  const Json document = {{"program", "memoria-bench"},
                         {"version", MEMORIA_VERSION},
                         {"date", conditions.date},
                         {"command", conditions.command},
                         {"rounds", conditions.rounds},
                         {"machine",
                          {{"cpu", machine.cpu},
                           {"cores", machine.cores},
                           {"kernel", machine.kernel},
                           {"memory_bytes", machine.memory_bytes}}},
                         {"contests", contests}};
  // Names come from the command line: what is not UTF-8 must not end the program.
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace memoria::bench
