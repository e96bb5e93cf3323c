// SPDX-License-Identifier: MIT
// The commands that carry a store somewhere: backup, restore, repair, export, import. They work
// here, on files, also when the store is mounted: the daemon gives them a moment of it.
#pragma once

#include <optional>
#include <string>

#include "core/base/result.hpp"
#include "core/store/options.hpp"
#include "fs/control/executor.hpp"
#include "fs/volume/volume.hpp"
#include "tools/command_line.hpp"
#include "tools/streams.hpp"

namespace memoria::ctl {

/// What such a command is given.
struct Carrying {
  const CommandLine& line;
  const Streams& streams;
  Sink& sink;     ///< gets progress, items, and what is exported
  Logger logger;  ///< hears of warnings
  bool& reached;  ///< set when the store was found: what fails from then on is not the target
};

bool is_carrying(Verb verb);
/// Runs the command of `line`. The result is as those of the service (service.hpp); "clean": false
/// when something of the source could not be carried.
Result<Json> carry(const Carrying& context);

// One each; see command_line.cpp for what they take.
Result<Json> run_backup(const Carrying& context);
Result<Json> run_restore(const Carrying& context);
Result<Json> run_repair(const Carrying& context);
Result<Json> run_export(const Carrying& context);
Result<Json> run_import(const Carrying& context);

/// For the long calls of the store: tells the sink and asks it whether to go on.
ProgressFn progress_of(Sink& sink);
/// For the opening of a store, which mostly is done in half a second: that long `progress` is not
/// called, and nothing stopped.
ProgressFn late(ProgressFn progress);
/// The file memoria.toml of a data directory, to go along. One that cannot be read stays behind,
/// and that is told.
std::optional<std::string> settings_to_carry(const std::string& data_directory,
                                             const Logger& logger);
/// A store was made because there was none.
void tell_of_new_store(const Streams& streams, const std::string& data_directory);
/// Whom files that are made belong to: whoever runs this.
Caller this_user();

}  // namespace memoria::ctl
