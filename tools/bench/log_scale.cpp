// SPDX-License-Identifier: MIT
#include "tools/bench/log_scale.hpp"

#include <algorithm>
#include <cmath>

namespace memoria::bench {
namespace {

constexpr int kMostDecades = 12;  // an axis beyond that means a broken measurement

std::vector<double> round_numbers(bool only_powers) {
  std::vector<double> numbers;
  for (int power = -kMostDecades; power <= kMostDecades; ++power) {
    const double decade = std::pow(10, power);
    numbers.push_back(decade);
    if (!only_powers) numbers.insert(numbers.end(), {2 * decade, 5 * decade});
  }
  return numbers;
}

}  // namespace

LogScale::LogScale(const std::vector<double>& ratios, double left, double right)
    : left_(left), right_(right) {
  double least = 0.5, most = 2;
  for (const double ratio : ratios) {
    least = std::min(least, ratio);
    most = std::max(most, ratio);
  }
  const auto numbers = round_numbers(most / least > 2000);
  const auto begin = std::upper_bound(numbers.begin() + 1, numbers.end() - 1, least) - 1;
  const auto end = std::lower_bound(numbers.begin(), numbers.end() - 1, most) + 1;
  marks_.assign(begin, end);
}

double LogScale::x(double ratio) const {
  const double low = std::log(marks_.front()), high = std::log(marks_.back());
  const double share = (std::log(std::max(ratio, 1e-300)) - low) / (high - low);
  return left_ + (right_ - left_) * std::clamp(share, 0.0, 1.0);
}

}  // namespace memoria::bench
