// SPDX-License-Identifier: MIT
// memoria-ceiling-fs: a filesystem in memory that does nothing but answer. What a program takes on
// it is what FUSE itself takes, and the most that any filesystem behind FUSE can reach.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "fs/binding/launch.hpp"
#include "fs/binding/raw_requests.hpp"
#include "tests/bench/ceiling/handlers.hpp"

namespace memoria::ceiling {
namespace {

void init(void* user_data, fuse_conn_info* connection) {
  auto& server = *static_cast<Server*>(user_data);
  server.left = negotiate_speed(*connection, /*writeback=*/true);
  if (server.on_ready) server.on_ready();
}

fuse_lowlevel_ops make_operations(bool xattrs) {
  fuse_lowlevel_ops operations{};
  operations.init = init;
  add_file_handlers(operations);
  add_name_handlers(operations);
  add_listing_handlers(operations);
  if (xattrs) add_xattr_handlers(operations);
  return operations;
}

void add_argument(fuse_args& arguments, const char* argument) {
  if (fuse_opt_add_arg(&arguments, argument) != 0) throw std::bad_alloc();
}

int loop(fuse_session* session, const fuse_cmdline_opts& options) {
  const std::unique_ptr<fuse_loop_config, decltype(&fuse_loop_cfg_destroy)> config(
      fuse_loop_cfg_create(), &fuse_loop_cfg_destroy);
  fuse_loop_cfg_set_max_threads(config.get(), options.max_threads);
  fuse_loop_cfg_set_clone_fd(config.get(), static_cast<unsigned>(options.clone_fd));
  return options.singlethread != 0 ? fuse_session_loop(session)
                                   : fuse_session_loop_mt(session, config.get());
}

/// As core/store/appender.cpp prepares when there are many syncs.
constexpr uint64_t kAheadOfSyncs = 512 << 10;

/// Options that libfuse does not know.
struct Extras {
  int xattrs = 0;
  char* log = nullptr;  // a path; libfuse allocates it
  int syncs = 0;
};

/// Serves until the end of the mount. libfuse says what is wrong on the standard error.
MountExit serve_mount(fuse_args& arguments, const fuse_cmdline_opts& options, const Extras& extras,
                      Reporter& reporter) {
  Server server;
  if (extras.log != nullptr) {
    auto log = WriteLog::create(extras.log, extras.syncs != 0 ? kAheadOfSyncs : 0);
    if (!log) {
      reporter.failed({MountExit::kUsage, std::string(extras.log) + ": " + log.error().describe()});
      return MountExit::kUsage;
    }
    server.log = std::move(log).value();
    server.syncs = extras.syncs != 0;
  }
  server.on_ready = [&] { reporter.ready(); };
  const auto operations = make_operations(extras.xattrs != 0);
  auto* const session = fuse_session_new(&arguments, &operations, sizeof operations, &server);
  if (session == nullptr) {
    reporter.failed({MountExit::kUsage, "a mount option is wrong"});
    return MountExit::kUsage;
  }
  auto code = MountExit::kMount;
  if (fuse_session_mount(session, options.mountpoint) == 0) {
    if (extras.xattrs != 0) watch_requests(session);  // the kernel then asks only once a file
    // A positive result is the signal that ended it.
    if (fuse_set_signal_handlers(session) == 0 && loop(session, options) >= 0) {
      code = MountExit::kOk;
    }
    fuse_session_unmount(session);
  }
  if (code != MountExit::kOk) reporter.failed({code, "cannot mount"});
  // The nodes are not freed one by one: the end of the process does it at once.
  std::_Exit(static_cast<int>(code));
}

void print_help(const char* program) {
  std::printf("usage: %s MOUNTPOINT [-f] [-o OPTIONS]\n\n", program);
  std::puts(
      "    -o xattr               there may be extended attributes: the kernel asks for them\n"
      "    -o log=FILE            what is written is appended to FILE, too\n"
      "    -o sync_log            and made durable when a program syncs: one fdatasync for all "
      "who\n"
      "                           wait. Each waits in a thread (-o max_threads=N)");
  fuse_cmdline_help();
  fuse_lowlevel_help();
}

int fail(const char* program, MountExit code, const char* message) {
  std::fprintf(stderr, "%s: %s\n", program, message);
  return static_cast<int>(code);
}

/// libfuse's argument list and what it made of it.
struct CommandLine {
  CommandLine(int argc, char** argv) : arguments(FUSE_ARGS_INIT(argc, argv)) {}
  ~CommandLine() {
    std::free(options.mountpoint);  // NOLINT(cppcoreguidelines-no-malloc): libfuse made it so
    fuse_opt_free_args(&arguments);
  }
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  fuse_args arguments;
  fuse_cmdline_opts options{};
};

int run(int argc, char** argv) {
  CommandLine line(argc, argv);
  auto& [arguments, options] = line;
  if (fuse_parse_cmdline(&arguments, &options) != 0) return static_cast<int>(MountExit::kUsage);
  if (options.show_help != 0) {
    print_help(argv[0]);
    return 0;
  }
  if (options.mountpoint == nullptr) {
    return fail(argv[0], MountExit::kUsage, "MOUNTPOINT is required");
  }
  Extras extras;
  const fuse_opt ours[] = {{"xattr", offsetof(Extras, xattrs), 1},
                           {"log=%s", offsetof(Extras, log), 0},
                           {"sync_log", offsetof(Extras, syncs), 1},
                           FUSE_OPT_END};
  const int parsed = fuse_opt_parse(&arguments, &extras, ours, nullptr);
  const std::unique_ptr<char, decltype(&std::free)> log(extras.log, &std::free);
  if (parsed != 0) {
    return fail(argv[0], MountExit::kUsage, "the options cannot be read");
  }
  if (extras.syncs != 0 && extras.log == nullptr) {
    return fail(argv[0], MountExit::kUsage, "sync_log needs log=FILE");
  }
  add_argument(arguments, "-ofsname=memoria-ceiling,default_permissions");

  const auto daemon = [&](Reporter& reporter) {
    return serve_mount(line.arguments, line.options, extras, reporter);
  };
  if (options.foreground != 0) {
    Reporter nobody;
    return static_cast<int>(daemon(nobody));
  }
  if (const auto launched = launch(daemon); !launched) {
    return fail(argv[0], launched.error().code, launched.error().message.c_str());
  }
  return 0;
}

}  // namespace
}  // namespace memoria::ceiling

int main(int argc, char** argv) {
  return memoria::ceiling::run(argc, argv);
}
