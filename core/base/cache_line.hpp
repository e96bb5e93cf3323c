// SPDX-License-Identifier: MIT
// How far apart data lies that different threads write.
#pragma once

#include <cstddef>

namespace memoria {

/// As an alignment: what one thread writes then shares no cache line with what others read, for
/// which these would wait each time. Two lines, since processors fetch them in pairs.
/// (std::hardware_destructive_interference_size is one, and GCC warns of its use in headers.)
constexpr size_t kApart = 128;

}  // namespace memoria
