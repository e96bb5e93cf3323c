// SPDX-License-Identifier: MIT
// `snapshot` for people.
#include <fmt/format.h>

#include "fs/control/byte_text.hpp"
#include "fs/control/key_text.hpp"
#include "tools/human_report.hpp"
#include "tools/table.hpp"
#include "tools/units.hpp"

namespace memoria::ctl {
namespace {

std::string path_text(const Json& item, const char* field) {
  const bool directory = text(item, "type") == "directory";
  return printable(get_bytes(item, field).value_or("")) + (directory ? "/" : "");
}

/// " (contents, attributes)"; nothing when neither changed.
std::string what_changed(const Json& item) {
  std::string out;
  const auto add = [&](const char* field, const char* word) {
    if (flag(item, field)) out += fmt::format("{}{}", out.empty() ? " (" : ", ", word);
  };
  add("contents", "contents");
  add("attributes", "attributes");
  add("unreadable", "cannot be read: run memoria-ctl verify");
  return out.empty() ? out : out + ")";
}

/// How a version relates to the one before it.
std::string version_text(const Json& version, bool first) {
  if (const auto error = text(version, "error"); !error.empty()) return printable(error);
  if (!flag(version, "exists")) return flag(version, "differs") ? "removed" : "";
  if (!flag(version, "differs")) return first ? "" : "the same";
  if (!version.contains("contents")) return "new";
  if (!flag(version, "contents"))
    return flag(version, "attributes") ? "attributes" : "another type";
  return flag(version, "attributes") ? "contents, attributes" : "contents";
}

}  // namespace

std::string change_line(const Json& change) {
  const auto word = text(change, "change");
  auto line = fmt::format("{:<8} ", word);
  if (word == "renamed") line += path_text(change, "old_path") + " -> ";
  return line + path_text(change, "path") + what_changed(change) + "\n";
}

std::string diff_text(const Json& r) {
  const auto all =
      number(r, "added") + number(r, "removed") + number(r, "changed") + number(r, "renamed");
  return all == 0 ? "no differences\n" : "";
}

std::string rolled_back_text(const Json& r) {
  auto out =
      fmt::format("the present is now what {} is", printable(get_bytes(r, "name").value_or("")));
  const auto kept = get_bytes(r, "kept");
  return out + (kept ? fmt::format("; what it was is the snapshot {}\n", printable(*kept)) : "\n");
}

std::string history_text(const Items& versions) {
  using enum Table::Align;
  Table table({kLeft, kRight, kLeft, kLeft, kLeft});
  table.add({"changed", "size", "version", "of", "difference to the one before"});
  bool first = true;
  for (const auto& v : versions) {
    const auto name = get_bytes(v, "snapshot");
    const bool exists = flag(v, "exists");
    table.add({exists ? format_local_time(text(v, "mtime")) : "-",
               exists ? format_bytes(double(number(v, "size"))) : "-",
               name                ? printable(*name)
               : flag(v, "backup") ? "the backup"
                                   : "the present",
               v.contains("created") ? format_local_time(text(v, "created"))
               : name                ? "-"
                                     : "now",
               version_text(v, first)});
    first = false;
  }
  return table.text();
}

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
    const auto name = printable(get_bytes(s, "name").value_or(""));
    if (flag(s, "damaged")) {
      table.add({"-", "-", "-", name + "  (damaged: its manifest cannot be read)"});
      continue;
    }
    table.add({format_local_time(text(s, "created")), format_bytes(double(number(s, "bytes"))),
               format_bytes(double(number(s, "own_bytes"))), name});
  }
  return table.text();
}

}  // namespace memoria::ctl
