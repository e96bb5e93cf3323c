// SPDX-License-Identifier: MIT
#include "fs/binding/daemon.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "core/base/signals.hpp"
#include "fs/binding/logging.hpp"
#include "fs/binding/mount_table.hpp"
#include "fs/binding/notifier.hpp"
#include "fs/binding/opening_report.hpp"
#include "fs/binding/page_flusher.hpp"
#include "fs/binding/service_reporter.hpp"
#include "fs/binding/session.hpp"
#include "fs/control/server.hpp"

namespace memoria {
namespace {

using Clock = std::chrono::steady_clock;

// umount returns before the daemon has closed the store; so does a kill. A mount that follows at
// once waits this long for the owner to be gone.
constexpr auto kPatience = std::chrono::seconds(10);
constexpr auto kLockPoll = std::chrono::milliseconds(20);

/// Threads started while this lives never take the signals that mean "end": those must reach the
/// thread in Session::serve().
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t ending;
    sigemptyset(&ending);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) sigaddset(&ending, number);
    pthread_sigmask(SIG_BLOCK, &ending, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

void prepare_process() {
  std::signal(SIGPIPE, SIG_IGN);
  // The kernel may need this process to free memory: it must not wait for itself then. Needs
  // CAP_SYS_RESOURCE; without it nothing is lost but this.
  ::prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
}

Failure cannot_open(const Error& error, const std::string& data_directory) {
  switch (error.code) {
    case Errc::kInvalidArgument:
      return {MountExit::kUsage, error.describe()};
    case Errc::kLocked: {
      const auto mounted = mounted_from(data_directory);
      return {MountExit::kLocked,
              error.describe() +
                  (mounted ? fmt::format("; it is mounted at {}", mounted->mount_point) : "")};
    }
    default:
      return {MountExit::kDataDirectory, error.describe()};
  }
}

Result<std::unique_ptr<Store>> open_store(const std::string& data_directory,
                                          const Options& options) {
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    MEMORIA_TRY(auto environment,
                open_directory(data_directory, !options.read_only && options.create_if_missing));
    auto store = Store::open(std::move(environment), options);
    const bool may_free_itself = !store && store.error().code == Errc::kLocked &&
                                 Clock::now() < deadline && !mounted_from(data_directory);
    if (!may_free_itself) return store;
    std::this_thread::sleep_for(kLockPoll);
  }
}

/// By a signal that is blocked until the mount is served.
bool is_told_to_end() {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

Checked<std::unique_ptr<Volume>> open_volume(const Paths& paths, const MountOptions& wanted,
                                             const ServiceManager* manager) {
  Options options = wanted.store;
  options.logger = store_logger();
  const auto report = std::make_shared<OpeningReport>(paths.data_directory, manager);
  options.on_opening = [report](const Progress& progress) {
    report->update(progress);
    return !is_told_to_end();
  };
  options.read_only = wanted.read_only && on_read_only_disk(paths.data_directory);
  auto store = open_store(paths.data_directory, options);
  if (!store) return cannot_open(store.error(), paths.data_directory);
  auto volume =
      Volume::open(std::move(store).value(), {.uid = ::getuid(), .gid = ::getgid(), .umask = 0});
  if (!volume) return cannot_open(volume.error(), paths.data_directory);
  return std::move(volume).value();
}

/// Lets memoria-ctl in. A mount without it is better than none. A volume that never changes is
/// owned by nobody, and memoria-ctl opens it itself.
std::unique_ptr<ControlServer> start_control(Volume& volume, const Paths& paths,
                                             const MountOptions& options) {
  if (volume.store().options().read_only) return nullptr;
  ControlServerOptions wanted;
  if (options.read_only) wanted.read_only_mount = paths.mount_point;
  auto control = ControlServer::start(volume, paths.data_directory + "/control", wanted);
  if (control) return std::move(control).value();
  spdlog::error("memoria-ctl will not work on this mount: {}", control.error().describe());
  return nullptr;
}

/// A signal ends the mount while programs may have files open: what they wrote and the kernel has
/// not handed over yet would be lost with it. For PageFlusher::finish(), which waits for it.
void write_back(const Binding& binding, PageFlusher& flusher) {
  for (const auto ino : binding.written.all()) flusher.flush_then(ino, 0, [](int) {});
}

/// What memoria-ctl has asked for may be waiting for the kernel to take a message about a
/// directory, and the kernel for an answer to a program that looks into it.
void stop_control(std::unique_ptr<ControlServer> control, Session& session) {
  if (!control) return;
  std::atomic<bool> stopped = false;
  auto stopping = thread_without_signals([&] {
    control.reset();
    stopped = true;
  });
  session.serve_while([&] { return !stopped; });
  stopping.join();
}

/// Serves until the mount ends, and closes the volume. `blocked` is lifted when all of our threads
/// are there.
Checked<void> serve(Volume& volume, const Paths& paths, const MountOptions& options,
                    Reporter& reporter, MountGuard& guard, const ServiceManager* manager,
                    std::optional<BlockedSignals>& blocked) {
  SnapshotTrees snapshots(volume);
  Binding binding{.volume = volume,
                  .snapshots = snapshots,
                  .cache_times = options.cache_times,
                  .writeback = options.writeback && !options.read_only};
  MEMORIA_TRY(const auto session, Session::mount(binding, options, paths));
  guard.mounted(session->device());
  PageFlusher flusher(*session);
  binding.flusher = &flusher;
  volume.set_caches(kernel_caches(*session, binding, flusher));
  auto control = start_control(volume, paths, options);
  binding.on_ready = [&] {
    spdlog::info("{} is mounted at {}", paths.data_directory, paths.mount_point);
    if (!reporter.ready()) {
      spdlog::warn("the command that started this is gone; ending");
      session->stop();
    }
  };
  std::optional<ServiceReporter> service;
  if (manager != nullptr) service.emplace(*manager, guard, volume, paths.mount_point);
  blocked.reset();
  auto served = session->serve(options.max_threads);
  service.reset();
  if (session->was_told_to_end()) {
    write_back(binding, flusher);
  } else {
    guard.unmounted();
  }
  flusher.finish();
  stop_control(std::move(control), *session);
  volume.set_caches({});
  // While the session still lives: the committer may be answering an fsync through it.
  if (auto closed = volume.close(); !closed && served) {
    return Failure(MountExit::kInternal, "closing: " + closed.error().describe());
  }
  return served;
}

}  // namespace

Checked<void> run_daemon(const Paths& paths, const MountOptions& wanted, Reporter& reporter,
                         MountGuard& guard, const ServiceManager* manager) {
  prepare_process();
  std::optional<BlockedSignals> blocked(std::in_place);
  const auto opened = open_volume(paths, wanted, manager);
  if (!opened && is_told_to_end()) {
    spdlog::info("told to end: {}", opened.error().message);
    reporter.failed(opened.error());  // somebody may wait for the mount
    return ok();
  }
  if (!opened) return opened.error();
  const auto& volume = opened.value();
  reporter.warn(describe_losses(volume->store().stats()));  // it is mounted all the same
  MountOptions options = wanted;
  options.read_only |= volume->store().options().read_only;  // as a snapshot's directory is
  auto served = serve(*volume, paths, options, reporter, guard, manager, blocked);
  if (served) spdlog::info("{} is unmounted and closed", paths.data_directory);
  return served;
}

}  // namespace memoria
