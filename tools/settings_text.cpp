// SPDX-License-Identifier: MIT
// `config` for people.
#include <fmt/format.h>

#include "fs/control/byte_text.hpp"
#include "fs/control/key_text.hpp"
#include "tools/human_report.hpp"
#include "tools/table.hpp"

namespace memoria::ctl {

std::string settings_text(const Json& result, const Items& settings) {
  using enum Table::Align;
  Table table({kLeft, kLeft, kLeft, kLeft, kLeft, kLeft});
  table.add({"setting", "value", "saved", "range", "change", "meaning"});
  for (const auto& s : settings) {
    const auto saved = text(s, "saved");
    table.add({text(s, "setting"), text(s, "value"), saved.empty() ? "-" : printable(saved),
               text(s, "range"), flag(s, "live") ? "config set" : "mount", text(s, "meaning")});
  }
  auto out = table.text();
  if (const auto problem = get_bytes(result, "problem")) {
    out += fmt::format("\nThe store cannot be mounted until this is put right:\n{}\n",
                       printable(*problem));
  }
  return out;
}

std::string changed_setting_text(const Json& r) {
  const auto setting = text(r, "setting"), was = text(r, "was"), is = text(r, "is");
  const auto saved = text(r, "saved");
  const auto file = get_bytes(r, "file");
  if (!file) return fmt::format("{}: {} (was {})\n", setting, printable(is), printable(was));
  auto out = fmt::format("{}: {}", setting, printable(saved));
  if (is == saved) out += fmt::format(" (was {})", printable(was));
  out += fmt::format(", saved in {}", printable(*file));
  if (!is.empty() && is != saved) {
    out += fmt::format("; it counts from the next mount on, and until then {}", printable(is));
  }
  return out + "\n";
}

}  // namespace memoria::ctl
