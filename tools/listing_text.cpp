// SPDX-License-Identifier: MIT
// `ls` for people.
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

#include <algorithm>

#include "fs/control/byte_text.hpp"
#include "fs/control/key_text.hpp"
#include "tools/human_report.hpp"
#include "tools/table.hpp"
#include "tools/units.hpp"

namespace memoria::ctl {
namespace {

char type_letter(const std::string& type) {
  if (type == "directory") return 'd';
  if (type == "symlink") return 'l';
  if (type == "fifo") return 'p';
  if (type == "socket") return 's';
  if (type == "char-device") return 'c';
  if (type == "block-device") return 'b';
  return '-';
}

/// "drwxr-xr-x", with s, S, t and T as ls has them.
std::string mode_text(char type, uint64_t mode) {
  std::string out(1, type);
  for (int shift = 6; shift >= 0; shift -= 3) {
    const auto bits = mode >> shift;
    out += (bits & 4) != 0 ? 'r' : '-';
    out += (bits & 2) != 0 ? 'w' : '-';
    out += (bits & 1) != 0 ? 'x' : '-';
  }
  const auto mark = [&](uint64_t bit, size_t at, char set, char set_without_x) {
    if ((mode & bit) != 0) out[at] = out[at] == 'x' ? set : set_without_x;
  };
  mark(04000, 3, 's', 'S');
  mark(02000, 6, 's', 'S');
  mark(01000, 9, 't', 'T');
  return out;
}

std::string user_name(uint64_t uid) {
  const auto* entry = getpwuid(uid_t(uid));
  return entry != nullptr ? entry->pw_name : std::to_string(uid);
}
std::string group_name(uint64_t gid) {
  const auto* entry = getgrgid(gid_t(gid));
  return entry != nullptr ? entry->gr_name : std::to_string(gid);
}

std::vector<std::string> file_attributes(const Json& item) {
  return {mode_text(type_letter(text(item, "type")), number(item, "mode")),
          std::to_string(number(item, "links")),
          user_name(number(item, "uid")),
          group_name(number(item, "gid")),
          std::to_string(number(item, "size")),
          format_local_time(text(item, "mtime"))};
}

}  // namespace

void Listing::add(const Json& item) {
  Row row;
  const auto key = get_bytes(item, "key");
  row.name = printable(key ? *key : get_bytes(item, "name").value_or(""));
  if (const auto what = memoria::ctl::text(item, "what"); !what.empty()) row.name = what;
  if (long_format_ && key) {
    row.attributes = {std::to_string(number(item, "size")),
                      format_local_time(memoria::ctl::text(item, "time"))};
  } else if (long_format_) {
    row.attributes = file_attributes(item);
    if (const auto target = get_bytes(item, "target")) row.name += " -> " + printable(*target);
  }
  rows_.push_back(std::move(row));
}

std::string Listing::text() {
  std::stable_sort(rows_.begin(), rows_.end(),
                   [](const Row& a, const Row& b) { return a.name < b.name; });
  std::string out;
  if (!long_format_) {
    for (const auto& row : rows_) out += row.name + "\n";
    return out;
  }
  using enum Table::Align;
  const bool keys = !rows_.empty() && rows_.front().attributes.size() == 2;
  Table table(keys ? std::vector{kRight, kLeft, kLeft}
                   : std::vector{kLeft, kRight, kLeft, kLeft, kRight, kLeft, kLeft});
  for (auto& row : rows_) {
    row.attributes.push_back(std::move(row.name));
    table.add(std::move(row.attributes));
  }
  return table.text();
}

}  // namespace memoria::ctl
