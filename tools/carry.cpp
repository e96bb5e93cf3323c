// SPDX-License-Identifier: MIT
#include "tools/carry.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "fs/settings/settings_file.hpp"

namespace memoria::ctl {
namespace {

constexpr auto kSoon = std::chrono::milliseconds(500);

}  // namespace

bool is_carrying(Verb verb) {
  switch (verb) {
    case Verb::kBackup:
    case Verb::kRestore:
    case Verb::kRepair:
    case Verb::kExport:
    case Verb::kImport:
      return true;
    default:
      return false;
  }
}

Result<Json> carry(const Carrying& context) {
  switch (context.line.verb) {
    case Verb::kBackup:
      return run_backup(context);
    case Verb::kRestore:
      return run_restore(context);
    case Verb::kRepair:
      return run_repair(context);
    case Verb::kExport:
      return run_export(context);
    case Verb::kImport:
      return run_import(context);
    default:
      return Error(Errc::kUnsupported, "not a command that carries a store");
  }
}

ProgressFn progress_of(Sink& sink) {
  return [&sink](const Progress& progress) {
    sink.progress(progress);
    return !sink.cancelled();
  };
}

ProgressFn late(ProgressFn progress) {
  const auto begin = std::chrono::steady_clock::now();
  return [progress = std::move(progress), begin](const Progress& done) {
    return std::chrono::steady_clock::now() - begin < kSoon || progress(done);
  };
}

std::optional<std::string> settings_to_carry(const std::string& data_directory,
                                             const Logger& logger) {
  auto text = read_settings_file(data_directory);
  if (text) return std::move(text).value();
  if (logger) {
    logger(Severity::kWarning,
           fmt::format("{}; the copy goes without it", text.error().describe()));
  }
  return std::nullopt;
}

void tell_of_new_store(const Streams& streams, const std::string& data_directory) {
  (void)streams.err(fmt::format("memoria-ctl: made a new store in {}\n", data_directory));
}

Caller this_user() {
  return {::getuid(), ::getgid()};
}

}  // namespace memoria::ctl
