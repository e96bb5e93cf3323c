// SPDX-License-Identifier: MIT
#include "tools/bench/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace memoria::bench {

std::vector<double> samples_of(const Row& row, const std::string& contestant) {
  const auto found = row.samples.find(contestant);
  return found == row.samples.end() ? std::vector<double>{} : found->second;
}

std::vector<double> advantages(const Row& row, const Outcome& outcome,
                               const std::string& contestant) {
  std::vector<double> ratios;
  if (outcome.contestants.empty()) return ratios;
  const auto first = samples_of(row, outcome.contestants.front());
  const auto other = samples_of(row, contestant);
  for (size_t round = 0; round < std::min(first.size(), other.size()); ++round) {
    if (!(first[round] > 0) || !(other[round] > 0)) continue;
    ratios.push_back(row.what.more_is_better ? other[round] / first[round]
                                             : first[round] / other[round]);
  }
  return ratios;
}

Spread spread(const std::vector<double>& samples) {
  const double middle = median(samples);
  if (!(middle > 0)) return {};
  const auto [least, most] = std::minmax_element(samples.begin(), samples.end());
  return {100 * *least / middle, 100 * *most / middle};
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto rank = size_t(std::ceil(share * double(values.size())));
  const size_t index = std::clamp<size_t>(rank, 1, values.size()) - 1;
  std::nth_element(values.begin(), values.begin() + ptrdiff_t(index), values.end());
  return values[index];
}

}  // namespace memoria::bench
