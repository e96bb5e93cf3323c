// SPDX-License-Identifier: MIT
#include "fs/binding/mount_guard.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <new>

#include "fs/binding/kernel_connection.hpp"

namespace memoria {
namespace {

/// Null: errno.
GuardedMount* share_with_child() {
  void* const memory = ::mmap(nullptr, sizeof(GuardedMount), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : new (memory) GuardedMount;
}

}  // namespace

MountGuard::MountGuard(const std::string& mount_point, bool keeps_log)
    : mount_point_(mount_point),
      mount_(share_with_child()),
      fuse_device_(::open("/dev/fuse", O_RDWR | O_CLOEXEC)) {
  std::array<int, 2> ends{};
  if (mount_ == nullptr) return;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return;
  socket_ = UniqueFd(ends[0]);
  const UniqueFd others(ends[1]);
  const pid_t daemon = ::getpid();
  child_ = ::fork();
  if (child_ == 0) {
    GuardProcess({others.get(), fuse_device_.get()}, mount_point_, *mount_).run(daemon, keeps_log);
  }
}

MountGuard::~MountGuard() {
  if (works()) {
    // Not to be waited for when it is held up by a mount that does not end.
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, WNOHANG);
  }
  if (mount_ != nullptr) ::munmap(mount_, sizeof *mount_);
}

void MountGuard::mounted(int fuse_device) {
  if (fuse_device >= 0 && fuse_device_) {
    mount_->is_connected = join_connection(fuse_device_.get(), fuse_device);
  }
  // From now on it is the guard's alone: it must not stay open when the guard is killed.
  fuse_device_.reset();
  if (const auto device = device_mounted_at(mount_point_)) mount_->device = *device;
}

void MountGuard::unmounted() {
  mount_->device = 0;
}

void MountGuard::ask() {
  const char question = 0;
  (void)::send(socket_.get(), &question, 1, MSG_NOSIGNAL);
}

bool MountGuard::answered() {
  char answer = 0;
  ssize_t got = 0;
  do {
    got = ::read(socket_.get(), &answer, 1);
  } while (got < 0 && errno == EINTR);
  return got == 1 && answer == 1;
}

}  // namespace memoria
