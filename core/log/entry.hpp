// SPDX-License-Identifier: MIT
// What the key directory must know of a record: the common currency of scan, hint and recovery.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/log/record.hpp"

namespace memoria {

/// The generation of a damaged piece, whose own bytes say nothing that can be believed. Not on
/// disk: a damaged segment has no hint.
inline constexpr uint64_t kUnknownGeneration = ~uint64_t{0};

struct Entry {
  Record record;               ///< `key` lives as long as the source says
  uint32_t record_offset = 0;  ///< in the segment file
  bool is_inline = false;      ///< `value` is the whole value, verified
  std::string_view value;
};

}  // namespace memoria
