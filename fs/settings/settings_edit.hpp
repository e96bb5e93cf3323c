// SPDX-License-Identifier: MIT
// Changes one setting in the file `memoria.toml` and leaves the rest of it as it is, comments too.
#pragma once

#include <string>
#include <string_view>

#include "fs/settings/settings_file.hpp"

namespace memoria {

/// The text with this value (in the setting's range, as StoreSetting::set takes it) in place of the
/// one that it has; or else on a line of its own: behind the one that has it commented out, or at
/// the end. kInvalidArgument: what is there is no valid file, but for the value that is replaced.
Result<std::string> with_setting(std::string_view text, std::string_view path,
                                 const StoreSetting& setting, std::string_view value);

/// Does that to the file of a data directory, which is made when there is none. Atomic, and durable
/// when it returns; after an error the file is as it was. Any number of threads and processes.
/// kInvalidArgument as above and as read_settings_file() says; kNoSpace, kReadOnly, kIo.
Status save_setting(const std::string& data_directory, const StoreSetting& setting,
                    std::string_view value);

}  // namespace memoria
