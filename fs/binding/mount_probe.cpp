// SPDX-License-Identifier: MIT
#include "fs/binding/mount_probe.hpp"

#include <linux/magic.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace memoria {
namespace {

/// The kernel answers statfs(2) from no cache: it comes to the daemon each time.
bool filesystem_answers(const char* mount_point) {
  struct statfs space {};
  return ::statfs(mount_point, &space) == 0 && space.f_type == FUSE_SUPER_MAGIC;
}

ssize_t read_byte(int socket, char& byte) {
  ssize_t n = 0;
  do {
    n = ::read(socket, &byte, 1);
  } while (n < 0 && errno == EINTR);
  return n;
}

[[noreturn]] void answer_questions(int socket, const std::string& mount_point) {
  // What means "end" goes to the whole group on a terminal: the daemon decides, and this one ends
  // with it.
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) std::signal(number, SIG_IGN);
  ::prctl(PR_SET_NAME, "memoria-probe");
  if (::chdir("/") != 0) std::_Exit(EXIT_FAILURE);
  char byte = 0;
  while (read_byte(socket, byte) == 1) {
    byte = filesystem_answers(mount_point.c_str()) ? 1 : 0;
    if (::send(socket, &byte, 1, MSG_NOSIGNAL) != 1) break;
  }
  std::_Exit(EXIT_SUCCESS);
}

}  // namespace

MountProbe::MountProbe(const std::string& mount_point) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return;
  child_ = ::fork();
  if (child_ == 0) {
    ::close(ends[0]);
    answer_questions(ends[1], mount_point);
  }
  ::close(ends[1]);
  if (child_ > 0) {
    socket_ = ends[0];
  } else {
    ::close(ends[0]);
  }
}

MountProbe::~MountProbe() {
  if (!works()) return;
  ::close(socket_);
  // Not to be waited for when it is held up by a mount that does not end.
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, WNOHANG);
}

void MountProbe::ask() {
  const char question = 0;
  (void)::send(socket_, &question, 1, MSG_NOSIGNAL);
}

bool MountProbe::answered() {
  char answer = 0;
  return read_byte(socket_, answer) == 1 && answer == 1;
}

}  // namespace memoria
