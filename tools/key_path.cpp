// SPDX-License-Identifier: MIT
#include "tools/key_path.hpp"

#include <fmt/format.h>

namespace memoria::ctl {
namespace {

/// Leaves room for a mark of two bytes in a name of 255.
constexpr size_t kMostNameBytes = 250;

/// What stands between two slashes, as one name or, when it is too long, several.
void append_names(std::string& path, std::string_view piece) {
  if (piece.empty()) path += "%_";
  const bool only_dots = piece == "." || piece == "..";
  size_t length = 0;  // of the name so far
  for (const char c : piece) {
    const bool is_escaped = c == '\0' || c == '%' || only_dots;
    const size_t size = is_escaped ? 3 : 1;
    if (length + size > kMostNameBytes) {
      path += "%-/";
      length = 0;
    }
    path += is_escaped ? fmt::format("%{:02X}", uint8_t(c)) : std::string(1, c);
    length += size;
  }
}

/// Before the last rule. Nothing when it is too long.
std::optional<std::string> plain_path(std::string_view key) {
  std::string path;
  if (key.size() > kMostPathBytes) return std::nullopt;  // no key has a shorter path
  while (true) {
    const auto slash = key.find('/');
    append_names(path, key.substr(0, slash));
    if (slash == key.npos) break;
    path += '/';
    key.remove_prefix(slash + 1);
  }
  if (path.size() > kMostPathBytes) return std::nullopt;
  return path;
}

}  // namespace

void KeyPaths::add(std::string_view key) {
  const auto path = plain_path(key);
  if (!path) return;
  for (auto slash = path->rfind('/'); slash != path->npos; slash = path->rfind('/', slash - 1)) {
    // What is above it is there already, too.
    if (!directories_.insert(path->substr(0, slash)).second) break;
  }
}

std::optional<std::string> KeyPaths::path_of(std::string_view key) const {
  auto path = plain_path(key);
  if (path && directories_.contains(*path)) *path += "%=";
  return path;
}

}  // namespace memoria::ctl
