// SPDX-License-Identifier: MIT
// `snapshot` for people.
#include <fmt/format.h>

#include "fs/control/byte_text.hpp"
#include "fs/control/key_text.hpp"
#include "tools/human_report.hpp"
#include "tools/table.hpp"
#include "tools/units.hpp"

namespace memoria::ctl {

std::string created_snapshot_text(const Json& r) {
  return fmt::format("{}: {} in {}\n", printable(get_bytes(r, "name").value_or("")),
                     format_bytes(double(number(r, "bytes"))),
                     format_many(number(r, "segments"), "segment", "segments"));
}

std::string snapshots_text(const Items& snapshots) {
  if (snapshots.empty()) return "no snapshots\n";
  using enum Table::Align;
  Table table({kLeft, kRight, kRight, kLeft});
  table.add({"made", "size", "only there", "name"});
  for (const auto& s : snapshots) {
    auto name = printable(get_bytes(s, "name").value_or(""));
    if (flag(s, "damaged")) name += "  (damaged: its manifest cannot be read)";
    table.add({format_local_time(text(s, "created")), format_bytes(double(number(s, "bytes"))),
               format_bytes(double(number(s, "own_bytes"))), name});
  }
  return table.text();
}

}  // namespace memoria::ctl
