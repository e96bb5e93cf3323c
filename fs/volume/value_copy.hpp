// SPDX-License-Identifier: MIT
// Copies a value as far as it can be read.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/store/store.hpp"

namespace memoria {

struct LostRange {
  uint64_t offset = 0, length = 0;
};

/// Makes `key` of `to` what it is in `from`; holes stay holes. Exactly the ranges that cannot be
/// read become holes and are returned, in order. `copied` is told of bytes; false stops
/// (kCancelled).
Result<std::vector<LostRange>> copy_value(const Store& from, Store& to, std::string_view key,
                                          const std::function<bool(uint64_t)>& copied);

}  // namespace memoria
