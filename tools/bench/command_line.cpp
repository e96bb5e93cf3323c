// SPDX-License-Identifier: MIT
#include "tools/bench/command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <list>
#include <optional>
#include <sstream>

namespace memoria::bench {
namespace {

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string footer() {
  std::string text = "Groups on directories:\n";
  for (const auto& group : directory_groups()) {
    text += fmt::format("  {:<9} {}\n", group.name, group.description);
  }
  text += fmt::format("Groups on engines: {}\nEngines: {}\n", fmt::join(engine_group_names(), ", "),
                      fmt::join(engine_names(), ", "));
  text +=
      "\nContestants take turns in each round, and are judged by medians. Numbers are worth\n"
      "something on a machine that does nothing else.\n\n"
      "Exit codes: 0 all ran, 1 a run failed, 2 wrong usage.";
  return text;
}

/// "NAME=VALUE" in two; none when there is no name or no value.
std::optional<std::pair<std::string, std::string>> split(const std::string& assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == assignment.size()) return {};
  return std::pair(assignment.substr(0, equals), assignment.substr(equals + 1));
}

/// The options, bound to a CommandLine.
class Grammar {
 public:
  explicit Grammar(CommandLine& line) : line_(line) {
    app_.set_version_flag("--version", "memoria-bench " MEMORIA_VERSION);
    app_.footer(footer());
    app_.add_option("--dir", places_,
                    "NAME=PATH: a directory takes part; the first is compared with");
    app_.add_option("--engine-dir", line.engines.directory,
                    "compare key-value engines, with their data in this directory")
        ->check(CLI::ExistingDirectory);
    app_.add_option("--engines", line.engines.engines, "only these, besides Memoria")
        ->delimiter(',');
    app_.add_option("--groups", line.groups, "only these (default: all that have contestants)")
        ->delimiter(',');
    app_.add_option("--rounds", rounds_, "how often each runs (default 5)")
        ->check(CLI::Range(1, 1000));
    app_.add_flag("--quick", line.engines.quick, "small sizes and one round, to see that it works");
    app_.add_option("--json", line.json, "write all samples to this file");
    app_.add_option("--svg", line.svg, "write a chart to this file");
    app_.add_option("--tar", line.directories.tar, "the tree for the groups tree and cold")
        ->check(CLI::ExistingFile);
    app_.add_option("--cold", colds_,
                    "NAME=COMMAND: what sh runs to empty the caches of that --dir");
    add_size("--durable-files", &DirectorySizes::durable_files, "files synced in durable");
    add_size("--small-files", &DirectorySizes::small_files, "files in small");
    add_size("--big-mib", &DirectorySizes::big_mib, "MiB of the file in big");
    add_size("--random-calls", &DirectorySizes::random_calls, "random reads and writes in big");
    add_size("--synced-overwrites", &DirectorySizes::synced_overwrites, "overwrites synced in big");
    add_size("--appends", &DirectorySizes::appends, "writes in append");
    app_.add_option("--keys", keys_, "keys in the stores of the engines")
        ->check(CLI::Range(uint64_t(1), uint64_t(1) << 32));
  }

  CLI::App& app() { return app_; }

  /// What CLI11 cannot say; a complaint, if any.
  std::optional<std::string> finish() {
    const bool quick = line_.engines.quick;
    line_.rounds = rounds_.value_or(quick ? 1 : 5);
    if (quick) line_.directories.sizes = DirectorySizes::quick();
    for (const auto& [member, value] : sizes_) {
      if (value) line_.directories.sizes.*member = *value;
    }
    if (keys_) line_.engines.keys = *keys_;
    if (const auto wrong = finish_places()) return wrong;
    return finish_groups();
  }

 private:
  void add_size(const std::string& name, uint64_t DirectorySizes::*member,
                const std::string& what) {
    auto& slot = sizes_.emplace_back(member, std::nullopt).second;
    app_.add_option(name, slot, fmt::format("{} (default {})", what, DirectorySizes().*member))
        ->check(CLI::Range(uint64_t(1), uint64_t(1) << 32));
  }

  std::optional<std::string> finish_places() {
    auto& places = line_.directories.places;
    const auto find = [&](const std::string& name) {
      return std::find_if(places.begin(), places.end(),
                          [&](const Place& place) { return place.name == name; });
    };
    std::error_code error;
    for (const auto& text : places_) {
      const auto place = split(text);
      if (!place) return fmt::format("--dir {}: not NAME=PATH", text);
      if (find(place->first) != places.end()) return fmt::format("--dir {}: twice", place->first);
      if (!std::filesystem::is_directory(place->second, error)) {
        return fmt::format("--dir {}: not a directory", text);
      }
      places.push_back({place->first, absolute(place->second), ""});
    }
    for (const auto& text : colds_) {
      const auto hook = split(text);
      if (!hook) return fmt::format("--cold {}: not NAME=COMMAND", text);
      const auto place = find(hook->first);
      if (place == places.end()) return fmt::format("--cold {}: no such --dir", hook->first);
      place->make_cold = hook->second;
    }
    auto& tar = line_.directories.tar;  // programs will read it from other working directories
    if (!tar.empty()) tar = absolute(tar);
    return std::nullopt;
  }

  static std::string absolute(const std::string& path) {
    std::error_code error;
    const auto whole = std::filesystem::absolute(path, error);
    return error ? path : whole.string();
  }

  std::optional<std::string> finish_groups() {
    const bool chosen = !line_.groups.empty();
    const auto engine_groups = engine_group_names();
    for (const auto& group : directory_groups()) {
      const auto missing = group.missing(line_.directories);
      if (!chosen && missing.empty()) line_.groups.push_back(group.name);
      if (chosen && contains(line_.groups, group.name) && !missing.empty()) {
        return fmt::format("group {} {}", group.name, missing);
      }
      all_groups_.push_back(group.name);
    }
    for (const auto& group : engine_groups) {
      const bool possible = !line_.engines.directory.empty();
      if (!chosen && possible) line_.groups.push_back(group);
      if (chosen && contains(line_.groups, group) && !possible) {
        return fmt::format("group {} needs --engine-dir", group);
      }
      all_groups_.push_back(group);
    }
    for (const auto& group : line_.groups) {
      if (!contains(all_groups_, group)) {
        return fmt::format("no group {}; there are {}", group, fmt::join(all_groups_, ", "));
      }
    }
    if (line_.groups.empty()) return "nothing to compare: give --dir or --engine-dir";
    return std::nullopt;
  }

  CommandLine& line_;
  CLI::App app_{"Compares directories, and key-value engines, by the same work in turns.",
                "memoria-bench"};
  std::vector<std::string> places_, colds_, all_groups_;
  std::optional<unsigned> rounds_;
  std::optional<uint64_t> keys_;
  // A list, since CLI11 keeps references.
  std::list<std::pair<uint64_t DirectorySizes::*, std::optional<uint64_t>>> sizes_;
};

}  // namespace

std::variant<CommandLine, Message> parse_command_line(const std::vector<std::string>& arguments) {
  CommandLine line;
  Grammar grammar(line);
  try {
    grammar.app().parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {  // CLI11 reports by exceptions only, help included
    std::ostringstream out, err;
    const int code = grammar.app().exit(error, out, err);
    if (code == 0) return Message{ExitCode::kOk, out.str()};
    return Message{ExitCode::kUsage,
                   fmt::format("memoria-bench: {} (see memoria-bench --help)\n", error.what())};
  }
  if (const auto wrong = grammar.finish()) {
    return Message{ExitCode::kUsage, fmt::format("memoria-bench: {}\n", *wrong)};
  }
  return line;
}

}  // namespace memoria::bench
