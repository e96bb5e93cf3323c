// SPDX-License-Identifier: MIT
#include "tools/units.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <ctime>
#include <optional>

namespace memoria::ctl {

std::string format_bytes(double bytes) {
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  size_t unit = 0;
  // From 999.5 on a number would round to four digits.
  while (bytes >= 999.5 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  if (unit == 0) return fmt::format("{:.0f} B", bytes);
  const int digits = bytes < 9.995 ? 2 : bytes < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", bytes, digits, kUnits[unit]);
}

std::string format_count(uint64_t n) {
  auto digits = std::to_string(n);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string format_share(double part, double whole) {
  if (whole <= 0) return "0 %";
  const double percent = 100 * part / whole;
  return fmt::format("{:.{}f} %", percent, percent > 0 && percent < 99.95 ? 1 : 0);
}

std::string format_duration(std::chrono::nanoseconds duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (seconds < 0.001) return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.{}f} ms", seconds * 1e3, seconds < 0.1 ? 1 : 0);
  if (seconds < 60) return fmt::format("{:.{}f} s", seconds, seconds < 10 ? 1 : 0);
  const auto whole = uint64_t(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

namespace {

std::optional<time_t> parse_time(std::string_view iso_time) {
  std::tm utc{};
  if (strptime(std::string(iso_time).c_str(), "%Y-%m-%dT%H:%M:%S", &utc) == nullptr) {
    return std::nullopt;
  }
  return timegm(&utc);
}

}  // namespace

std::string format_local_time(std::string_view iso_time) {
  const auto time = parse_time(iso_time);
  if (!time) return std::string(iso_time);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(*time));
}

uint64_t seconds_since_epoch(std::string_view iso_time) {
  return uint64_t(parse_time(iso_time).value_or(0));
}

std::string format_many(uint64_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", format_count(n), n == 1 ? one : many);
}

}  // namespace memoria::ctl
