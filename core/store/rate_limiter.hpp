// SPDX-License-Identifier: MIT
// Keeps background work from taking the disk away from the foreground.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>

namespace memoria {

/// Sleeps so that no more than `bytes_per_second` go by on average; 0 is no limit. One thread.
class RateLimiter {
 public:
  explicit RateLimiter(uint64_t bytes_per_second) : rate_(bytes_per_second) {}

  /// False: `go_on` said no while it slept. It is asked several times a second.
  template <class GoOn>
  bool spend(uint64_t bytes, const GoOn& go_on) {
    if (rate_ == 0) return true;
    spent_ += bytes;
    const auto due =
        begin_ + std::chrono::nanoseconds(uint64_t(double(spent_) * 1e9 / double(rate_)));
    // Short sleeps cost more than they order.
    while (due - std::chrono::steady_clock::now() > kShortest) {
      if (!go_on()) return false;
      std::this_thread::sleep_until(std::min(due, std::chrono::steady_clock::now() + kLongest));
    }
    return true;
  }

 private:
  static constexpr std::chrono::milliseconds kShortest{5}, kLongest{100};

  const uint64_t rate_;
  uint64_t spent_ = 0;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace memoria
