// SPDX-License-Identifier: MIT
// Results on standard output: for people, or as JSON.
#pragma once

#include <memory>

#include "core/base/result.hpp"
#include "fs/control/protocol.hpp"
#include "tools/command_line.hpp"
#include "tools/streams.hpp"

namespace memoria::ctl {

/// Takes what a command gives and prints it. Errors are those of writing.
class Report {
 public:
  virtual ~Report() = default;
  /// One element of the result's list; comes before the result.
  virtual Status item(const Json& item) = 0;
  virtual Status result(const Json& result) = 0;
  /// Instead of the result. `about` names what it is about, as members of a JSON object.
  virtual Status failed(const Error& error, ExitCode exit, const Json& about) = 0;
};

/// One JSON document, written while it comes in: {"entries": [...], ...}; after a failure it holds
/// "error": {...} (and the items that came before). With --watch it is one line.
std::unique_ptr<Report> make_json_report(const CommandLine& line, const Streams& streams);
std::unique_ptr<Report> make_human_report(const CommandLine& line, const Streams& streams);

}  // namespace memoria::ctl
