// SPDX-License-Identifier: MIT
// Keeps a flood of events from filling the disk that holds the log.
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

namespace memoria {

/// So many in each interval, and a count of those that were too many. Not thread-safe.
class RateLimit {
 public:
  using Time = std::chrono::system_clock::time_point;

  RateLimit(unsigned burst, std::chrono::milliseconds interval)
      : burst_(burst), interval_(interval) {}

  /// False: this one is too many, and counted.
  bool admit(Time now);
  /// How many were too many, once the interval in which they came is over. Each is told of once.
  uint64_t settle(Time now) { return is_over(now) ? settle() : 0; }
  /// The same, over or not.
  uint64_t settle() { return std::exchange(left_out_, 0); }

 private:
  bool is_over(Time now) const;

  const unsigned burst_;
  const std::chrono::milliseconds interval_;
  Time begin_ = Time::min();
  unsigned passed_ = 0;
  uint64_t left_out_ = 0;
};

/// Passes events on to another sink; each severity has its own limit, so that a flood of warnings
/// does not hide an error. What is left out is counted in a line of its own of that severity: with
/// the next event of any once the interval is over, and in any case when the sink is flushed.
class RateLimitedSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  RateLimitedSink(spdlog::sink_ptr target, unsigned burst, std::chrono::milliseconds interval);

 protected:
  void sink_it_(const spdlog::details::log_msg& event) override;
  void flush_() override;
  void set_formatter_(std::unique_ptr<spdlog::formatter> formatter) override {
    target_->set_formatter(std::move(formatter));
  }
  void set_pattern_(const std::string& pattern) override { target_->set_pattern(pattern); }

 private:
  void tell_left_out(size_t severity, uint64_t count, RateLimit::Time now);

  const spdlog::sink_ptr target_;
  std::array<RateLimit, spdlog::level::n_levels> limits_;  // by severity
  std::string logger_name_;                                // of the last event that was left out
};

}  // namespace memoria
