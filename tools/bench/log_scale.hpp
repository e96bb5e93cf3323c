// SPDX-License-Identifier: MIT
// The axis of the chart: ratios around 1 on a log scale, with round numbers as marks.
#pragma once

#include <vector>

namespace memoria::bench {

class LogScale {
 public:
  /// Covers all `ratios` (positive) and at least 0.5 to 2; drawn from `left` to `right`.
  LogScale(const std::vector<double>& ratios, double left, double right);

  double x(double ratio) const;
  const std::vector<double>& marks() const { return marks_; }  ///< ascending, 1 among them

 private:
  double left_, right_;
  std::vector<double> marks_;
};

}  // namespace memoria::bench
