// SPDX-License-Identifier: MIT
// The store's options by name: as mount options, in the file memoria.toml, and where they can be
// changed while the store is mounted. One table for all, so that a key means the same, and has the
// same range, wherever it is given.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/store/options.hpp"

namespace memoria {

struct StoreSetting {
  /// How a value is written where there are types: the text that set() takes is always right.
  enum class Form { kText, kInteger, kReal, kSwitch };

  std::string_view key;
  std::string_view range;    ///< of the value, in words
  std::string_view written;  ///< how it is written; empty where the range says so
  std::string_view meaning;
  Form form;
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

/// The setting whose name is nearly `key`, capitals and dashes aside; nothing: none is near.
const StoreSetting* nearest_store_setting(std::string_view key);
/// Range and form of the value, for a message that says what it must be.
std::string describe_values(const StoreSetting& setting);

/// Changes one setting in `options`, and returns which. kInvalidArgument: there is no such key, or
/// the value is out of range; the message names key, value and range,
/// or the setting that may be meant.
Result<const StoreSetting*> change_option(std::string_view key, std::string_view value,
                                          Options& options);
/// The same for a store that is open. kInvalidArgument: there is no such key, the value is out of
/// range, or it cannot be changed while the store is open.
Status change_live_setting(std::string_view key, std::string_view value, Options& options);

}  // namespace memoria
