// SPDX-License-Identifier: MIT
#include "tools/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <sstream>
#include <vector>

#include "fs/control/byte_text.hpp"

namespace memoria::ctl {
namespace {

constexpr double kMebibyte = 1 << 20;

std::string footer() {
  std::string text =
      "TARGET is a data directory, a mount point, or a path inside a mount; PATH is then relative\n"
      "to that path, and can be left out where it names the file. Nothing needs to be mounted.\n\n"
      "Exit codes:\n";
  for (const auto& row : kExitCodes)
    text += fmt::format("  {:3}  {}\n", int(row.code), row.meaning);
  return text;
}

/// The options and commands, bound to a CommandLine.
class Grammar {
 public:
  explicit Grammar(CommandLine& line) : line_(line) {
    app_.set_version_flag("--version", "memoria-ctl " MEMORIA_VERSION);
    app_.add_flag("--json", line.json, "print one JSON document");
    app_.add_flag("--progress", line.json_progress,
                  "with --json: progress as JSON lines on standard error");
    app_.footer(footer());
    app_.require_subcommand(1);
    app_.fallthrough();
    add_upkeep();
    add_snapshots();
    add_names();
    add_carriers();
    add_archives();
  }

  CLI::App& app() { return app_; }

  /// What CLI11 cannot say: dependencies between values.
  std::optional<std::string> finish() {
    if (!line_.is_key) {
      if (hex_) return "--hex goes with --key";
    } else if (hex_ && line_.name) {
      line_.name = from_hex(*line_.name);
      if (!line_.name) return "the key is not an even number of hexadecimal digits";
    }
    if (line_.is_key && line_.verb != Verb::kList && (!line_.name || line_.name->empty())) {
      return fmt::format("{} --key needs a key", typed_words(line_.verb));
    }
    if (rate_mib_) line_.rate = *rate_mib_ * kMebibyte;
    const bool prints = line_.verb == Verb::kGet || line_.verb == Verb::kExport;
    if (line_.json && prints && line_.output.empty()) {
      return std::string(typed_words(line_.verb)) +
             " --json needs --output FILE: standard output cannot hold both";
    }
    return std::nullopt;
  }

 private:
  CLI::App* command(CLI::App& parent, const std::string& name, Verb verb,
                    const std::string& description) {
    auto* added = parent.add_subcommand(name, description);
    added->callback([this, verb] { line_.verb = verb; });
    added->add_option("TARGET", line_.target, "data directory, mount point or path inside a mount")
        ->required();
    added->fallthrough();
    return added;
  }

  void add_upkeep() {
    auto* stats = command(app_, "stats", Verb::kStats, "what is in the store and how it is doing");
    stats->add_flag("--segments", line_.segments, "one line for each segment as well");

    auto* merge = command(app_, "merge", Verb::kMerge, "free the space of what is overwritten");
    auto* all = merge->add_flag("--all", line_.all, "every segment, however little is dead in it");
    merge->add_option("--min-dead", line_.min_dead, "segments with at least this dead share")
        ->check(CLI::Range(0.0, 1.0))
        ->excludes(all);
    merge->add_option("--rate", rate_mib_, "at most so many MiB a second")
        ->check(CLI::Range(0.001, 1e6));
    merge->add_flag("--dry-run", line_.dry_run, "only tell what would be merged");

    auto* hints = app_.add_subcommand("hints", "the files that make opening fast");
    hints->require_subcommand(1);
    hints->fallthrough();
    auto* rebuild = command(*hints, "rebuild", Verb::kHintsRebuild, "write hints that are missing");
    rebuild->add_flag("--all", line_.all, "write all of them anew");
    command(*hints, "check", Verb::kHintsCheck, "find hints that are missing or damaged");

    command(app_, "verify", Verb::kVerify, "read everything and check every checksum");
  }

  void add_snapshots() {
    auto* snapshot = app_.add_subcommand("snapshot", "the store as it was, read-only");
    snapshot->require_subcommand(1);
    snapshot->fallthrough();
    auto* create = command(*snapshot, "create", Verb::kSnapshotCreate,
                           "keep the present; in a mount it is under .snapshots/NAME/");
    auto* remove = command(*snapshot, "delete", Verb::kSnapshotDelete, "give its space back");
    for (auto* one : {create, remove}) {
      one->add_option("NAME", line_.name, "1 to 200 bytes, no '/', not beginning with '.'")
          ->required();
    }
    command(*snapshot, "list", Verb::kSnapshotList, "by age, with the space that only they hold");
  }

  void add_carriers() {
    auto* backup = command(app_, "backup", Verb::kBackup,
                           "copy what the directory DEST does not have yet, checking it; DEST is "
                           "then a store to read from");
    add_destination(*backup, "DEST", "a new or empty directory, or an earlier backup");
    backup->add_flag("--recheck", line_.recheck,
                     "read what DEST has already, and renew what rotted");
    auto* restore = command(app_, "restore", Verb::kRestore,
                            "make a store out of a backup (or of a snapshot's directory)");
    add_destination(*restore, "NEWDIR", "a new or empty directory");
    auto* repair = command(app_, "repair", Verb::kRepair,
                           "save what can be read of a damaged store into a new one, and tell what "
                           "is lost");
    add_destination(*repair, "NEWDIR",
                    "a new or empty directory; the damaged store stays as it is");
  }

  void add_archives() {
    auto* out =
        command(app_, "export", Verb::kExport,
                "write a volume, or a directory of a mounted one, as a tar archive (pax) to "
                "standard output");
    out->add_option("-o,--output", line_.output, "write to this file instead");
    out->add_option("--snapshot", line_.snapshot, "of this snapshot instead of the present");
    auto* in = command(app_, "import", Verb::kImport,
                       "make a directory out of a tar archive, all of it or nothing");
    in->add_option("PATH", line_.name,
                   "the directory: a new one, or one that is empty; the root "
                   "when left out");
    in->add_option("-i,--input", line_.input, "the archive; \"-\", the default: standard input");
  }

  void add_destination(CLI::App& command, const std::string& label,
                       const std::string& description) {
    command.add_option(label, line_.destination, description)->required();
  }

  void add_names() {
    auto* list = command(app_, "ls", Verb::kList, "list a directory, or keys by prefix");
    add_name(*list, "PATH", "a path in the volume (with --key: the beginning of keys)");
    list->add_flag("-l,--long", line_.long_format, "with attributes");

    auto* get = command(app_, "get", Verb::kGet, "write the contents of a file to standard output");
    add_name(*get, "PATH", "a path in the volume (with --key: a key)");
    get->add_option("-o,--output", line_.output, "write to this file instead");

    auto* put =
        command(app_, "put", Verb::kPut, "replace a file, atomically and durably, or make it");
    add_name(*put, "PATH", "a path in the volume (with --key: a key)");
    put->add_option("FILE", line_.input, "what to put there; \"-\", the default: standard input");

    auto* remove = command(app_, "rm", Verb::kRemove, "remove a file, an empty directory or a key");
    add_name(*remove, "PATH", "a path in the volume (with --key: a key)");

    auto* locate = command(app_, "locate", Verb::kLocate, "show where on the disk a file lies");
    add_name(*locate, "PATH", "a path in the volume (with --key: a key)");
  }

  void add_name(CLI::App& command, const std::string& label, const std::string& description) {
    command.add_option(label, line_.name, description);
    command.add_flag("--key", line_.is_key, "not a path but a key of the store itself");
    command.add_flag("--hex", hex_, "the key is given in hexadecimal digits");
  }

  CommandLine& line_;
  CLI::App app_{"Looks after a Memoria store, mounted or not.", "memoria-ctl"};
  std::optional<double> rate_mib_;
  bool hex_ = false;
};

}  // namespace

std::string_view request_word(Verb verb) {
  switch (verb) {
    case Verb::kStats:
      return "stats";
    case Verb::kMerge:
      return "merge";
    case Verb::kHintsRebuild:
      return "hints-rebuild";
    case Verb::kHintsCheck:
      return "hints-check";
    case Verb::kVerify:
      return "verify";
    case Verb::kSnapshotCreate:
      return "snapshot-create";
    case Verb::kSnapshotList:
      return "snapshot-list";
    case Verb::kSnapshotDelete:
      return "snapshot-delete";
    case Verb::kList:
      return "ls";
    case Verb::kGet:
      return "get";
    case Verb::kPut:
      return "put";
    case Verb::kRemove:
      return "rm";
    case Verb::kLocate:
      return "locate";
    case Verb::kBackup:
      return "backup";
    case Verb::kRestore:
      return "restore";
    case Verb::kRepair:
      return "repair";
    case Verb::kExport:
      return "export";
    case Verb::kImport:
      return "import";
  }
  return "";
}

std::string_view typed_words(Verb verb) {
  switch (verb) {
    case Verb::kHintsRebuild:
      return "hints rebuild";
    case Verb::kHintsCheck:
      return "hints check";
    case Verb::kSnapshotCreate:
      return "snapshot create";
    case Verb::kSnapshotList:
      return "snapshot list";
    case Verb::kSnapshotDelete:
      return "snapshot delete";
    default:
      return request_word(verb);
  }
}

std::variant<CommandLine, Message> parse_command_line(std::span<const std::string> arguments) {
  CommandLine line;
  Grammar grammar(line);
  try {
    grammar.app().parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {  // CLI11 reports by exceptions only, help included
    std::ostringstream out, err;
    const int code = grammar.app().exit(error, out, err);
    if (code == 0) return Message{ExitCode::kOk, out.str()};
    return Message{ExitCode::kUsage,
                   fmt::format("memoria-ctl: {} (see memoria-ctl --help)\n", error.what())};
  }
  if (const auto wrong = grammar.finish()) {
    return Message{ExitCode::kUsage, fmt::format("memoria-ctl: {}\n", *wrong)};
  }
  return line;
}

}  // namespace memoria::ctl
