// SPDX-License-Identifier: MIT
#include "tools/human_report.hpp"

#include <fmt/format.h>

#include "tools/report.hpp"

namespace memoria::ctl {
namespace {

class HumanReport : public Report {
 public:
  HumanReport(const CommandLine& line, const Streams& streams)
      : line_(line), streams_(streams), listing_(line.long_format) {}

  Status item(const Json& item) override {
    if (line_.verb == Verb::kList) {
      listing_.add(item);
    } else if (line_.verb == Verb::kSnapshotDiff) {
      return streams_.out(change_line(item));  // there may be millions
    } else if (line_.verb == Verb::kFind) {
      return streams_.out(found_line(item));
    } else if (line_.verb == Verb::kDump) {
      return streams_.out(record_line(item));
    } else {
      items_.push_back(item);
    }
    return ok();
  }

  Status result(const Json& result) override {
    const auto text = text_of(result);
    // Where the archive went nothing else may go.
    return flag(result, "to_stdout") ? streams_.err(text) : streams_.out(text);
  }

  // The line on standard error says it all.
  Status failed(const Error&, ExitCode, const Json&) override { return ok(); }

 private:
  std::string text_of(const Json& result) {
    switch (line_.verb) {
      case Verb::kStats:
        return line_.prometheus ? prometheus_text(result, items_) : screen(result);
      case Verb::kMap:
        return map_text(result, items_, streams_.out_is_terminal);
      case Verb::kDump:
        return dump_text(result);
      case Verb::kConfigShow:
        return settings_text(result, items_);
      case Verb::kConfigSet:
        return changed_setting_text(result);
      case Verb::kCount:
        return fmt::format("{}\n", number(result, "count"));
      case Verb::kMerge:
        return merge_text(result);
      case Verb::kHintsRebuild:
        return rebuilt_hints_text(result);
      case Verb::kHintsCheck:
        return checked_hints_text(result);
      case Verb::kVerify:
      case Verb::kScrub:
        return verify_text(result, items_);
      case Verb::kSnapshotCreate:
        return created_snapshot_text(result);
      case Verb::kSnapshotList:
        return snapshots_text(items_);
      case Verb::kSnapshotDiff:
        return diff_text(result);
      case Verb::kSnapshotRollback:
        return rolled_back_text(result);
      case Verb::kHistory:
        return history_text(items_);
      case Verb::kList:
        return listing_.text();
      case Verb::kLocate:
        return locate_text(result, items_);
      case Verb::kBackup:
      case Verb::kRestore:
      case Verb::kRepair:
      case Verb::kExport:
      case Verb::kImport:
        return carried_text(line_.verb, result, items_);
      case Verb::kFind:  // told already
      case Verb::kGet:
      case Verb::kPut:
      case Verb::kRemove:
      case Verb::kSnapshotDelete:
        break;  // silent when all went well, as cp and rm
    }
    return {};
  }

  /// Of --watch each takes the place of the one before.
  std::string screen(const Json& result) const {
    const auto text = stats_text(result, items_, line_.segments);
    if (!line_.watch) return text;
    return streams_.out_is_terminal ? "\x1b[H\x1b[2J" + text : text + "\n";
  }

  const CommandLine& line_;
  const Streams& streams_;
  Items items_;
  Listing listing_;
};

}  // namespace

uint64_t number(const Json& object, const char* field) {
  const auto value = object.find(field);
  return value != object.end() && value->is_number_integer() ? value->get<uint64_t>() : 0;
}

std::string text(const Json& object, const char* field) {
  const auto value = object.find(field);
  return value != object.end() && value->is_string() ? value->get<std::string>() : std::string();
}

bool flag(const Json& object, const char* field) {
  const auto value = object.find(field);
  return value != object.end() && value->is_boolean() && value->get<bool>();
}

std::unique_ptr<Report> make_human_report(const CommandLine& line, const Streams& streams) {
  return std::make_unique<HumanReport>(line, streams);
}

}  // namespace memoria::ctl
