// SPDX-License-Identifier: MIT
#include "tools/bench/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <ostream>

#include "tools/bench/command_line.hpp"
#include "tools/bench/report.hpp"

namespace memoria::bench {
namespace {

bool chosen(const CommandLine& line, const std::string& group) {
  return std::find(line.groups.begin(), line.groups.end(), group) != line.groups.end();
}

Result<std::vector<Contest>> make_contests(const CommandLine& line) {
  std::vector<Contest> all;
  const auto add = [&](std::vector<Contest> contests) {
    std::move(contests.begin(), contests.end(), std::back_inserter(all));
  };
  for (const auto& group : directory_groups()) {
    if (chosen(line, group.name)) add(group.contests(line.directories));
  }
  auto engines = line.engines;
  for (const auto& group : engine_group_names()) {
    if (chosen(line, group)) engines.groups.push_back(group);
  }
  if (!engines.groups.empty()) {
    MEMORIA_TRY(auto contests, engine_contests(engines));
    add(std::move(contests));
  }
  return all;
}

/// The words as a shell takes them.
std::string command_text(int argc, const char* const* argv) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=/.,:+@%";
  std::string text = "memoria-bench";
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    text += ' ';
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) {
      text += word;
      continue;
    }
    text += '\'';
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text += '\'';
  }
  return text;
}

/// Files that are opened before hours of measuring, so that a wrong path is noticed in time.
class ReportFile {
 public:
  explicit ReportFile(const std::string& path) : path_(path) {
    if (!path.empty()) file_.open(path, std::ios::app);
  }
  Status check() const {
    if (path_.empty() || file_.is_open()) return ok();
    return Error(Errc::kIo, fmt::format("{}: cannot be written", path_));
  }
  Status write(const std::string& text) {
    if (path_.empty()) return ok();
    file_.close();
    file_.open(path_, std::ios::trunc);
    file_ << text;
    file_.close();
    if (!file_) return Error(Errc::kIo, fmt::format("{}: writing failed", path_));
    return ok();
  }

 private:
  std::string path_;
  std::ofstream file_;
};

class Program {
 public:
  Program(const CommandLine& line, std::ostream& err, const std::function<bool()>& stop)
      : line_(line), err_(err), stop_(stop), json_(line.json), svg_(line.svg) {}

  /// `outcomes` gets the contests that were finished, also when a later one fails.
  Status hold_all(std::vector<Outcome>& outcomes) {
    MEMORIA_TRY(json_.check());
    MEMORIA_TRY(svg_.check());
    MEMORIA_TRY(const auto contests, make_contests(line_));
    const auto announce = [&](const std::string& title, const std::string& contestant,
                              unsigned round) {
      err_ << fmt::format("round {} of {}: {}, {}", round, line_.rounds, title, contestant)
           << std::endl;
      return !stop_ || !stop_();
    };
    for (const auto& contest : contests) {
      MEMORIA_TRY(auto outcome, hold(contest, line_.rounds, announce));
      outcomes.push_back(std::move(outcome));
    }
    return ok();
  }

  Status write_files(const std::vector<Outcome>& outcomes, const Conditions& conditions) {
    MEMORIA_TRY(json_.write(json_report(outcomes, conditions)));
    return svg_.write(svg_chart(outcomes, conditions));
  }

 private:
  const CommandLine& line_;
  std::ostream& err_;
  const std::function<bool()>& stop_;
  ReportFile json_, svg_;
};

}  // namespace

int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err,
        const std::function<bool()>& stop) {
  auto parsed = parse_command_line({argv + 1, argv + argc});
  if (const auto* message = std::get_if<Message>(&parsed)) {
    (message->code == ExitCode::kOk ? out : err) << message->text;
    return int(message->code);
  }
  const auto& line = std::get<CommandLine>(parsed);
  const Conditions conditions{date_text(), command_text(argc, argv), line.rounds, this_machine()};
  Program program(line, err, stop);
  std::vector<Outcome> outcomes;
  auto status = program.hold_all(outcomes);
  if (!outcomes.empty()) {  // what was measured before a failure may have taken hours
    out << text_table(outcomes, conditions) << std::flush;
    const auto written = program.write_files(outcomes, conditions);
    if (status && !written) status = written;
  }
  if (status) return int(ExitCode::kOk);
  err << "memoria-bench: " << status.error().describe() << '\n';
  return int(ExitCode::kFailed);
}

}  // namespace memoria::bench
