// SPDX-License-Identifier: MIT
// What carrying a store somewhere came to, for people.
#include <fmt/format.h>

#include "tools/human_report.hpp"
#include "tools/units.hpp"

namespace memoria::ctl {
namespace {

std::string copied_text(Verb verb, const Json& r) {
  auto out = fmt::format("{} of {} in {}: {} copied, {}",
                         verb == Verb::kBackup ? "backup" : "restored store",
                         format_bytes(double(number(r, "bytes"))),
                         format_many(number(r, "segments"), "segment", "segments"),
                         format_many(number(r, "copied_segments"), "segment", "segments"),
                         format_bytes(double(number(r, "copied_bytes"))));
  if (const auto removed = number(r, "removed_segments"); removed > 0) {
    out += fmt::format(", {} removed", format_count(removed));
  }
  if (const auto snapshots = number(r, "snapshots"); snapshots > 0) {
    out += fmt::format(", {}", format_many(snapshots, "snapshot", "snapshots"));
  }
  return out + "\n";
}

}  // namespace

std::string carried_text(Verb verb, const Json& result, const Items& items) {
  auto out = copied_text(verb, result);
  if (items.empty()) return out;
  out += fmt::format("{}; the copy cannot read this either:\n",
                     format_many(items.size(), "damaged place", "damaged places"));
  for (const auto& damage : items) out += damage_line(damage);
  return out;
}

}  // namespace memoria::ctl
