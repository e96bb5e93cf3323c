// SPDX-License-Identifier: MIT
#include <algorithm>
#include <vector>

#include "fs/control/byte_text.hpp"
#include "tools/report.hpp"

namespace memoria::ctl {
namespace {

/// The name of the list in the document; empty for commands without.
std::string_view list_name(Verb verb) {
  switch (verb) {
    case Verb::kStats:
    case Verb::kMap:
      return "segments";
    case Verb::kVerify:
    case Verb::kScrub:
      return "damages";
    case Verb::kDump:
      return "records";
    case Verb::kConfigShow:
      return "settings";
    case Verb::kBackup:
    case Verb::kRestore:
      return "damages";
    case Verb::kRepair:
      return "losses";
    case Verb::kExport:
    case Verb::kImport:
      return "remarks";
    case Verb::kSnapshotList:
      return "snapshots";
    case Verb::kList:
    case Verb::kFind:
      return "entries";
    case Verb::kLocate:
      return "extents";
    case Verb::kSnapshotDiff:
      return "changes";
    case Verb::kHistory:
      return "versions";
    default:
      return "";
  }
}

class JsonReport : public Report {
 public:
  JsonReport(const CommandLine& line, const Streams& streams)
      : list_(list_name(line.verb)),
        line_break_(line.watch ? "" : "\n"),
        sorts_(line.verb == Verb::kList && !line.is_key),
        streams_(streams) {}

  Status item(const Json& item) override {
    if (!sorts_) return write(item);
    unsorted_.push_back(item);
    return ok();
  }

  Status result(const Json& result) override { return finish(result); }

  Status failed(const Error& error, ExitCode exit, const Json& about) override {
    auto json = error_to_json(error);
    json.update(about);
    json["exit"] = int(exit);
    return finish({{"error", json}});
  }

 private:
  Status write(const Json& item) {
    MEMORIA_TRY(streams_.out(begun_ ? "," + line_break_ : open_list()));
    begun_ = true;
    return streams_.out(to_text(item));
  }

  /// A directory is in no order that means anything.
  Status write_sorted() {
    const auto name = [](const Json& item) { return get_bytes(item, "name").value_or(""); };
    std::ranges::stable_sort(unsorted_, {}, name);
    for (const auto& item : unsorted_) MEMORIA_TRY(write(item));
    return ok();
  }

  std::string open_list() const { return "{\"" + list_ + "\":[" + line_break_; }

  /// Closes the list and adds the members of `rest`.
  Status finish(const Json& rest) {
    MEMORIA_TRY(write_sorted());
    std::string text = begun_ ? "]" : list_.empty() ? "{" : "{\"" + list_ + "\":[]";
    const auto members = to_text(rest);
    if (rest.empty()) {
      text += "}";
    } else {
      if (text != "{") text += "," + line_break_;
      text += members.substr(1);
    }
    return streams_.out(text + "\n");
  }

  const std::string list_;
  const std::string line_break_;  // between the parts of the document
  const bool sorts_;
  std::vector<Json> unsorted_;
  const Streams& streams_;
  bool begun_ = false;
};

}  // namespace

std::unique_ptr<Report> make_json_report(const CommandLine& line, const Streams& streams) {
  return std::make_unique<JsonReport>(line, streams);
}

}  // namespace memoria::ctl
