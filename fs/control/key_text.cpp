// SPDX-License-Identifier: MIT
#include "fs/control/key_text.hpp"

#include <fmt/format.h>

#include "core/base/coding.hpp"
#include "fs/control/byte_text.hpp"

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
  constexpr size_t kNumbered = 9;  // a letter and an inode number
  if (key == "S") return "superblock";
  if (key.size() < kNumbered) return printable(key);
  const auto inode = load_be64(key.data() + 1);
  const auto rest = key.substr(kNumbered);
  switch (key.front()) {
    case 'N':
      if (rest.empty()) break;
      return fmt::format("name \"{}\" in directory {}", printable(rest), inode);
    case 'X':
      if (rest.empty()) break;
      return fmt::format("attribute {} of inode {}", printable(rest), inode);
    case 'I':
      if (!rest.empty()) break;
      return fmt::format("inode {}", inode);
    case 'C':
      if (!rest.empty()) break;
      return fmt::format("contents of inode {}", inode);
    case 'O':
      if (!rest.empty()) break;
      return fmt::format("orphan {}", inode);
    default:
      break;
  }
  return printable(key);
}

}  // namespace memoria
