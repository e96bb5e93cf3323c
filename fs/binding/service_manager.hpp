// SPDX-License-Identifier: MIT
// What is told to systemd, or to whatever else speaks its protocol, when it has started this
// process.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace memoria {

/// The datagrams of sd_notify(3). That page documents them as stable and as something to be sent
/// without libsystemd. Linking it for three datagrams would bring four compression libraries and
/// libgcrypt into a process that holds everybody's files, and make two kinds of builds to test.
class ServiceManager {
 public:
  /// Nobody listens.
  ServiceManager() = default;
  /// Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that programs
  /// that this one starts do not speak for it. Before threads start.
  static ServiceManager from_environment();

  bool listens() const { return !address_.empty(); }
  /// Sends lines like "READY=1". Best effort, never blocks for long; any thread.
  void notify(std::string_view lines) const;
  /// As long as this may pass between two WATCHDOG=1; 0: they are not wanted.
  std::chrono::microseconds watchdog() const { return watchdog_; }

 private:
  std::string address_;  // of a socket: a path, or an abstract name behind a NUL
  std::chrono::microseconds watchdog_{0};
};

}  // namespace memoria
