// SPDX-License-Identifier: MIT
#include "fs/settings/toml_entries.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

namespace memoria {
namespace {

constexpr size_t kShown = 80;  // bytes of a line in a message
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// Where the line begins, or the end of the text.
size_t line_begin(std::string_view text, size_t line) {
  size_t at = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  for (; line > 1; --line) {
    const auto end = text.find('\n', at);
    if (end == std::string_view::npos) return text.size();
    at = end + 1;
  }
  return at;
}

/// The byte of a position, whose column counts code points from 1.
size_t offset(std::string_view text, const toml::source_position& position) {
  size_t at = line_begin(text, position.line);
  for (auto left = position.column; left > 1 && at < text.size(); --left) {
    do {
      ++at;
    } while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80);
  }
  return at;
}

std::string printable(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(
      out, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return out;
}

/// The plain key that the line sets, or "".
std::string_view key_of_line(std::string_view line) {
  const auto begin = line.find_first_not_of(" \t\"'");
  if (begin == std::string_view::npos || line[begin] == '#') return {};
  line.remove_prefix(begin);
  const auto end = line.find_first_of(" \t\"'=");
  const auto equals = line.find('=');
  return end == std::string_view::npos || equals == std::string_view::npos ? std::string_view()
                                                                           : line.substr(0, end);
}

/// Of the lines before this one the first that sets the same key; 0: there is none.
size_t earlier_line(std::string_view text, size_t line) {
  const auto wanted = shown_line(text, line);
  const auto key = key_of_line(wanted);
  for (size_t before = 1; !key.empty() && before < line; ++before) {
    if (key_of_line(shown_line(text, before)) == key) return before;
  }
  return 0;
}

Error no_toml(std::string_view text, std::string_view path, const toml::parse_error& error) {
  const size_t line = error.source().begin.line;
  const auto shown = shown_line(text, line);
  if (const auto before = earlier_line(text, line);
      before > 0 && error.description().find("redefine") != std::string_view::npos) {
    return Error(Errc::kInvalidArgument,
                 fmt::format("{}, line {}: {}: '{}' stands in line {} already; keep one of the two",
                             path, line, shown, key_of_line(shown), before));
  }
  return Error(Errc::kInvalidArgument,
               fmt::format("{}, line {}: {}: this is no TOML: {}; correct the line or remove it",
                           path, line, shown, printable(error.description())));
}

TomlEntry entry_of(std::string_view text, std::string_view key, const toml::node& node) {
  using Kind = TomlEntry::Kind;
  TomlEntry entry;
  entry.key = key;
  entry.line = node.source().begin.line;
  entry.begin = offset(text, node.source().begin);
  entry.end = offset(text, node.source().end);
  if (const auto* string = node.as_string()) {
    entry.kind = Kind::kString;
    entry.value = string->get();
  } else if (const auto* integer = node.as_integer()) {
    entry.kind = Kind::kInteger;
    entry.value = fmt::format("{}", integer->get());
  } else if (const auto* real = node.as_floating_point()) {
    entry.kind = Kind::kReal;
    entry.value = fmt::format("{}", real->get());
  } else if (const auto* boolean = node.as_boolean()) {
    entry.kind = Kind::kBoolean;
    entry.value = boolean->get() ? "true" : "false";
  }
  return entry;
}

}  // namespace

Result<std::vector<TomlEntry>> read_toml(std::string_view text, std::string_view path) {
  std::vector<TomlEntry> entries;
  try {
    const auto table = toml::parse(text, path);
    for (auto&& [key, node] : table) entries.push_back(entry_of(text, key.str(), node));
  } catch (const toml::parse_error& error) {  // the library of Debian tells in no other way
    return no_toml(text, path, error);
  }
  std::ranges::sort(entries, {}, &TomlEntry::begin);
  return entries;
}

std::string shown_line(std::string_view text, size_t line) {
  text.remove_prefix(line_begin(text, line));
  text = text.substr(0, text.find('\n'));
  const auto begin = std::min(text.find_first_not_of(" \t\r"), text.size());
  text.remove_prefix(begin);
  text = text.substr(0, text.find_last_not_of(" \t\r") + 1);
  return printable(text.size() > kShown ? fmt::format("{}...", text.substr(0, kShown))
                                        : std::string(text));
}

}  // namespace memoria
