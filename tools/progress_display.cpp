// SPDX-License-Identifier: MIT
#include "tools/progress_display.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fs/control/protocol.hpp"
#include "tools/units.hpp"

namespace memoria::ctl {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kRedrawInterval = milliseconds(100);
constexpr auto kQuietTime = seconds(1);  // what is done sooner shows no lines
constexpr auto kLineInterval = seconds(5);
constexpr auto kJsonInterval = milliseconds(200);
// The rate is that of the last half of this to all of it: what was before says little of what is
// left.
constexpr auto kRateSpan = seconds(10);
constexpr auto kRateTime = milliseconds(500);  // before that a rate says nothing

std::string format_amount(double amount, Progress::Unit unit) {
  return unit == Progress::Unit::kBytes ? format_bytes(amount)
                                        : format_count(uint64_t(std::llround(amount)));
}

}  // namespace

void ProgressDisplay::update(const Progress& progress) {
  if (style_ == Style::kNone) return;
  const auto now = streams_.now();
  if (progress.phase != phase_ || phase_begin_ == Time{}) {
    phase_ = progress.phase;
    phase_begin_ = now;
    older_ = newer_ = {now, progress.done};
  }
  if (now - newer_.time >= kRateSpan / 2) {
    older_ = newer_;
    newer_ = {now, progress.done};
  }
  if (now < next_) return;
  if (style_ == Style::kJson) {
    // Progress that cannot be shown is no failure.
    (void)streams_.err(to_text(progress_to_json(progress)) + "\n");
    next_ = now + kJsonInterval;
  } else if (style_ == Style::kTerminal) {
    draw(describe(progress, now));
    next_ = now + kRedrawInterval;
  } else if (now - begin_ >= kQuietTime) {
    (void)streams_.err(describe(progress, now) + "\n");
    next_ = now + kLineInterval;
  }
}

void ProgressDisplay::erase() {
  if (!drawn_) return;
  (void)streams_.err("\r\x1b[K");
  drawn_ = false;
}

void ProgressDisplay::draw(const std::string& text) {
  // One column is left free: some terminals wrap when the last one is written.
  const size_t width = streams_.err_columns > 1 ? streams_.err_columns - 1 : 0;
  (void)streams_.err("\r" + text.substr(0, width) + "\x1b[K");
  drawn_ = true;
}

std::string ProgressDisplay::describe(const Progress& p, Time now) const {
  if (p.done == 0 && p.total == 0) return std::string(p.phase);  // it waits, or begins
  std::string text(p.phase);
  const auto amount = [&](double n) { return format_amount(n, p.unit); };
  if (p.total > 0) {
    const auto done = std::min(p.done, p.total);
    text += fmt::format("  {:>3} %  {} of {}", uint64_t(100.0 * double(done) / double(p.total)),
                        amount(double(done)), amount(double(p.total)));
  } else {
    text += fmt::format("  {}", amount(double(p.done)));
  }
  const bool is_one = (p.total > 0 ? p.total : p.done) == 1;
  if (p.unit == Progress::Unit::kEntries) text += is_one ? " entry" : " entries";
  const auto passed = now - older_.time;
  if (passed < kRateTime || p.done <= older_.done) return text;
  const double rate = double(p.done - older_.done) / std::chrono::duration<double>(passed).count();
  text += fmt::format("  {}/s", amount(rate));
  if (p.total > p.done) {
    const std::chrono::duration<double> left(double(p.total - p.done) / rate);
    text += fmt::format("  {} left", format_duration(std::chrono::ceil<seconds>(left)));
  }
  return text;
}

}  // namespace memoria::ctl
