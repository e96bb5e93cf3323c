// SPDX-License-Identifier: MIT
#include "fs/control/key_text.hpp"

#include <fmt/format.h>

#include "fs/control/byte_text.hpp"
#include "fs/volume/keys.hpp"

namespace memoria {

std::string printable(std::string_view bytes) {
  const bool utf8 = is_utf8(bytes);
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    const auto byte = uint8_t(c);
    // U+0080 to U+009F are control characters, too.
    const bool c1 = utf8 && byte == 0xc2 && uint8_t(bytes[i + 1]) < 0xa0;
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\\') {
      out += "\\\\";
    } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8)) {
      out += fmt::format("\\x{:02x}", byte);
    } else if (c1) {
      out += fmt::format("\\x{:02x}\\x{:02x}", byte, uint8_t(bytes[++i]));
    } else {
      out += c;
    }
  }
  return out;
}

std::string describe_volume_key(std::string_view key) {
  if (key == Key(Table::kSuperblock)) return "superblock";
  if (key.size() < Key::kPrefix) return printable(key);
  const auto inode = inode_in_key(key);
  const auto name = name_in_key(key);
  const auto table = Table(key.front());
  if (!name.empty()) {
    if (table == Table::kNames) {
      return fmt::format("name \"{}\" in directory {}", printable(name), inode);
    }
    if (table == Table::kXattrs) {
      return fmt::format("attribute {} of inode {}", printable(name), inode);
    }
    return printable(key);
  }
  switch (table) {
    case Table::kInodes:
      return fmt::format("inode {}", inode);
    case Table::kContents:
      return fmt::format("contents of inode {}", inode);
    case Table::kOrphans:
      return fmt::format("orphan {}", inode);
    case Table::kGrowing:
      return fmt::format("unfinished tree {}", inode);
    case Table::kSuperblock:
    case Table::kNames:
    case Table::kXattrs:
      break;
  }
  return printable(key);
}

}  // namespace memoria
