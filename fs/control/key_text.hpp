// SPDX-License-Identifier: MIT
// Keys in words.
#pragma once

#include <string>
#include <string_view>

namespace memoria {

/// Names and keys for people: printable UTF-8 as it is, everything else as \n, \t, \\ or \xNN, so
/// that it can do no harm to a terminal.
std::string printable(std::string_view bytes);

/// What a key of a volume is for: "contents of inode 12", "name \"a\" in directory 1". Keys of no
/// known form: printable().
std::string describe_volume_key(std::string_view key);

}  // namespace memoria
