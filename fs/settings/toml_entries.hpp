// SPDX-License-Identifier: MIT
// The keys at the top of a TOML document and where their values stand, so that a value can be
// judged with its line, and replaced with all around it left as it is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace memoria {

struct TomlEntry {
  enum class Kind { kString, kInteger, kReal, kBoolean, kOther };

  std::string key;
  Kind kind = Kind::kOther;
  std::string value;          ///< without quotes; empty for kOther: tables, lists, dates
  size_t line = 0;            ///< from 1
  size_t begin = 0, end = 0;  ///< the bytes of the value in the text
};

/// By the order in the text. kInvalidArgument: no TOML, or a key occurs twice; the message names
/// `path` and the line.
Result<std::vector<TomlEntry>> read_toml(std::string_view text, std::string_view path);

/// A line of the text (from 1) for messages: without blanks around it, short and ASCII.
std::string shown_line(std::string_view text, size_t line);

}  // namespace memoria
