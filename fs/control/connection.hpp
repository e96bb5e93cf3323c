// SPDX-License-Identifier: MIT
// One connection to the control server: one request, served.
#pragma once

#include <atomic>

#include "fs/control/frame_socket.hpp"
#include "fs/control/server.hpp"

namespace memoria {

/// Reads a request from the socket, executes it and sends what comes of it.
class ControlConnection {
 public:
  /// `stopping` turns true when the server ends, before stop(). All must outlive the connection.
  ControlConnection(UniqueFd fd, Volume& volume, const ControlServerOptions& options,
                    const std::atomic<bool>& stopping)
      : socket_(std::move(fd)), volume_(volume), options_(options), stopping_(stopping) {}

  /// Does it all; never throws.
  void serve();
  /// Makes serve() end soon, but not without an answer; from any thread.
  void stop() { socket_.stop_receiving(); }

 private:
  Result<Json> receive_request();
  Result<Json> run();
  void send_last(FrameType type, const Json& json);
  void log(Severity severity, std::string_view message) const;

  FrameSocket socket_;
  Volume& volume_;
  const ControlServerOptions& options_;
  const std::atomic<bool>& stopping_;
};

}  // namespace memoria
