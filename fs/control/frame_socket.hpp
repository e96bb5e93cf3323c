// SPDX-License-Identifier: MIT
// Frames over a socket, with limits on waiting.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string_view>

#include "core/base/result.hpp"
#include "core/base/unique_fd.hpp"
#include "fs/control/protocol.hpp"

namespace memoria {

/// One end of a control connection. One thread at a time; stop_receiving(), stop_sending() and
/// shutdown() from any.
class FrameSocket {
 public:
  using Clock = std::chrono::steady_clock;
  /// Asked several times a second while waiting; true ends the wait with kCancelled.
  using Cancelled = std::function<bool()>;
  /// Called when something has arrived (has_arrived()) while sending waits; receives it. An error
  /// ends the sending.
  using Arrived = std::function<Status()>;

  explicit FrameSocket(UniqueFd fd) : fd_(std::move(fd)) {}

  /// The next frame; nothing when the peer closed the connection between two frames.
  /// Errors: kInvalidArgument (not the protocol), kIo (closed within a frame; ETIMEDOUT: the whole
  /// frame was not there in `limit`), kCancelled.
  Result<std::optional<Frame>> receive(Clock::duration limit, const Cancelled& cancelled = {});

  /// Sends a frame; the payload has at most kMaxFramePayload bytes. kIo: the peer is gone
  /// (ECONNRESET), or took nothing for `limit` (ETIMEDOUT). kCancelled; that of `arrived`. After an
  /// error in the middle of a frame nothing more can be sent (ECONNRESET).
  Status send(FrameType type, std::string_view payload, Clock::duration limit,
              const Cancelled& cancelled = {}, const Arrived& arrived = {});

  /// A frame of modest size would be taken at once.
  bool ready_to_send() const;
  /// A part of a frame is there, or the end: receive() waits for the rest of the frame at most.
  bool has_arrived() const;
  /// The peer closed the connection or its sending half.
  bool peer_gone() const;
  /// Receives nothing more: ends a wait for it, now and later. Sending still works.
  void stop_receiving();
  /// Sends nothing more, which the other end sees as peer_gone(). Receiving still works.
  void stop_sending();
  /// Ends all waiting, now and later, at both ends.
  void shutdown();
  int fd() const { return fd_.get(); }

 private:
  Status send_all(msghdr& message, Clock::duration limit, const Cancelled& cancelled,
                  const Arrived& arrived);
  Status wait(short events, Clock::time_point until, const Cancelled& cancelled) const;

  UniqueFd fd_;
  FrameDecoder decoder_;
  bool torn_ = false;  // a part of a frame was sent, and its rest never will be
};

}  // namespace memoria
