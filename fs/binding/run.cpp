// SPDX-License-Identifier: MIT
#include "fs/binding/run.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <syslog.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <ostream>
#include <system_error>

#include "fs/binding/daemon.hpp"
#include "fs/binding/fuse.hpp"
#include "fs/binding/logging.hpp"
#include "fs/binding/remount.hpp"
#include "fs/settings/settings_file.hpp"

namespace memoria {
namespace {

constexpr const char* kSettingsFileHelp =
    "Those up to verify_reads can also stand in DATADIR/memoria.toml; -o counts more.\n";
constexpr const char* kExitCodeHelp =
    "Exit codes: 0 mounted (with -f: unmounted again), 1 internal error, 2 usage,\n"
    "3 data directory, 4 data directory in use by another process, 5 mount point, 6 mounting "
    "failed\n";

struct CommandLine {
  std::string data_directory, mount_point;
  std::vector<std::string> options;
  bool foreground = false;
};

/// The daemon has reported that it serves; now the mount has to answer to a program that asks.
Checked<void> check_answers(const std::string& mount_point) {
  if (is_handed_over(mount_point)) return ok();
  struct statvfs space {};
  struct stat root {};
  if (::statvfs(mount_point.c_str(), &space) != 0 || ::stat(mount_point.c_str(), &root) != 0) {
    return Failure(MountExit::kMount,
                   fmt::format("the mount at {} does not answer: {}", mount_point,
                               std::generic_category().message(errno)));
  }
  if (root.st_ino != kRootInode) {
    return Failure(
        MountExit::kMount,
        fmt::format("{} shows another filesystem; is something mounted over it?", mount_point));
  }
  return ok();
}

Failure no_guard(int error) {
  return {MountExit::kInternal, "cannot start the process that guards the mount: " +
                                    std::generic_category().message(error)};
}

Checked<void> run_foreground(const Paths& paths, const MountOptions& options,
                             const ServiceManager& manager) {
  Reporter nobody;
  MountGuard guard(paths.mount_point, true);
  if (!guard.works()) return no_guard(errno);
  if (!manager.listens()) return run_daemon(paths, options, nobody, guard, nullptr);
  manager.notify("STATUS=Opening " + paths.data_directory);
  return run_daemon(paths, options, nobody, guard, &manager);
}

/// Logs what it ends with, and tells whoever waits for the mount.
MountExit run_logged(const Paths& paths, const MountOptions& options, Reporter& reporter) {
  try {
    MountGuard guard(paths.mount_point, false);
    const Checked<void> done =
        guard.works() ? run_daemon(paths, options, reporter, guard, nullptr) : no_guard(errno);
    if (done) return MountExit::kOk;
    spdlog::error("{}", done.error().message);
    reporter.failed(done.error());
    return done.error().code;
  } catch (const std::exception& e) {
    spdlog::critical("{}; this is a bug", e.what());
    reporter.failed({MountExit::kInternal, e.what()});
    return MountExit::kInternal;
  }
}

Checked<void> run_background(const Paths& paths, const MountOptions& options) {
  const auto daemon = [&](Reporter& reporter) {
    log_to(LogTarget::kSyslog);
    const auto code = run_logged(paths, options, reporter);
    finish_log();
    return code;
  };
  MEMORIA_TRY(const pid_t child, launch(daemon));
  auto answers = check_answers(paths.mount_point);
  if (!answers) ::kill(child, SIGTERM);
  return answers;
}

Checked<void> add_options(const CommandLine& command, MountOptions& options) {
  for (const auto& list : command.options) MEMORIA_TRY(add_mount_options(list, options));
  if (options.read_only)
    options.store.create_if_missing = false;  // the name is a wrong one, rather
  return ok();
}

/// What stands in the data directory counts less than what is said here.
Checked<void> add_settings_file(const CommandLine& command, MountOptions& options) {
  MountOptions all;
  if (const auto loaded = load_settings(command.data_directory, all.store); !loaded) {
    const bool wrong = loaded.error().code == Errc::kInvalidArgument;
    return Failure(wrong ? MountExit::kUsage : MountExit::kDataDirectory,
                   loaded.error().describe());
  }
  MEMORIA_TRY(add_options(command, all));
  options.store = all.store;
  return ok();
}

Checked<void> start(const CommandLine& command, const ServiceManager& manager) {
  log_to(standard_error());
  if (asks_to_remount(command.options)) return remount(command.mount_point, command.options);
  MountOptions options;
  MEMORIA_TRY(add_options(command, options));
  auto data_directory = command.data_directory;
  if (!options.snapshot.empty()) {
    MEMORIA_TRY(data_directory, snapshot_directory(data_directory, options.snapshot));
    options.read_only = true;
  }
  MEMORIA_TRY(const Paths paths, check_paths(data_directory, command.mount_point, options));
  MEMORIA_TRY(add_settings_file(command, options));
  return command.foreground ? run_foreground(paths, options, manager)
                            : run_background(paths, options);
}

void describe(CLI::App& app, CommandLine& command) {
  app.name("memoria-fs");
  app.set_version_flag("-V,--version", fmt::format("memoria-fs {} (libfuse {})", MEMORIA_VERSION,
                                                   fuse_pkgversion()));
  app.footer(describe_mount_options() + "\n" + kSettingsFileHelp + "\n" + kExitCodeHelp);
  app.add_option("DATADIR", command.data_directory,
                 "Holds the volume; made on first use, unless no_create")
      ->required();
  app.add_option("MOUNTPOINT", command.mount_point, "Where it shall appear")->required();
  app.add_option("-o", command.options, "Mount options, separated by commas")
      ->type_name("OPTION,...")
      ->allow_extra_args(false);
  app.add_flag("-f,--foreground", command.foreground,
               "Stay in the foreground and log to the standard error");
}

MountExit complain(std::ostream& err, const Failure& failure) {
  if (standard_error() == LogTarget::kJournal) err << '<' << LOG_ERR << '>';
  err << "memoria-fs: " << failure.message << std::endl;
  return failure.code;
}

}  // namespace

int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  CLI::App app("Mounts a Memoria volume: a directory whose every byte lives in a Bitcask.");
  CommandLine command;
  describe(app, command);
  const auto manager = ServiceManager::from_environment();
  auto code = MountExit::kOk;
  try {
    app.parse(argc, argv);
    if (const auto started = start(command, manager); !started) {
      manager.notify("STATUS=" + started.error().message);
      code = complain(err, started.error());
    }
  } catch (const CLI::Success& asked) {  // --help, --version
    app.exit(asked, out, err);
  } catch (const CLI::ParseError& e) {
    code = complain(err, {MountExit::kUsage, fmt::format("{}; see memoria-fs --help", e.what())});
  } catch (const std::exception& e) {
    code = complain(err, {MountExit::kInternal, fmt::format("{}; this is a bug", e.what())});
  }
  finish_log();
  return static_cast<int>(code);
}

}  // namespace memoria
