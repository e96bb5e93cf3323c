// SPDX-License-Identifier: MIT
#include "fs/binding/session.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>

#include "fs/binding/captured_stderr.hpp"
#include "fs/binding/handlers.hpp"
#include "fs/binding/logging.hpp"
#include "fs/binding/raw_requests.hpp"
#include "fs/binding/serve_loop.hpp"

namespace memoria {
namespace {

constexpr int kServePoll = 10;  ///< milliseconds

/// libfuse's argument list.
class Arguments {
 public:
  Arguments() = default;
  ~Arguments() {
    fuse_opt_free_args(&args_);
    std::free(options_);  // NOLINT(cppcoreguidelines-no-malloc): libfuse made it so
  }
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  void add_option(const std::string& option) {
    if (fuse_opt_add_opt_escaped(&options_, option.c_str()) != 0) throw std::bad_alloc();
  }
  fuse_args* finish() {
    for (const char* argument : {"memoria-fs", "-o", static_cast<const char*>(options_)}) {
      if (fuse_opt_add_arg(&args_, argument) != 0) throw std::bad_alloc();
    }
    return &args_;
  }

 private:
  fuse_args args_ = FUSE_ARGS_INIT(0, nullptr);
  char* options_ = nullptr;
};

void add_all(Arguments& arguments, const MountOptions& options, const Paths& paths) {
  arguments.add_option("fsname=" + paths.data_directory);
  arguments.add_option("subtype=memoria");
  // Without it a result that one user was allowed to see is shown to others from the kernel's
  // caches.
  arguments.add_option("default_permissions");
  arguments.add_option(options.read_only ? "ro" : "rw");
  // libfuse itself adds nosuid and nodev unless suid and dev are given. Note that mount(8), for
  // /etc/fstab and systemd, does give both unless told otherwise.
  // libfuse falls back to /dev/fuse when the kernel does not offer it.
  if (kHasIoUring && options.io_uring) arguments.add_option("io_uring");
  for (const auto& option : options.kernel) arguments.add_option(option);
}

bool kernel_offers_io_uring() {
  std::ifstream parameter("/sys/module/fuse/parameters/enable_uring");
  return parameter.get() == 'Y';
}

Failure refused(const std::string& mount_point, const std::string& said) {
  if (::access("/dev/fuse", F_OK) != 0) {
    return {MountExit::kMount,
            "cannot mount: /dev/fuse is missing; run: modprobe fuse (in a container: allow the "
            "device)"};
  }
  return {MountExit::kMount, fmt::format("cannot mount at {}: {}", mount_point,
                                         said.empty() ? "libfuse gives no reason" : said)};
}

}  // namespace

Checked<std::unique_ptr<Session>> Session::mount(Binding& binding, const MountOptions& options,
                                                 const Paths& paths) {
  Arguments arguments;
  add_all(arguments, options, paths);
  const auto operations = make_operations();

  // libfuse and fusermount3 tell what is wrong on the standard error only.
  CapturedStderr captured;
  auto* raw = fuse_session_new(arguments.finish(), &operations, sizeof operations, &binding);
  if (raw == nullptr) return refused(paths.mount_point, captured.finish());
  std::unique_ptr<Session> session(new Session(raw));
  if (fuse_session_mount(raw, paths.mount_point.c_str()) != 0) {
    return refused(paths.mount_point, captured.finish());
  }
  session->mounted_ = true;
  session->io_uring_ = kHasIoUring && options.io_uring && kernel_offers_io_uring();
  if (!session->io_uring_) watch_requests(raw);
  if (const auto said = captured.finish(); !said.empty()) spdlog::warn("mount: {}", said);
  log_libfuse_messages();

  if (fuse_set_signal_handlers(raw) != 0) {
    return Failure(MountExit::kInternal, "cannot set signal handlers");
  }
  session->handles_signals_ = true;
  return session;
}

Session::~Session() {
  if (handles_signals_) fuse_remove_signal_handlers(raw_);
  if (mounted_) fuse_session_unmount(raw_);
  fuse_session_destroy(raw_);
}

/// Over io_uring the kernel hands each core's requests to a thread of that core; libfuse has these.
int Session::serve_by_libfuse(unsigned max_threads) {
  const std::unique_ptr<fuse_loop_config, decltype(&fuse_loop_cfg_destroy)> config(
      fuse_loop_cfg_create(), &fuse_loop_cfg_destroy);
  fuse_loop_cfg_set_max_threads(config.get(), max_threads);
  return fuse_session_loop_mt(raw_, config.get());
}

Checked<void> Session::serve(unsigned max_threads) {
  const int result = io_uring_ ? serve_by_libfuse(max_threads) : ServeLoop(raw_, max_threads).run();
  if (result < 0) {
    return Failure(MountExit::kMount, fmt::format("serving the mount ended: {}",
                                                  std::generic_category().message(-result)));
  }
  told_to_end_ = result > 0;
  if (told_to_end_) spdlog::info("told to end by signal {} ({})", result, strsignal(result));
  return ok();
}

void Session::serve_while(const std::function<bool()>& wanted) {
  RequestBuffer request;
  while (wanted()) {
    pollfd device{.fd = fuse_session_fd(raw_), .events = POLLIN, .revents = 0};
    if (::poll(&device, 1, kServePoll) == 0) continue;
    const int received = fuse_session_receive_buf(raw_, &request);
    if (received == -EINTR || received == -EAGAIN) continue;
    if (received <= 0) break;
    fuse_session_process_buf(raw_, &request);
  }
}

}  // namespace memoria
