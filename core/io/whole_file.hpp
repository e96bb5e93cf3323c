// SPDX-License-Identifier: MIT
// Files that are read and replaced as a whole: hints, manifests, settings.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/io/environment.hpp"

namespace memoria {

/// What replace_file() writes has this behind its name until it is complete; a leftover after a
/// crash.
inline constexpr std::string_view kTemporarySuffix = ".tmp";

/// All of a file. kNotFound; kTooLarge above `limit` bytes, before memory is taken for it.
Result<std::string> read_file(Environment& environment, std::string_view name, uint64_t limit);

/// As Environment::remove(), and no error when there is none.
Status remove_if_there(Environment& environment, std::string_view name);

/// Gives `name` these contents: after a crash it has the old ones or the new ones. The contents are
/// durable when it returns, the name with the next sync_directory(). One caller for a name at a
/// time.
Status replace_file(Environment& environment, std::string_view name, std::string_view contents);

/// Takes what comes next of a file.
using AppendPart = std::function<Status(std::string_view part)>;
/// The same with contents that `produce` appends part by part. Its errors are passed on, and the
/// file then stays as it was.
Status replace_file(Environment& environment, std::string_view name,
                    const std::function<Status(const AppendPart& append)>& produce);

}  // namespace memoria
