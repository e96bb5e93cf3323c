// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "tools/bench/log_scale.hpp"
#include "tools/bench/report.hpp"
#include "tools/bench/statistics.hpp"
#include "tools/bench/svg_text.hpp"

namespace memoria::bench {
namespace {

using Anchor = Svg::Anchor;

// Okabe and Ito's colours: told apart also by those who see fewer.
constexpr std::array<std::string_view, 7> kColours = {"#0072b2", "#e69f00", "#009e73", "#cc79a7",
                                                      "#56b4e9", "#d55e00", "#999999"};
constexpr std::string_view kStyleSheet =
    "text { font-family: 'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif; font-size: 12px; "
    "fill: #222222; }\n"
    ".heading { font-size: 18px; font-weight: bold; }\n"
    ".contest { font-size: 13px; font-weight: bold; }\n"
    ".small { font-size: 11px; fill: #666666; }\n"
    ".value { font-size: 11px; }\n"
    ".grid { stroke: #e4e4e4; stroke-width: 1; }\n"
    ".first { stroke: #222222; stroke-width: 1.5; }\n"
    ".range { stroke: #222222; stroke-width: 1; stroke-opacity: 0.55; }\n";

constexpr double kWidth = 1100, kMargin = 24;
constexpr double kChartLeft = 360, kChartRight = 930;  // values stand right of it
constexpr double kBarHeight = 15, kRowGap = 12, kLeastRow = 32, kHeadingHeight = 30;

class Chart {
 public:
  Chart(const std::vector<Outcome>& outcomes, const Conditions& conditions)
      : outcomes_(outcomes),
        conditions_(conditions),
        scale_(all_ratios(outcomes), kChartLeft, kChartRight) {
    for (const auto& outcome : outcomes_) {
      for (size_t i = 1; i < outcome.contestants.size(); ++i) {
        const auto& colour = kColours[colours_.size() % kColours.size()];
        if (colours_.emplace(outcome.contestants[i], colour).second) {
          legend_.push_back(outcome.contestants[i]);
        }
      }
    }
  }

  std::string draw() {
    add_head();
    for (const auto& outcome : outcomes_) add_contest(outcome);
    return svg_.document(kWidth, y_ + kMargin, kStyleSheet, "memoria-bench");
  }

 private:
  static std::vector<double> all_ratios(const std::vector<Outcome>& outcomes) {
    std::vector<double> all;
    for (const auto& outcome : outcomes) {
      for (const auto& row : outcome.rows) {
        for (const auto& contestant : outcome.contestants) {
          const auto ratios = advantages(row, outcome, contestant);
          all.insert(all.end(), ratios.begin(), ratios.end());
        }
      }
    }
    return all;
  }

  void add_head() {
    svg_.text(kMargin, 36, "memoria-bench " MEMORIA_VERSION, "heading");
    svg_.text(kMargin, 56, describe(conditions_.machine), "small");
    svg_.text(kMargin, 72,
              fmt::format("{}; medians of {} round{}, thin lines from the worst round to the best. "
                          "Bars to the right of 1x are better, whatever the unit.",
                          conditions_.date, conditions_.rounds, conditions_.rounds == 1 ? "" : "s"),
              "small");
    double x = kMargin;
    y_ = 98;
    for (const auto& name : legend_) {
      if (x > kWidth - 200) x = kMargin, y_ += 20;
      svg_.rectangle(x, y_ - 10, 12, 12, colours_.at(name));
      svg_.text(x + 18, y_, name, "value");
      x += 48 + 7.5 * double(name.size());
    }
    y_ += 12;
  }

  /// The marks, written above each contest so that a long chart stays readable.
  void add_axis(double height) {
    for (const double mark : scale_.marks()) {
      const double x = scale_.x(mark);
      svg_.text(x, y_ - 6, fmt::format("{:g}x", mark), "small", Anchor::kMiddle);
      svg_.line(x, y_, x, y_ + height, mark == 1 ? "first" : "grid");
    }
  }

  static double row_height(const Outcome& outcome) {
    const double bars = double(std::max<size_t>(outcome.contestants.size(), 2) - 1);
    return std::max(bars * kBarHeight + kRowGap, kLeastRow);
  }

  void add_contest(const Outcome& outcome) {
    if (outcome.contestants.empty()) return;
    y_ += kHeadingHeight;
    svg_.text(kMargin, y_ - 6, outcome.title, "contest");
    add_axis(row_height(outcome) * double(outcome.rows.size()));
    svg_.text(kWidth - kMargin, y_ - 6, fmt::format("1x = {}", outcome.contestants.front()),
              "small", Anchor::kEnd);
    for (const auto& row : outcome.rows) add_row(row, outcome);
  }

  void add_row(const Row& row, const Outcome& outcome) {
    const double height = row_height(outcome), middle = y_ + height / 2;
    const auto& first = outcome.contestants.front();
    svg_.text(kMargin, middle - 2, row.what.name, "value");
    svg_.text(
        kMargin, middle + 12,
        fmt::format("{}: {} {}", first, number_text(median(samples_of(row, first))), row.what.unit),
        "small");
    const double bars = double(outcome.contestants.size()) - 1;
    double top = middle - bars * kBarHeight / 2;
    for (size_t i = 1; i < outcome.contestants.size(); ++i, top += kBarHeight) {
      add_bar(row, outcome, outcome.contestants[i], top);
    }
    y_ += height;
  }

  void add_bar(const Row& row, const Outcome& outcome, const std::string& name, double top) {
    const double ratio = advantage(row, outcome, name);
    const double text_y = top + kBarHeight - 4;
    const auto value =
        fmt::format("{} {}", number_text(median(samples_of(row, name))), row.what.unit);
    if (!(ratio > 0)) {
      const auto words = samples_of(row, name).empty() ? std::string("not measured") : value;
      svg_.text(scale_.x(1) + 6, text_y, words, "small");
      return;
    }
    const double one = scale_.x(1), end = scale_.x(ratio);
    svg_.rectangle(std::min(one, end), top + 2, std::max(std::abs(end - one), 1.0), kBarHeight - 4,
                   colours_.at(name));
    const auto rounds = advantages(row, outcome, name);
    const auto [worst, best] = std::minmax_element(rounds.begin(), rounds.end());
    const double bar_middle = top + kBarHeight / 2;
    svg_.line(scale_.x(*worst), bar_middle, scale_.x(*best), bar_middle, "range");
    // Behind all that is drawn, where nothing can be in the way.
    const double text_x = std::max({one, end, scale_.x(*best)}) + 6;
    svg_.text(text_x, text_y, fmt::format("{}  ({})", ratio_text(ratio), value), "value");
  }

  const std::vector<Outcome>& outcomes_;
  const Conditions& conditions_;
  LogScale scale_;
  std::map<std::string, std::string_view> colours_;
  std::vector<std::string> legend_;
  Svg svg_;
  double y_ = 0;
};

}  // namespace

std::string svg_chart(const std::vector<Outcome>& outcomes, const Conditions& conditions) {
  return Chart(outcomes, conditions).draw();
}

}  // namespace memoria::bench
