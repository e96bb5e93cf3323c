// SPDX-License-Identifier: MIT
// Numbers for people.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace memoria::ctl {

/// "0 B", "999 B", "1.5 KiB", "312 MiB": binary units, three digits.
std::string format_bytes(double bytes);
/// "1,234,567".
std::string format_count(uint64_t n);
/// "17.5 %"; "0 %" when there is no whole.
std::string format_share(double part, double whole);
/// "850 us", "12.3 ms", "4.2 s", "3 min 20 s", "2 h 5 min".
std::string format_duration(std::chrono::nanoseconds duration);
/// "2025-11-22 20:50:11" in local time, of "2025-11-22T19:50:11.123456789Z".
std::string format_local_time(std::string_view iso_time);
/// Of the same text; 0 when it is none.
uint64_t seconds_since_epoch(std::string_view iso_time);
/// "1 file", "20,113 files".
std::string format_many(uint64_t n, std::string_view one, std::string_view many);

}  // namespace memoria::ctl
