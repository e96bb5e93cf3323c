// SPDX-License-Identifier: MIT
// The daemon's side of the control socket.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "core/base/result.hpp"
#include "fs/volume/volume.hpp"

namespace memoria {

struct ControlServerOptions {
  size_t max_connections = 16;  ///< more are told to come back later
  /// For a connection to give its request.
  std::chrono::milliseconds request_limit = std::chrono::seconds(10);
  /// For a client to give the next piece of `put`, or to take the next of a result (a pager that
  /// waits for a key is a client that stalls).
  std::chrono::milliseconds stall_limit = std::chrono::minutes(10);
  /// Where the volume is mounted, if it is so read-only: then no files are changed.
  std::string read_only_mount{};
};

/// Serves the commands of memoria-ctl on a unix socket, each connection in its own thread, in which
/// signals are blocked. Nothing that comes over the socket can block or end anything but its own
/// connection. Only the owner of this process and root are served. What is worth a log line goes to
/// the logger of the store's options.
class ControlServer {
 public:
  /// `socket_path` is the data directory's "control"; the caller owns the data directory, so
  /// whatever socket is there is dead and gets replaced. `volume` must outlive the server.
  static Result<std::unique_ptr<ControlServer>> start(Volume& volume,
                                                      const std::string& socket_path,
                                                      const ControlServerOptions& options = {});
  /// Stops running commands (they end with kCancelled), waits for them, and removes the socket.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  class Impl;
  explicit ControlServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace memoria
