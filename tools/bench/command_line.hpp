// SPDX-License-Identifier: MIT
// What the user wants from memoria-bench.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "tools/bench/directories/contests.hpp"
#include "tools/bench/engine_contests.hpp"

namespace memoria::bench {

enum class ExitCode { kOk = 0, kFailed = 1, kUsage = 2 };

struct CommandLine {
  unsigned rounds = 5;
  std::vector<std::string> groups;  ///< chosen ones, each of which can be held
  DirectoryOptions directories;
  EngineOptions engines;  ///< an empty directory: none; its groups are left empty
  std::string json, svg;  ///< files to write; empty: none
};

/// Instead of a run: text for standard output (kOk) or for standard error.
struct Message {
  ExitCode code;
  std::string text;
};

std::variant<CommandLine, Message> parse_command_line(const std::vector<std::string>& arguments);

}  // namespace memoria::bench
