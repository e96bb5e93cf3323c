// SPDX-License-Identifier: MIT
#include "fs/binding/rate_limited_sink.hpp"

#include <fmt/format.h>

#include <utility>

namespace memoria {
namespace {

std::array<RateLimit, spdlog::level::n_levels> one_for_each_level(
    unsigned burst, std::chrono::milliseconds interval) {
  const RateLimit limit(burst, interval);
  return {limit, limit, limit, limit, limit, limit, limit};
}

}  // namespace

bool RateLimit::is_over(Time now) const {
  // A clock that jumps back begins a new interval as well.
  return begin_ == Time::min() || now < begin_ || now - begin_ >= interval_;
}

bool RateLimit::admit(Time now) {
  if (is_over(now)) {
    begin_ = now;
    passed_ = 0;
  }
  const bool passes = passed_ < burst_;
  if (passes) {
    ++passed_;
  } else {
    ++left_out_;
  }
  return passes;
}

RateLimitedSink::RateLimitedSink(spdlog::sink_ptr target, unsigned burst,
                                 std::chrono::milliseconds interval)
    : target_(std::move(target)), limits_(one_for_each_level(burst, interval)) {}

void RateLimitedSink::sink_it_(const spdlog::details::log_msg& event) {
  for (size_t severity = 0; severity < limits_.size(); ++severity) {
    tell_left_out(severity, limits_[severity].settle(event.time), event.time);
  }
  if (limits_[event.level].admit(event.time)) {
    target_->log(event);
  } else {
    logger_name_.assign(event.logger_name.begin(), event.logger_name.end());
  }
}

void RateLimitedSink::flush_() {
  for (size_t severity = 0; severity < limits_.size(); ++severity) {
    tell_left_out(severity, limits_[severity].settle(), spdlog::log_clock::now());
  }
  target_->flush();
}

void RateLimitedSink::tell_left_out(size_t severity, uint64_t count, RateLimit::Time now) {
  if (count == 0) return;
  const std::string text =
      fmt::format("{} events like this were too many, and left out of the log", count);
  target_->log({now, {}, logger_name_, static_cast<spdlog::level::level_enum>(severity), text});
}

}  // namespace memoria
