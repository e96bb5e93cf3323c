// SPDX-License-Identifier: MIT
// Clocks for workloads, with one thread and with several.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>

#include "core/base/result.hpp"

namespace memoria::bench {

/// Adds up the seconds between start() and stop(), so that comparing what was read does not count.
class Stopwatch {
 public:
  void start() { begin_ = std::chrono::steady_clock::now(); }
  void stop() { total_ += std::chrono::steady_clock::now() - begin_; }
  /// Never 0, so that it can be divided by.
  double seconds() const { return std::max(std::chrono::duration<double>(total_).count(), 1e-9); }

 private:
  std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::duration total_{};
};

/// The seconds that work() takes, or its error.
Result<double> seconds_of(const std::function<Status()>& work);

/// Runs work(0) to work(threads - 1) at once: the seconds from their common start to the end of the
/// last, or the first error.
Result<double> seconds_of_threads(unsigned threads, const std::function<Status(unsigned)>& work);

}  // namespace memoria::bench
