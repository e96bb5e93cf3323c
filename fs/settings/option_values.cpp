// SPDX-License-Identifier: MIT
#include "fs/settings/option_values.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

namespace memoria {
namespace {

template <class T>
std::optional<T> parse_all(std::string_view text) {
  T value{};
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

template <class T>
std::optional<T> in_range(std::optional<T> value, T low, T high) {
  return value && *value >= low && *value <= high ? value : std::nullopt;
}

}  // namespace

std::optional<uint64_t> parse_number(std::string_view text, uint64_t low, uint64_t high) {
  return in_range(parse_all<uint64_t>(text), low, high);
}

std::optional<double> parse_real(std::string_view text, double low, double high) {
  return in_range(parse_all<double>(text), low, high);  // NaN is in no range
}

std::optional<uint64_t> parse_bytes(std::string_view text, uint64_t low, uint64_t high) {
  constexpr std::string_view kUnits = "KMGT";
  int shift = 0;
  if (!text.empty()) {
    const auto unit = kUnits.find(static_cast<char>(std::toupper(text.back())));
    if (unit != std::string_view::npos) {
      shift = 10 * (static_cast<int>(unit) + 1);
      text.remove_suffix(1);
    }
  }
  const auto count = parse_all<uint64_t>(text);
  if (!count || *count > UINT64_MAX >> shift) return std::nullopt;
  return in_range(std::optional(*count << shift), low, high);
}

std::optional<std::chrono::milliseconds> parse_seconds(std::string_view text, double low,
                                                       double high) {
  const auto seconds = parse_real(text, low, high);
  if (!seconds) return std::nullopt;
  return std::chrono::milliseconds(std::llround(*seconds * 1000));
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace memoria
