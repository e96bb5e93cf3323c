// SPDX-License-Identifier: MIT
// `locate` for people.
#include <fmt/format.h>

#include "tools/human_report.hpp"
#include "tools/table.hpp"
#include "tools/units.hpp"

namespace memoria::ctl {
namespace {

std::string key_text(const Json& key) {
  Table table({Table::Align::kLeft, Table::Align::kLeft});
  table.add({"key", text(key, "key")});
  table.add({"in hexadecimal", text(key, "key_hex")});
  table.add(
      {"size", fmt::format("{} bytes, {} of them not holes", format_count(number(key, "size")),
                           format_count(number(key, "allocated")))});
  table.add({"changed", text(key, "time")});
  return table.text();
}

std::string extent_table(const Items& extents, const std::string& of) {
  using enum Table::Align;
  Table table({kRight, kRight, kLeft, kRight, kRight, kLeft, kLeft});
  table.add({"offset", "length", "file", "record at", "record size", "written", ""});
  bool any = false;
  for (const auto& e : extents) {
    if (text(e, "of") != of) continue;
    any = true;
    table.add({std::to_string(number(e, "offset")), std::to_string(number(e, "length")),
               text(e, "file"), std::to_string(number(e, "record_offset")),
               std::to_string(number(e, "record_length")), text(e, "time"),
               flag(e, "readable") ? "" : "DAMAGED"});
  }
  return any ? table.text(2) : "  no bytes on the disk\n";
}

}  // namespace

std::string locate_text(const Json& result, const Items& extents) {
  std::string out;
  for (const auto& key : result.value("keys", Json::array())) {
    if (!out.empty()) out += '\n';
    out += key_text(key) + extent_table(extents, text(key, "of"));
  }
  return out;
}

}  // namespace memoria::ctl
