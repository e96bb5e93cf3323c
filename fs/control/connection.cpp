// SPDX-License-Identifier: MIT
#include "fs/control/connection.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>

#include "fs/control/service.hpp"
#include "fs/control/socket_address.hpp"

namespace memoria {
namespace {

constexpr auto kProgressInterval = std::chrono::milliseconds(100);
constexpr size_t kItemsAtOnce = 64 << 10;  // bytes of JSON text collected before they are sent
constexpr size_t kDataAtOnce = 256 << 10;

/// Sends what a command gives over the socket.
class SocketSink : public Sink {
 public:
  SocketSink(FrameSocket& socket, FrameSocket::Clock::duration stall_limit,
             const std::atomic<bool>& stopping)
      : socket_(socket), stall_limit_(stall_limit), stopping_(stopping) {}

  bool cancelled() override { return stopping_ || socket_.peer_gone(); }

  void progress(const Progress& p) override {
    const auto now = FrameSocket::Clock::now();
    if (now < next_progress_) return;
    // A stalled reader holds up nothing but what it is to read, whose socket is full most of the
    // time.
    if (!delivers_ && !socket_.ready_to_send()) return;
    next_progress_ = now + kProgressInterval;
    // When the client is gone the next cancelled() tells.
    (void)send(FrameType::kProgress, to_text(progress_to_json(p)));
  }

  Status item(Json item) override {
    items_ += items_.empty() ? '[' : ',';
    items_ += to_text(item);
    return items_.size() >= kItemsAtOnce ? flush() : ok();
  }

  Status data(std::string_view bytes) override {
    delivers_ = true;
    while (!bytes.empty()) {
      const auto piece = bytes.substr(0, kDataAtOnce);
      MEMORIA_TRY(send(FrameType::kData, piece));
      bytes.remove_prefix(piece.size());
    }
    return ok();
  }

  Status hole(uint64_t length) override {
    delivers_ = true;
    return send(FrameType::kHole, to_text({{"length", length}}));
  }

  /// Sends the items that are still here.
  Status flush() {
    if (items_.empty()) return ok();
    items_ += ']';
    delivers_ = true;
    const auto payload = std::exchange(items_, {});
    return send(FrameType::kItems, payload);
  }

 private:
  Status send(FrameType type, std::string_view payload) {
    return socket_.send(type, payload, stall_limit_, [this] { return stopping_.load(); });
  }

  FrameSocket& socket_;
  FrameSocket::Clock::duration stall_limit_;
  const std::atomic<bool>& stopping_;
  FrameSocket::Clock::time_point next_progress_{};
  std::string items_;
  bool delivers_ = false;  // parts of the result were sent, and so waited for the reader
};

/// Takes the data of `put` from the socket.
class SocketSource : public Source {
 public:
  SocketSource(FrameSocket& socket, FrameSocket::Clock::duration stall_limit)
      : socket_(socket), stall_limit_(stall_limit) {}

  Result<size_t> read(std::span<char> out) override {
    while (rest_.empty() && !ended_) {
      MEMORIA_TRY(auto frame, socket_.receive(stall_limit_));
      if (!frame) return Error(Errc::kCancelled, "the client went away");
      if (frame->type == FrameType::kEnd) {
        ended_ = true;
      } else if (frame->type == FrameType::kData) {
        piece_ = std::move(frame->payload);
        rest_ = piece_;
      } else {
        return Error(Errc::kInvalidArgument, "not the control protocol: data was expected");
      }
    }
    const size_t n = rest_.copy(out.data(), out.size());
    rest_.remove_prefix(n);
    return n;
  }

 private:
  FrameSocket& socket_;
  FrameSocket::Clock::duration stall_limit_;
  std::string piece_;
  std::string_view rest_;
  bool ended_ = false;
};

Status check_version(const Json& request) {
  const auto version = request.find("protocol");
  if (version != request.end() && *version == kControlProtocol) return ok();
  return Error(
      Errc::kUnsupported,
      fmt::format("the daemon (Memoria {}) speaks version {} of the control protocol only: "
                  "use the memoria-ctl that belongs to it",
                  MEMORIA_VERSION, kControlProtocol));
}

}  // namespace

Result<Json> ControlConnection::receive_request() {
  MEMORIA_TRY(const auto frame, socket_.receive(options_.request_limit));
  if (!frame) return Error(Errc::kCancelled);
  if (frame->type != FrameType::kRequest) {
    return Error(Errc::kInvalidArgument, "not the control protocol: no request at the beginning");
  }
  MEMORIA_TRY(auto request, parse_payload(*frame));
  if (!request.is_object()) {
    return Error(Errc::kInvalidArgument, "not the control protocol: the request is not an object");
  }
  MEMORIA_TRY(check_version(request));
  return request;
}

Result<Json> ControlConnection::run() {
  MEMORIA_TRY(const auto peer, peer_of(socket_.fd()));
  if (!may_control(peer.uid, ::geteuid())) {
    return Error(Errc::kPosix, EPERM, fmt::format("user {} may not control this daemon", peer.uid));
  }
  auto request = receive_request();
  if (!request) {
    if (request.error().code != Errc::kCancelled) {
      log(Severity::kWarning, "refused a control request: " + request.error().describe());
    }
    return request.error();
  }
  SocketSink sink(socket_, options_.stall_limit, stopping_);
  SocketSource source(socket_, options_.stall_limit);
  ControlService service(volume_.store(), &volume_,
                         {Caller{peer.uid, peer.gid}, true, options_.read_only_mount});
  auto result = service.execute(request.value(), sink, source);
  MEMORIA_TRY(sink.flush());
  if (!result && stopping_ && result.error().code == Errc::kCancelled) {
    return Error(Errc::kClosed, "the daemon ended before the command was done");
  }
  return result;
}

void ControlConnection::serve() {
  try {
    const auto result = run();
    if (result) {
      send_last(FrameType::kResult, result.value());
    } else {
      send_last(FrameType::kError, error_to_json(result.error()));
    }
  } catch (const std::exception& bug) {
    log(Severity::kError, fmt::format("a control command failed: {}", bug.what()));
    const Error error(Errc::kIo, fmt::format("internal error: {}", bug.what()));
    send_last(FrameType::kError, error_to_json(error));
  }
  socket_.shutdown();
}

void ControlConnection::send_last(FrameType type, const Json& json) {
  // The client may have gone without waiting for the answer: that is its business.
  (void)socket_.send(type, to_text(json), options_.stall_limit,
                     [this] { return stopping_.load(); });
}

void ControlConnection::log(Severity severity, std::string_view message) const {
  const auto& logger = volume_.store().options().logger;
  if (logger) logger(severity, message);
}

}  // namespace memoria
