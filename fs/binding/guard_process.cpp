// SPDX-License-Identifier: MIT
#include "fs/binding/guard_process.hpp"

#include <linux/magic.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <thread>

#include "fs/binding/kernel_connection.hpp"
#include "fs/binding/launch.hpp"

namespace memoria {
namespace {

constexpr int kDaemonDied = SIGUSR1, kMountGone = SIGUSR2;
constexpr int kTimeToEndMs = 500;

sigset_t awaited_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, kDaemonDied, kMountGone}) {
    sigaddset(&signals, number);
  }
  return signals;
}

/// The kernel answers statfs(2) from no cache: it comes to the daemon each time.
bool filesystem_answers(const char* mount_point) {
  struct statfs space {};
  return ::statfs(mount_point, &space) == 0 && space.f_type == FUSE_SUPER_MAGIC;
}

}  // namespace

void GuardProcess::run(pid_t daemon, bool keeps_log) {
  const sigset_t signals = awaited_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::prctl(PR_SET_NAME, "memoria-guard");
  ::prctl(PR_SET_PDEATHSIG, kDaemonDied, 0, 0, 0);
  if (::chdir("/") != 0 || ::getppid() != daemon) std::_Exit(EXIT_FAILURE);
  let_go_of_the_rest(keeps_log);
  std::thread([this] { listen(); }).detach();
  const bool told_to_end = wait_for_death(signals, daemon);
  if (mount_.is_connected) std::thread([this] { answer_for_the_dead(); }).detach();
  if (!daemon_ended_within(kTimeToEndMs) && mount_.device != 0) end_mount();
  if (mount_.is_connected && !told_to_end) {
    // Until the mount is gone, or this is to end. Each thread of the daemon that was left tells of
    // its death, too.
    int number = kDaemonDied;
    while (number == kDaemonDied) ::sigwait(&signals, &number);
  }
  std::_Exit(EXIT_SUCCESS);
}

void GuardProcess::let_go_of_the_rest(bool keeps_log) {
  ::closelog();  // opens again when there is something to say
  redirect_to_null({STDIN_FILENO, STDOUT_FILENO});
  if (!keeps_log) redirect_to_null({STDERR_FILENO});
  const auto [first, last] = std::minmax(descriptors_.socket, descriptors_.fuse_device);
  unsigned next = STDERR_FILENO + 1;
  for (const int kept : {first, last}) {
    if (kept < int(next)) continue;
    if (kept > int(next)) ::close_range(next, unsigned(kept) - 1, 0);
    next = unsigned(kept) + 1;
  }
  ::close_range(next, ~0U, 0);
}

/// True when it was told to end meanwhile. Such a signal goes to the whole group on a terminal, and
/// to a whole service: the daemon decides what comes of it, and this process ends with it.
bool GuardProcess::wait_for_death(const sigset_t& signals, pid_t daemon) const {
  bool told_to_end = false;
  for (;;) {
    siginfo_t info{};
    const int number = ::sigwaitinfo(&signals, &info);
    if (number < 0) continue;  // EINTR
    if (number != kDaemonDied) {
      told_to_end = true;
    } else if (info.si_pid == daemon) {  // nobody else can tell
      return told_to_end;
    }
  }
}

/// Answers the daemon's questions for as long as it lives.
void GuardProcess::listen() const {
  char byte = 0;
  for (;;) {
    const auto got = ::read(descriptors_.socket, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got != 1) return;
    byte = filesystem_answers(mount_point_.c_str()) ? 1 : 0;
    if (::send(descriptors_.socket, &byte, 1, MSG_NOSIGNAL) != 1) return;
  }
}

void GuardProcess::answer_for_the_dead() const {
  refuse_requests(descriptors_.fuse_device);
  ::kill(::getpid(), kMountGone);
}

/// Its end of the socket closes with its last thread.
bool GuardProcess::daemon_ended_within(int milliseconds) const {
  pollfd end = {.fd = descriptors_.socket, .events = 0, .revents = 0};
  return ::poll(&end, 1, milliseconds) > 0;
}

void GuardProcess::end_mount() const {
  const int error = end_connection(mount_point_, dev_t(mount_.device.load()));
  if (error == 0) {
    spdlog::warn("the daemon of {} was killed while the kernel wrote pages to it: ended the mount",
                 mount_point_);
  } else {
    spdlog::error(
        "the daemon of {} was killed and cannot end, and programs that use it hang: {}; run as "
        "root: umount -f {}",
        mount_point_, std::generic_category().message(error), mount_point_);
  }
}

}  // namespace memoria
