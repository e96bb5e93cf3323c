// SPDX-License-Identifier: MIT
// What a MountGuard's process does.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <string>

namespace memoria {

/// What the daemon tells its guard of, in memory that both share.
struct GuardedMount {
  std::atomic<uint64_t> device{0};        ///< st_dev of the mount; 0: there is none
  std::atomic<bool> is_connected{false};  ///< GuardProcess::Descriptors::fuse_device is the mount's
};

class GuardProcess {
 public:
  struct Descriptors {
    int socket;       ///< to the daemon, for questions
    int fuse_device;  ///< -1: none
  };

  GuardProcess(Descriptors descriptors, const std::string& mount_point, const GuardedMount& mount)
      : descriptors_(descriptors), mount_point_(mount_point), mount_(mount) {}

  /// In the process that was just forked by `daemon`, from its main thread.
  [[noreturn]] void run(pid_t daemon, bool keeps_log);

 private:
  void let_go_of_the_rest(bool keeps_log);
  bool wait_for_death(const sigset_t& signals, pid_t daemon) const;
  void listen() const;
  void answer_for_the_dead() const;
  bool daemon_ended_within(int milliseconds) const;
  void end_mount() const;

  Descriptors descriptors_;
  const std::string& mount_point_;
  const GuardedMount& mount_;
};

}  // namespace memoria
