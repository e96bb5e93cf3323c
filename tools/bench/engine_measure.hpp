// SPDX-License-Identifier: MIT
// Clocks and loops of the contests between engines.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/bench/engine_data.hpp"
#include "tools/bench/engines/engine.hpp"

namespace memoria::bench {

class Timer {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// Times of single calls. One thread at a time.
class Latencies {
 public:
  void add(double seconds) { us_.push_back(float(seconds * 1e6)); }
  size_t count() const { return us_.size(); }
  /// The time, in microseconds, that the share `part` of the calls kept below; 0 of nothing.
  double percentile_us(double part);

 private:
  std::vector<float> us_;
};

/// One call; `turn` counts from 0.
using Call = std::function<Status(uint64_t turn)>;

/// Microseconds for each of `count` calls; fewer calls when `seconds` are over.
Result<double> us_per_call(uint64_t count, double seconds, const Call& call);

/// Calls in each second of all threads together, for about `seconds`. The turns of all threads
/// together have no gap and no repetition.
Result<double> calls_per_second(unsigned threads, double seconds, const Call& call);

/// How long each call took while `work` ran, one after the other in a thread beside it; at least
/// one call is made.
Result<Latencies> latencies_beside(const std::function<Status()>& work, const Call& call);

/// kCorrupt, unless the engine has this value. `scratch` is for reuse.
Status expect_value(Engine& engine, std::string_view key, std::string_view value,
                    std::string& scratch);

/// Puts spread keys 0 to `count` with values of `value_bytes`.
Status load(Engine& engine, const Values& values, uint64_t count, size_t value_bytes,
            uint64_t version = 0);

}  // namespace memoria::bench
