// SPDX-License-Identifier: MIT
// The store's options by name: as mount options, and where they can be changed while it is mounted.
// One table for all, so that a key means the same, and has the same range, wherever it is given.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/store/options.hpp"

namespace memoria {

struct StoreSetting {
  std::string_view key;
  std::string_view range;  ///< of the value, in words
  std::string_view meaning;
  bool live;  ///< can be changed while the store is open (Store::change_settings)
  /// False: the value is not in the range; `options` is as it was.
  bool (*set)(std::string_view value, Options& options);
  /// The value in `options`, as set() takes it.
  std::string (*get)(const Options& options);
};

/// By the order in which they are explained.
std::span<const StoreSetting> store_settings();
/// Nothing: there is none of this name.
const StoreSetting* find_store_setting(std::string_view key);

/// Changes one setting in `options`. kInvalidArgument: there is no such key, it cannot be changed
/// while the store is open, or the value is out of range; the message names key, value and range.
Status change_live_setting(std::string_view key, std::string_view value, Options& options);

}  // namespace memoria
