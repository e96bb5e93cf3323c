// SPDX-License-Identifier: MIT
#include "fs/binding/rate_limited_sink.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace memoria {
namespace {

std::array<RateLimit, spdlog::level::n_levels> one_for_each_level(
    unsigned burst, std::chrono::milliseconds interval) {
  const RateLimit limit(burst, interval);
  return {limit, limit, limit, limit, limit, limit, limit};
}

}  // namespace

RateLimit::Verdict RateLimit::admit(Time now) {
  // A clock that jumps back begins a new interval as well.
  if (begin_ == Time::min() || now < begin_ || now - begin_ >= interval_) {
    begin_ = now;
    passed_ = 0;
  }
  if (passed_ >= burst_) {
    ++left_out_;
    return {.passes = false};
  }
  ++passed_;
  return {.passes = true, .left_out = std::exchange(left_out_, 0)};
}

RateLimitedSink::RateLimitedSink(spdlog::sink_ptr target, unsigned burst,
                                 std::chrono::milliseconds interval)
    : target_(std::move(target)), limits_(one_for_each_level(burst, interval)) {}

void RateLimitedSink::sink_it_(const spdlog::details::log_msg& event) {
  const auto verdict = limits_[event.level].admit(event.time);
  if (!verdict.passes) return;
  if (verdict.left_out > 0) {
    const std::string text =
        fmt::format("{} events like this were too many, and left out of the log", verdict.left_out);
    target_->log({event.time, {}, event.logger_name, event.level, text});
  }
  target_->log(event);
}

}  // namespace memoria
