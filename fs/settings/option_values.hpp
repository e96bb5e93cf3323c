// SPDX-License-Identifier: MIT
// Values of mount options, from text. Each gives nothing when the text is not such a value or is
// out of range.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace memoria {

std::optional<uint64_t> parse_number(std::string_view text, uint64_t low, uint64_t high);
std::optional<double> parse_real(std::string_view text, double low, double high);
/// Bytes: "65536", "64K", "16M", "1G" (powers of 1024).
std::optional<uint64_t> parse_bytes(std::string_view text, uint64_t low, uint64_t high);
/// Seconds with a fraction, as milliseconds.
std::optional<std::chrono::milliseconds> parse_seconds(std::string_view text, double low,
                                                       double high);

/// How many letters must change to make one of the other.
size_t edit_distance(std::string_view a, std::string_view b);
/// Whether who typed `word` may have meant a word at that distance.
constexpr bool is_slip(size_t distance, std::string_view word) {
  return distance * 3 <= word.size();
}

}  // namespace memoria
