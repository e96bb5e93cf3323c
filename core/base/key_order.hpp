// SPDX-License-Identifier: MIT
// What keys have in common, and what mostly tells their order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "core/base/coding.hpp"

namespace memoria {

/// With how many equal bytes they begin.
inline size_t common_prefix(std::string_view a, std::string_view b) {
  return size_t(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

/// The 8 bytes behind the first `skipped`, as a number. Of keys that have those in common, the one
/// with the smaller number comes first; where numbers are equal, the keys themselves must tell.
inline uint64_t head_behind(std::string_view key, size_t skipped) {
  char raw[8] = {};
  if (key.size() > skipped) key.substr(skipped).copy(raw, sizeof raw);
  return load_be64(raw);
}

}  // namespace memoria
