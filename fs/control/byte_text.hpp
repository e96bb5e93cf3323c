// SPDX-License-Identifier: MIT
// Bytes that need not be UTF-8 (names, keys) in JSON and as hexadecimal digits.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fs/control/protocol.hpp"
#include "fs/volume/time.hpp"

namespace memoria {

std::string to_hex(std::string_view bytes);
/// Nothing when `digits` is not an even number of hexadecimal digits.
std::optional<std::string> from_hex(std::string_view digits);

bool is_utf8(std::string_view bytes);

/// Sets object[field] to `bytes`; when they are not UTF-8, what can be shown of them, and
/// object[field + "_hex"] to all of them.
void set_bytes(Json& object, const std::string& field, std::string_view bytes);
/// Reads what set_bytes() wrote: nothing when the field is missing or wrong.
std::optional<std::string> get_bytes(const Json& object, const std::string& field);

/// "2025-11-22T20:50:11.123456789Z": exact where a JSON number would lose digits.
std::string iso_time(TimeNs time);

}  // namespace memoria
