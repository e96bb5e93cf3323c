// SPDX-License-Identifier: MIT
// Moments, as an inode keeps them and as system calls give them.
#pragma once

#include <cstdint>
#include <ctime>

namespace memoria {

/// Nanoseconds since 1970 in 64 bits that wrap around: what would be before kEarliestSecond is the
/// time 2^64 ns later. So 64 bits reach from 1901 to 2486, the range of XFS's big timestamps, and
/// past ext4's, which ends in 2446. Everything from 1901 to 2262 is its own number.
using TimeNs = int64_t;

inline constexpr int64_t kEarliestSecond = INT32_MIN;  ///< 1901-12-13 20:45:52 UTC
/// 2486-07-02 20:20:24 UTC; the last whole second.
inline constexpr int64_t kLatestSecond =
    kEarliestSecond + static_cast<int64_t>(UINT64_MAX / 1'000'000'000) - 1;

/// A time out of the range becomes the nearest one in it, as with the kernel's own filesystems.
TimeNs to_time_ns(const timespec& time);

timespec to_timespec(TimeNs time);

}  // namespace memoria
