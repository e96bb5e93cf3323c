// SPDX-License-Identifier: MIT
// Timestamps that are sequence numbers: nanoseconds, strictly increasing whatever the clock does.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "core/base/cache_line.hpp"
#include "core/io/environment.hpp"
#include "core/log/record.hpp"

namespace memoria {

/// Thread-safe.
class Timeline {
 public:
  explicit Timeline(Environment& environment) : environment_(environment) {}

  /// The first of `n` consecutive numbers that nobody else gets: max(now, last + 1).
  uint64_t take(uint64_t n = 1) {
    const uint64_t now = environment_.now_ns();
    uint64_t last = last_.load();
    uint64_t first = 0;
    do {
      first = std::max(now, last + 1);
    } while (!last_.compare_exchange_weak(last, first + n - 1));
    return first;
  }

  /// Everything given out from now on is larger than `seen`, unless that is beyond
  /// kLatestTimestamp: no store of ours gets there, and nothing larger must ever wrap around.
  void advance(uint64_t seen) {
    if (seen > kLatestTimestamp) return;
    uint64_t last = last_.load();
    while (last < seen && !last_.compare_exchange_weak(last, seen)) {
    }
  }

  uint64_t last() const { return last_.load(); }

 private:
  Environment& environment_;
  alignas(kApart) std::atomic<uint64_t> last_{0};
};

}  // namespace memoria
