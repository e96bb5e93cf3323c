// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/bench/report.hpp"
#include "tools/bench/statistics.hpp"

namespace memoria::bench {
namespace {

constexpr std::string_view kNothing = "-";

/// What is told about one contestant's figure.
struct Cells {
  std::string value, ratio, spread;
};

Cells cells(const Row& row, const Outcome& outcome, size_t index) {
  const auto& contestant = outcome.contestants[index];
  const auto samples = samples_of(row, contestant);
  Cells cells{std::string(kNothing), std::string(kNothing), std::string(kNothing)};
  if (samples.empty()) return cells;
  cells.value = number_text(median(samples));
  const auto [least, most] = spread(samples);
  if (most > 0) cells.spread = fmt::format("{:.0f}..{:.0f}%", least, most);
  const double ratio = advantage(row, outcome, contestant);
  if (ratio > 0) cells.ratio = ratio_text(ratio);
  return cells;
}

size_t width_of_names(const std::vector<Outcome>& outcomes) {
  size_t width = 0;
  for (const auto& outcome : outcomes) {
    width = std::max(width, outcome.title.size());
    for (const auto& row : outcome.rows) width = std::max(width, row.what.name.size() + 2);
  }
  return width;
}

std::string without_trailing_blanks(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

constexpr size_t kValueWidth = 11, kRatioWidth = 9, kSpreadWidth = 11, kUnitWidth = 6;

size_t width_of_contestant(size_t index) {
  return kValueWidth + (index > 0 ? kRatioWidth : 0) + kSpreadWidth + 2;
}

void add_contest(std::string& text, const Outcome& outcome, size_t name_width) {
  std::string line = fmt::format("{:<{}}  {:<{}}", outcome.title, name_width, "", kUnitWidth);
  for (size_t i = 0; i < outcome.contestants.size(); ++i) {
    line += fmt::format("{:>{}}", outcome.contestants[i], width_of_contestant(i));
  }
  text += '\n' + without_trailing_blanks(line);
  for (const auto& row : outcome.rows) {
    line =
        fmt::format("  {:<{}}  {:<{}}", row.what.name, name_width - 2, row.what.unit, kUnitWidth);
    for (size_t i = 0; i < outcome.contestants.size(); ++i) {
      const auto [value, ratio, spread_text] = cells(row, outcome, i);
      line += fmt::format("  {:>{}}", value, kValueWidth);
      if (i > 0) line += fmt::format("{:>{}}", ratio, kRatioWidth);
      line += fmt::format("{:>{}}", spread_text, kSpreadWidth);
    }
    text += without_trailing_blanks(line);
  }
}

}  // namespace

std::string number_text(double value) {
  const double size = std::abs(value);
  if (!std::isfinite(value)) return std::string(kNothing);
  if (size == 0) return "0";
  if (size < 0.9995) return fmt::format("{:.3g}", value);
  if (size < 9.995) return fmt::format("{:.2f}", value);
  if (size < 99.95) return fmt::format("{:.1f}", value);
  auto digits = fmt::format("{:.0f}", value);
  for (auto i = ptrdiff_t(digits.size()) - 3; i > (value < 0 ? 1 : 0); i -= 3) {
    digits.insert(size_t(i), 1, ',');
  }
  return digits;
}

std::string ratio_text(double ratio) {
  if (ratio < 0.0995) return fmt::format("{:.3f}x", ratio);
  if (ratio < 9.995) return fmt::format("{:.2f}x", ratio);
  return number_text(ratio) + "x";
}

std::string text_table(const std::vector<Outcome>& outcomes, const Conditions& conditions) {
  auto text = fmt::format(
      "memoria-bench {}, {}\n{}\n{}\n"
      "Medians of {} round{}; 2x is twice as good as the first contestant, whatever the unit;\n"
      "the spread is from the least to the most sample, in percent of the median.\n",
      MEMORIA_VERSION, conditions.date, describe(conditions.machine), conditions.command,
      conditions.rounds, conditions.rounds == 1 ? "" : "s");
  const size_t name_width = width_of_names(outcomes);
  for (const auto& outcome : outcomes) add_contest(text, outcome, name_width);
  return text;
}

}  // namespace memoria::bench
