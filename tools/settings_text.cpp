// SPDX-License-Identifier: MIT
// `config` for people.
#include <fmt/format.h>

#include "fs/control/key_text.hpp"
#include "tools/human_report.hpp"
#include "tools/table.hpp"

namespace memoria::ctl {

std::string settings_text(const Items& settings) {
  using enum Table::Align;
  Table table({kLeft, kLeft, kLeft, kLeft, kLeft});
  table.add({"setting", "value", "range", "change", "meaning"});
  for (const auto& s : settings) {
    table.add({text(s, "setting"), text(s, "value"), text(s, "range"),
               flag(s, "live") ? "config set" : "mount", text(s, "meaning")});
  }
  return table.text();
}

std::string changed_setting_text(const Json& r) {
  return fmt::format("{}: {} (was {})\n", text(r, "setting"), printable(text(r, "is")),
                     printable(text(r, "was")));
}

}  // namespace memoria::ctl
