// SPDX-License-Identifier: MIT
// The file in a data directory that is the programs' own: the engine neither reads it nor takes it
// for something foreign, and a backup takes it along.
#pragma once

#include <string_view>

namespace memoria {

inline constexpr std::string_view kSettingsFile = "memoria.toml";

}  // namespace memoria
