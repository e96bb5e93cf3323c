// SPDX-License-Identifier: MIT
// Keeps a flood of events from filling the disk that holds the log.
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <utility>

namespace memoria {

/// So many in each interval, and a count of those that were too many. Not thread-safe.
class RateLimit {
 public:
  using Time = std::chrono::system_clock::time_point;

  RateLimit(unsigned burst, std::chrono::milliseconds interval)
      : burst_(burst), interval_(interval) {}

  struct Verdict {
    bool passes = true;
    uint64_t left_out = 0;  ///< since something passed; given once, with the first that does again
  };
  Verdict admit(Time now);

 private:
  const unsigned burst_;
  const std::chrono::milliseconds interval_;
  Time begin_ = Time::min();
  unsigned passed_ = 0;
  uint64_t left_out_ = 0;
};

/// Passes events on to another sink; each severity has its own limit, so that a flood of warnings
/// does not hide an error. What is left out is counted in a line of its own, as soon as there is a
/// next event of that severity.
class RateLimitedSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  RateLimitedSink(spdlog::sink_ptr target, unsigned burst, std::chrono::milliseconds interval);

 protected:
  void sink_it_(const spdlog::details::log_msg& event) override;
  void flush_() override { target_->flush(); }
  void set_formatter_(std::unique_ptr<spdlog::formatter> formatter) override {
    target_->set_formatter(std::move(formatter));
  }
  void set_pattern_(const std::string& pattern) override { target_->set_pattern(pattern); }

 private:
  const spdlog::sink_ptr target_;
  std::array<RateLimit, spdlog::level::n_levels> limits_;  // by severity
};

}  // namespace memoria
