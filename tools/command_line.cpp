// SPDX-License-Identifier: MIT
#include "tools/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>
#include <vector>

#include "fs/control/byte_text.hpp"
#include "fs/settings/store_settings.hpp"

namespace memoria::ctl {
namespace {

/// CLI::Range, which compares, and so takes "nan": that is neither less nor more.
CLI::Validator between(double low, double high) {
  const CLI::Range range(low, high);
  const auto check = [range](std::string& text) {
    return std::isnan(std::strtod(text.c_str(), nullptr)) ? text + " is not a number" : range(text);
  };
  return CLI::Validator(check, range.get_description());
}

constexpr double kMebibyte = 1 << 20;
constexpr double kScrubRate = 50 * kMebibyte;
constexpr double kWatchInterval = 2;  // seconds

std::string settings() {
  std::string text = "Settings, as KEY (and the range of VALUE):\n";
  for (const auto& setting : store_settings()) {
    text += fmt::format("  {:26}{} ({})\n", setting.key, setting.meaning, setting.range);
  }
  return text + "\n";
}

std::string footer() {
  std::string text =
      "TARGET is a data directory, a mount point, or a path inside a mount; PATH is then relative\n"
      "to that path, or with a leading \"/\" to the volume's root, and can be left out where\n"
      "TARGET names the file. Nothing needs to be mounted.\n\n"
      "Exit codes:\n";
  for (const auto& row : kExitCodes)
    text += fmt::format("  {:3}  {}\n", int(row.code), row.meaning);
  return text;
}

/// Without a key it means all of them.
bool lists_keys(Verb verb) {
  return verb == Verb::kList || verb == Verb::kFind || verb == Verb::kCount;
}

/// The options and commands, bound to a CommandLine.
class Grammar {
 public:
  explicit Grammar(CommandLine& line) : line_(line) {
    app_.set_version_flag("--version", "memoria-ctl " MEMORIA_VERSION);
    app_.add_flag("--json", line.json, "print one JSON document (stats --watch: one on each line)");
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
    if (line_.is_key && !lists_keys(line_.verb) && (!line_.name || line_.name->empty())) {
      return fmt::format("{} --key needs a key", typed_words(line_.verb));
    }
    if (keep_older_->count() > 0 && line_.from_memoria.empty() && line_.from_bitcask.empty()) {
      return "--keep-older goes with --from-memoria or --from-bitcask";
    }
    if (line_.json && line_.prometheus) return "stats: --json and --prometheus exclude each other";
    if (watched_->count() > 0) line_.watch = interval_;
    if (line_.verb == Verb::kScrub) line_.rate = kScrubRate;
    if (rate_mib_) line_.rate = *rate_mib_ * kMebibyte;
    if (line_.output == "-") line_.output.clear();
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
    auto* segments =
        stats->add_flag("--segments", line_.segments, "one line for each segment as well");
    watched_ = stats->add_option("--watch", interval_, "again and again, so many seconds apart")
                   ->expected(0, 1)
                   ->default_str("2")
                   ->check(between(0.1, 86400.0));
    stats
        ->add_flag("--prometheus", line_.prometheus,
                   "in the text format that Prometheus and its node_exporter read")
        ->excludes(segments);
    command(app_, "map", Verb::kMap, "the segments as a picture: what is live and dead in each");

    auto* merge = command(app_, "merge", Verb::kMerge, "free the space of what is overwritten");
    auto* all = merge->add_flag("--all", line_.all, "every segment, however little is dead in it");
    merge->add_option("--min-dead", line_.min_dead, "segments with at least this dead share")
        ->check(between(0.0, 1.0))
        ->excludes(all);
    merge->add_option("--rate", rate_mib_, "at most so many MiB a second")
        ->check(between(0.001, 1e6));
    merge->add_flag("--wait", wait_, "return when it is done: that is always so");
    merge->add_flag("--dry-run", line_.dry_run, "only tell what would be merged");

    auto* hints = app_.add_subcommand("hints", "the files that make opening fast");
    hints->require_subcommand(1);
    hints->fallthrough();
    auto* rebuild = command(*hints, "rebuild", Verb::kHintsRebuild, "write hints that are missing");
    rebuild->add_flag("--all", line_.all, "write all of them anew");
    command(*hints, "check", Verb::kHintsCheck, "find hints that are missing or damaged");

    command(app_, "verify", Verb::kVerify, "read everything and check every checksum");
    auto* scrub = command(app_, "scrub", Verb::kScrub,
                          "verify beside the work of others: slowly, 50 MiB a second by default");
    scrub->add_option("--rate", rate_mib_, "at most so many MiB a second")
        ->check(between(0.001, 1e6));
    auto* dump = command(app_, "dump", Verb::kDump,
                         "the records of a segment, with the state of their checksums");
    dump->add_option("SEGMENT", line_.segment, "its number or file, as map shows it")->required();

    auto* config = app_.add_subcommand("config", "the store's settings, in use and saved");
    config->require_subcommand(1);
    config->fallthrough();
    command(*config, "show", Verb::kConfigShow, "all of them, with their ranges");
    auto* set =
        command(*config, "set", Verb::kConfigSet, "change one until it is unmounted, or for good");
    set->add_option("KEY", line_.setting, "which one, see below")->required();
    set->add_option("VALUE", line_.value, "see below")->required();
    set->footer(settings() + footer());
    set->add_flag("--save", line_.save,
                  "in memoria.toml in the data directory, for the next time as well");
  }

  void add_snapshots() {
    auto* snapshot = app_.add_subcommand("snapshot", "the store as it was, read-only");
    snapshot->require_subcommand(1);
    snapshot->fallthrough();
    auto* create = command(*snapshot, "create", Verb::kSnapshotCreate,
                           "keep the present; in a mount it is under .snapshots/NAME/");
    auto* remove = command(*snapshot, "delete", Verb::kSnapshotDelete, "give its space back");
    auto* rollback = command(*snapshot, "rollback", Verb::kSnapshotRollback,
                             "make the volume what the snapshot is; nothing may be mounted");
    for (auto* one : {create, remove, rollback}) {
      one->add_option("NAME", line_.name, "1 to 200 bytes, no '/', not beginning with '.'")
          ->required();
    }
    auto* keep = rollback->add_option("--keep", line_.keep,
                                      "the name of the snapshot that the present becomes first "
                                      "(default: before-rollback- and the time)");
    rollback->add_flag("--discard", line_.discard, "the present is lost")->excludes(keep);
    command(*snapshot, "list", Verb::kSnapshotList, "by age, with the space that only they hold");
    auto* diff = command(*snapshot, "diff", Verb::kSnapshotDiff,
                         "what changed from snapshot A to snapshot B, or to the present");
    diff->add_option("A", line_.name, "the earlier snapshot")->required();
    diff->add_option("B", line_.other, "the later one; left out: the present");

    auto* history = command(app_, "history", Verb::kHistory,
                            "the versions of a file that the snapshots and the present hold");
    history->add_option("PATH", line_.name, "a path in the volume");
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
                "write a volume, or a directory of it, as a tar archive (pax) to standard output");
    out->add_option("PATH", line_.name, "the directory: all of the volume when left out");
    out->add_option("-o,--output", line_.output,
                    "write to this file instead; \"-\", the default: standard output");
    out->add_option("--snapshot", line_.snapshot, "of this snapshot instead of the present");
    auto* in = command(app_, "import", Verb::kImport,
                       "make a directory out of a tar archive, or of another program's store, all "
                       "of it or nothing");
    in->add_option("PATH", line_.name,
                   "the directory: a new one, or one that is empty; the root "
                   "when left out");
    auto* input = in->add_option("-i,--input", line_.input,
                                 "the archive; \"-\", the default: standard input");
    add_foreign_stores(*in, *input);
  }

  void add_foreign_stores(CLI::App& in, CLI::Option& input) {
    auto* original = in.add_option("--from-memoria", line_.from_memoria,
                                   "instead: a data directory of the original engine in Go");
    auto* bitcask = in.add_option("--from-bitcask", line_.from_bitcask,
                                  "instead: a data directory of Basho's Bitcask");
    original->excludes(bitcask)->excludes(&input);
    bitcask->excludes(&input);
    keep_older_ = in.add_flag("--keep-older", line_.keep_older,
                              "of a key whose newest version is damaged take the one before it");
    in.add_option("--expiry-secs", line_.expiry_seconds,
                  "leave out what is older than so many seconds: Bitcask's setting expiry_secs")
        ->check(between(1.0, 1e10))
        ->needs(bitcask);
  }

  void add_destination(CLI::App& command, const std::string& label,
                       const std::string& description) {
    command.add_option(label, line_.destination, description)->required();
  }

  void add_names() {
    auto* list = command(app_, "ls", Verb::kList, "list a directory, or keys by prefix");
    add_name(*list, "PATH", "a path in the volume (with --key: the beginning of keys)");
    list->add_flag("-l,--long", line_.long_format, "with attributes");

    auto* find = command(app_, "find", Verb::kFind, "all paths (or keys) that begin with a prefix");
    add_name(*find, "PREFIX", "the beginning of paths (with --key: of keys)");
    auto* count = command(app_, "count", Verb::kCount, "how many paths (or keys) there are");
    add_name(*count, "PREFIX", "only those that begin with it");

    auto* get = command(app_, "get", Verb::kGet, "write the contents of a file to standard output");
    add_name(*get, "PATH", "a path in the volume (with --key: a key)");
    get->add_option("-o,--output", line_.output,
                    "write to this file instead; \"-\", the default: standard output");

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
  double interval_ = kWatchInterval;
  CLI::Option* watched_ = nullptr;
  CLI::Option* keep_older_ = nullptr;
  bool wait_ = true;
  bool hex_ = false;
};

}  // namespace

std::string_view request_word(Verb verb) {
  switch (verb) {
    case Verb::kStats:
      return "stats";
    case Verb::kMap:
      return "map";
    case Verb::kDump:
      return "dump";
    case Verb::kConfigShow:
      return "config-show";
    case Verb::kConfigSet:
      return "config-set";
    case Verb::kFind:
      return "find";
    case Verb::kCount:
      return "count";
    case Verb::kMerge:
      return "merge";
    case Verb::kHintsRebuild:
      return "hints-rebuild";
    case Verb::kHintsCheck:
      return "hints-check";
    case Verb::kVerify:
    case Verb::kScrub:
      return "verify";
    case Verb::kSnapshotCreate:
      return "snapshot-create";
    case Verb::kSnapshotList:
      return "snapshot-list";
    case Verb::kSnapshotDelete:
      return "snapshot-delete";
    case Verb::kSnapshotDiff:
      return "snapshot-diff";
    case Verb::kSnapshotRollback:
      return "snapshot-rollback";
    case Verb::kHistory:
      return "history";
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
    case Verb::kScrub:
      return "scrub";
    case Verb::kConfigShow:
      return "config show";
    case Verb::kConfigSet:
      return "config set";
    case Verb::kSnapshotCreate:
      return "snapshot create";
    case Verb::kSnapshotList:
      return "snapshot list";
    case Verb::kSnapshotDelete:
      return "snapshot delete";
    case Verb::kSnapshotDiff:
      return "snapshot diff";
    case Verb::kSnapshotRollback:
      return "snapshot rollback";
    default:
      return request_word(verb);
  }
}

namespace {

/// Of a command line that cannot be parsed.
bool asks_for_json(std::span<const std::string> arguments) {
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::find(arguments.begin(), end, "--json") != end;
}

}  // namespace

std::variant<CommandLine, Message> parse_command_line(std::span<const std::string> arguments) {
  CommandLine line;
  Grammar grammar(line);
  try {
    grammar.app().parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {  // CLI11 reports by exceptions only, help included
    std::ostringstream out, err;
    const int code = grammar.app().exit(error, out, err);
    if (code == 0) return Message{ExitCode::kOk, out.str()};
    // A word that is no command is only missed: CLI11 asks for a command then.
    const auto left = grammar.app().remaining(true);
    const bool is_unknown = !left.empty() && dynamic_cast<const CLI::RequiredError*>(&error);
    const auto what =
        is_unknown ? fmt::format("there is no command \"{}\"", left.front()) : error.what();
    return Message{ExitCode::kUsage, fmt::format("{} (see memoria-ctl --help)", what),
                   asks_for_json(arguments)};
  }
  if (const auto wrong = grammar.finish()) return Message{ExitCode::kUsage, *wrong, line.json};
  return line;
}

}  // namespace memoria::ctl
