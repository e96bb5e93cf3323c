// SPDX-License-Identifier: MIT
// The file `memoria.toml` of a data directory: the store's options for whoever opens it, by the
// names and in the ranges of store_settings.hpp. It counts more than what is built in and less than
// mount options. Who may not be trusted with the data is not trusted with the file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/store/options.hpp"
#include "fs/settings/store_settings.hpp"

namespace memoria {

inline constexpr uint64_t kMaxSettingsFile = 64 << 10;  ///< bytes

/// Where the file is, for messages.
std::string settings_path(const std::string& data_directory);

/// What the file says of one option.
struct SavedSetting {
  const StoreSetting* setting = nullptr;
  std::string value;  ///< in its range, as StoreSetting::set takes it
};

/// By the order in the text. kInvalidArgument: no TOML, an unknown key, a value of the wrong type
/// or out of range; the message names `path`, the line, key, value and range, and what to do.
Result<std::vector<SavedSetting>> parse_settings(std::string_view text, std::string_view path);

/// All of the file; nothing: there is none. kInvalidArgument: it is no regular file, too large, or
/// somebody may write to it who is neither root, this user, nor the owner of the directory. kIo:
/// it cannot be read.
Result<std::optional<std::string>> read_settings_file(const std::string& data_directory);

/// What the file says; of one that is not there, nothing. Errors of both.
Result<std::vector<SavedSetting>> saved_settings(const std::string& data_directory);
/// Sets that in `options`, which are as they were after an error.
Status load_settings(const std::string& data_directory, Options& options);

}  // namespace memoria
