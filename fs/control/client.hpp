// SPDX-License-Identifier: MIT
// Asks the daemon that owns a data directory.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "fs/control/executor.hpp"
#include "fs/control/frame_socket.hpp"

namespace memoria {

/// A connection to a control server; good for one command. One thread at a time.
class ControlClient : public Executor {
 public:
  /// Connects to the daemon of `data_directory`. kNotFound: there is none; kIo: it is there but may
  /// not be asked (EACCES) or does not answer.
  static Result<std::unique_ptr<ControlClient>> connect(const std::string& data_directory);

  /// Whether the daemon of `data_directory` answers. One that is ending takes connections and drops
  /// them: kIo, kClosed or kCancelled then. kNotFound: there is none. Waits for as long as
  /// `cancelled`, which is asked again and again, is false, and then three seconds at most for a
  /// last word (kCancelled).
  static Status ping(const std::string& data_directory,
                     const std::function<bool()>& cancelled = {});

  /// Sends the request, and the source's data where the command takes some; passes on meanwhile
  /// what the daemon says. Waits as long as it takes, but not when the daemon refuses. Once
  /// sink.cancelled() is true the daemon is asked to stop, and what it then says counts: the
  /// result, if it was done already. kCancelled: it was not done; with EINPROGRESS: the daemon has
  /// not said so in a few seconds, and nobody knows. What takes data is only stopped before all are
  /// sent.
  Result<Json> execute(const Json& request, Sink& sink, Source& source) override;

 private:
  explicit ControlClient(FrameSocket socket) : socket_(std::move(socket)) {}
  Status send_request(const Json& request, Sink& sink, Source& source);
  Status send_data(Sink& sink, Source& source);
  Status take_arrived(Sink& sink);
  Result<Json> receive_result(Sink& sink, bool to_the_end);
  Result<Json> receive_last_word(Sink& sink);

  FrameSocket socket_;
  std::optional<Json> result_;  // that came before all data were sent
};

}  // namespace memoria
