// SPDX-License-Identifier: MIT
// How far a long command is, on standard error.
#pragma once

#include <chrono>
#include <string>

#include "core/store/reports.hpp"
#include "tools/streams.hpp"

namespace memoria::ctl {

/// On a terminal: one line that is redrawn and erased at the end. Elsewhere: a line now and then,
/// if it takes more than a second. Or JSON lines; or nothing.
class ProgressDisplay {
 public:
  enum class Style { kNone, kTerminal, kLines, kJson };

  ProgressDisplay(const Streams& streams, Style style)
      : streams_(streams), style_(style), begin_(streams.now()) {}

  /// May be called as often as one likes.
  void update(const Progress& progress);
  /// Takes what is drawn off the terminal: before other output, and at the end.
  void erase();

 private:
  using Time = std::chrono::steady_clock::time_point;

  void draw(const std::string& text);
  std::string describe(const Progress& progress, Time now) const;

  const Streams& streams_;
  Style style_;
  Time begin_;
  Time phase_begin_{};
  struct Mark {
    Time time{};
    uint64_t done = 0;
  };
  Mark older_, newer_;  // how far the phase was when; see kRateSpan
  std::string phase_;
  Time next_{};
  bool drawn_ = false;
};

}  // namespace memoria::ctl
