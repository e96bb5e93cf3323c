// SPDX-License-Identifier: MIT
#include "fs/volume/time.hpp"

namespace memoria {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;
/// As the wrapping number that it is stored as.
constexpr auto kEarliest = static_cast<uint64_t>(kEarliestSecond) * kNsPerSecond;

}  // namespace

TimeNs to_time_ns(const timespec& time) {
  if (time.tv_sec < kEarliestSecond) return static_cast<TimeNs>(kEarliest);
  const bool too_late = time.tv_sec > kLatestSecond;
  const auto seconds = static_cast<uint64_t>(too_late ? kLatestSecond : time.tv_sec);
  const auto rest = too_late ? kNsPerSecond - 1 : static_cast<uint64_t>(time.tv_nsec);
  return static_cast<TimeNs>(seconds * kNsPerSecond + rest);
}

timespec to_timespec(TimeNs time) {
  const uint64_t since_earliest = static_cast<uint64_t>(time) - kEarliest;
  return {.tv_sec = kEarliestSecond + static_cast<int64_t>(since_earliest / kNsPerSecond),
          .tv_nsec = static_cast<int64_t>(since_earliest % kNsPerSecond)};
}

}  // namespace memoria
