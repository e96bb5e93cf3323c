// SPDX-License-Identifier: MIT
// volatile_disk: a directory mounted as a disk that loses what was not synced.
//
// It shows at MOUNTPOINT what BACKING holds, and keeps every change in memory. SIGUSR1 cuts the
// power: every request fails from then on, BACKING gets what a disk would hold after it, by --loss
// and --seed, and the program ends. SIGTERM loses nothing. What a sync promises, and what may
// survive without one, is tests/support/simulated_disk.hpp: data by the sync of the file, in any
// order and torn at sectors without; names in order, by the sync of a directory, as journaling
// filesystems do.
#include <csignal>
#include <cstdio>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>

#include "tests/powerloss/on_disk.hpp"
#include "tests/powerloss/server.hpp"

namespace memoria::powerloss {
namespace {

struct Options {
  std::string backing, mount_point;
  uint64_t seed = 1;
  test::Loss loss = test::Loss::kUnsynced;
  Lie lie = Lie::kNone;
};

void add_options(CLI::App& app, Options& options) {
  const std::map<std::string, test::Loss> losses{{"nothing", test::Loss::kNothing},
                                                 {"unsynced", test::Loss::kUnsynced},
                                                 {"latest", test::Loss::kLatestOnly},
                                                 {"random", test::Loss::kRandom}};
  const std::map<std::string, Lie> lies{
      {"none", Lie::kNone}, {"data", Lie::kData}, {"names", Lie::kNames}, {"all", Lie::kAll}};
  app.add_option("BACKING", options.backing)->required()->check(CLI::ExistingDirectory);
  app.add_option("MOUNTPOINT", options.mount_point)->required()->check(CLI::ExistingDirectory);
  app.add_option("--seed", options.seed, "chooses what survives");
  app.add_option("--loss", options.loss, "what a cut takes: nothing, unsynced, latest, random")
      ->transform(CLI::CheckedTransformer(losses));
  app.add_option("--lie", options.lie, "syncs that are acknowledged only: none, data, names, all")
      ->transform(CLI::CheckedTransformer(lies));
}

sigset_t signals_that_end() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

/// Returns what is left of the disk, and has it answer nothing more.
test::Remains cut(Server& server, test::Loss loss, uint64_t seed) {
  const std::lock_guard guard(server.mutex);
  server.is_dead = true;
  test::Random random(seed);
  return server.tree.disk().remains(loss, random);
}

/// Ends the process when a signal says so. The mount is dead then, and whoever cut unmounts it.
void wait_for_end(Server& server, const Options& options) {
  const auto signals = signals_that_end();
  int signal = 0;
  sigwait(&signals, &signal);
  int code = 0;
  try {
    store(cut(server, signal == SIGUSR1 ? options.loss : test::Loss::kNothing, options.seed),
          options.backing);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "volatile_disk: %s\n", error.what());
    code = 1;
  }
  std::_Exit(code);  // requests that wait for an answer fail
}

int serve_mount(const char* program, const Options& options) {
  Server server;
  load(server.tree, options.backing);
  server.tree.lie(options.lie);
  fuse_lowlevel_ops operations{};
  add_content_handlers(operations);
  add_name_handlers(operations);

  char name[] = "-ofsname=volatile_disk,default_permissions";
  char* argv[] = {const_cast<char*>(program), name, nullptr};
  fuse_args arguments = FUSE_ARGS_INIT(2, argv);
  auto* const session = fuse_session_new(&arguments, &operations, sizeof operations, &server);
  if (session == nullptr || fuse_session_mount(session, options.mount_point.c_str()) != 0) return 1;
  std::thread(wait_for_end, std::ref(server), std::cref(options)).detach();
  fuse_session_loop(session);
  std::_Exit(0);  // unmounted: nobody wants what was left
}

}  // namespace
}  // namespace memoria::powerloss

int main(int argc, char** argv) {
  using namespace memoria::powerloss;  // NOLINT(google-build-using-namespace)
  CLI::App app("A disk that loses what was not synced");
  Options options;
  add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  const auto signals = signals_that_end();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  try {
    return serve_mount(argv[0], options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "volatile_disk: %s\n", error.what());
    return 1;
  }
}
