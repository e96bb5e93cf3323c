// SPDX-License-Identifier: MIT
// Going to the background, seen from both sides: the command, which waits until it can say how it
// went, and the daemon, which tells it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <initializer_list>
#include <string>

#include "fs/binding/mount_exit.hpp"

namespace memoria {

/// The daemon's side. Without a waiting command (in the foreground) it does nothing.
class Reporter {
 public:
  Reporter() = default;
  explicit Reporter(int pipe) : pipe_(pipe) {}
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  /// Lets go of the terminal and its session, and tells the command that it may end. False when
  /// nobody waits any more: the user gave up, and the daemon should, too. Any thread; the first
  /// report counts.
  bool ready();
  /// Tells it on standard error, on which the command still waits; nothing to tell: "".
  void warn(const std::string& message) const;
  void failed(const Failure& failure);

 private:
  bool send(MountExit code, const std::string& message);

  int pipe_ = -1;
};

/// Makes these descriptors /dev/null.
void redirect_to_null(std::initializer_list<int> descriptors);

/// Runs `daemon` in a new process, which begins a session when it is ready, and returns its pid
/// when it has reported ready(), or what it reported instead. The new process ends with what
/// `daemon` returns. Must be called before any thread is started.
Checked<pid_t> launch(const std::function<MountExit(Reporter&)>& daemon);

}  // namespace memoria
