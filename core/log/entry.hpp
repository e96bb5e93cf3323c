// SPDX-License-Identifier: MIT
// What the key directory must know of a record: the common currency of scan, hint and recovery.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/log/record.hpp"

namespace memoria {

struct Entry {
  Record record;               ///< `key` lives as long as the source says
  uint32_t record_offset = 0;  ///< in the segment file
  bool is_inline = false;      ///< `value` is the whole value, verified
  std::string_view value;
};

}  // namespace memoria
