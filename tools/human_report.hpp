// SPDX-License-Identifier: MIT
// Inside the human report: one printer per command.
#pragma once

#include <string>
#include <vector>

#include "fs/control/protocol.hpp"
#include "tools/command_line.hpp"

namespace memoria::ctl {

using Items = std::vector<Json>;

std::string stats_text(const Json& result, const Items& segments, bool with_segments);
std::string prometheus_text(const Json& result, const Items& segments);
/// `colours`: for a terminal.
std::string map_text(const Json& result, const Items& segments, bool colours);
std::string record_line(const Json& record);
/// What is said after the records.
std::string dump_text(const Json& result);
std::string settings_text(const Json& result, const Items& settings);
std::string changed_setting_text(const Json& result);
/// A path or a key on a line of its own.
std::string found_line(const Json& item);
std::string merge_text(const Json& result);
std::string rebuilt_hints_text(const Json& result);
std::string checked_hints_text(const Json& result);
std::string verify_text(const Json& result, const Items& damages);
std::string created_snapshot_text(const Json& result);
std::string snapshots_text(const Items& snapshots);
/// One difference between two moments.
std::string change_line(const Json& change);
/// What is said after the differences.
std::string diff_text(const Json& result);
std::string rolled_back_text(const Json& result);
std::string history_text(const Items& versions);
std::string carried_text(Verb verb, const Json& result, const Items& items);
/// "  /a/b, bytes 0 to 16383: ... (123.data at 40, 16384 bytes)", with a line break.
std::string damage_line(const Json& damage);
std::string locate_text(const Json& result, const Items& extents);

/// Directory entries or keys, collected compactly: there may be millions.
class Listing {
 public:
  explicit Listing(bool long_format) : long_format_(long_format) {}
  void add(const Json& item);
  /// Sorted by name; keys come sorted already.
  std::string text();

 private:
  struct Row {
    std::string name;  // printable
    std::vector<std::string> attributes;
  };
  bool long_format_;
  std::vector<Row> rows_;
};

// Members of results; 0 or "" when a newer daemon does not send them.
uint64_t number(const Json& object, const char* field);
std::string text(const Json& object, const char* field);
bool flag(const Json& object, const char* field);

}  // namespace memoria::ctl
