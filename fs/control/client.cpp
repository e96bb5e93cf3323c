// SPDX-License-Identifier: MIT
#include "fs/control/client.hpp"

#include <cerrno>
#include <optional>

#include "fs/control/socket_address.hpp"

namespace memoria {
namespace {

constexpr auto kForever = std::chrono::hours(24 * 365);
// For the last word of a daemon that was asked to stop.
constexpr auto kPatience = std::chrono::seconds(3);
constexpr size_t kPieceSize = 256 << 10;

template <class T>
T number_or_zero(const Json& json, const char* field) {
  const auto value = json.find(field);
  return value != json.end() && value->is_number_unsigned() ? value->get<T>() : T{};
}

std::string text_or_nothing(const Json& json, const char* field) {
  const auto value = json.find(field);
  return value != json.end() && value->is_string() ? value->get<std::string>() : "";
}

void pass_progress(const Json& json, Sink& sink) {
  const auto phase = text_or_nothing(json, "phase");
  const auto unit = text_or_nothing(json, "unit") == "entries" ? Progress::Unit::kEntries
                                                               : Progress::Unit::kBytes;
  sink.progress({phase, number_or_zero<uint64_t>(json, "done"),
                 number_or_zero<uint64_t>(json, "total"), unit});
}

/// Passes a frame on; the result, when it was that.
Result<std::optional<Json>> take(const Frame& frame, Sink& sink) {
  if (frame.type == FrameType::kData) {
    MEMORIA_TRY(sink.data(frame.payload));
    return std::optional<Json>();
  }
  MEMORIA_TRY(auto json, parse_payload(frame));
  switch (frame.type) {
    case FrameType::kResult:
      return std::optional<Json>(std::move(json));
    case FrameType::kError:
      return error_from_json(json);
    case FrameType::kProgress:
      pass_progress(json, sink);
      break;
    case FrameType::kItems:
      for (auto& item : json) MEMORIA_TRY(sink.item(std::move(item)));
      break;
    case FrameType::kHole:
      MEMORIA_TRY(sink.hole(number_or_zero<uint64_t>(json, "length")));
      break;
    case FrameType::kRequest:
    case FrameType::kData:
    case FrameType::kEnd:
      return Error(Errc::kIo, "the daemon answered with something else than a result");
  }
  return std::optional<Json>();
}

bool takes_data(const Json& request) {
  const auto command = request.value("command", "");
  return command == "put" || command == "import";
}

}  // namespace

Result<std::unique_ptr<ControlClient>> ControlClient::connect(const std::string& data_directory) {
  MEMORIA_TRY(auto fd, connect_to(data_directory + "/control"));
  return std::unique_ptr<ControlClient>(new ControlClient(FrameSocket(std::move(fd))));
}

Status ControlClient::ping(const std::string& data_directory,
                           const std::function<bool()>& cancelled) {
  struct Nowhere final : Sink, Source {
    const std::function<bool()>* asks = nullptr;
    bool cancelled() override { return *asks && (*asks)(); }
    void progress(const Progress&) override {}
    Status item(Json) override { return ok(); }
    Status data(std::string_view) override { return ok(); }
    Result<size_t> read(std::span<char>) override { return size_t{0}; }
  } nowhere;
  nowhere.asks = &cancelled;
  MEMORIA_TRY(const auto client, connect(data_directory));
  MEMORIA_TRY(client->execute({{"command", "ping"}}, nowhere, nowhere));
  return ok();
}

Result<Json> ControlClient::execute(const Json& request, Sink& sink, Source& source) {
  if (sink.cancelled()) return Error(Errc::kCancelled);
  const auto sent = send_request(request, sink, source);
  // The daemon may refuse before it has read everything; what it said is still in the socket.
  if (!sent && sent.error().system != ECONNRESET) {
    socket_.shutdown();
    return sent.error();
  }
  // When the daemon has all data, it makes them appear: whoever gives up then would not know
  // whether they did.
  auto result = receive_result(sink, sent && takes_data(request));
  socket_.shutdown();
  return result;
}

Status ControlClient::send_request(const Json& request, Sink& sink, Source& source) {
  Json versioned = request;
  versioned["protocol"] = kControlProtocol;
  const auto text = to_text(versioned);
  if (text.size() > kMaxFramePayload) return Error(Errc::kTooLarge, "the request is too long");
  const auto cancelled = [&] { return sink.cancelled(); };
  MEMORIA_TRY(socket_.send(FrameType::kRequest, text, kForever, cancelled));
  return takes_data(request) ? send_data(sink, source) : ok();
}

/// Passes on what the daemon has said. An error when that was its last word, or it is gone.
Status ControlClient::take_arrived(Sink& sink) {
  while (socket_.has_arrived()) {
    MEMORIA_TRY(const auto frame, socket_.receive(kForever, [&] { return sink.cancelled(); }));
    if (frame) {
      MEMORIA_TRY(result_, take(*frame, sink));
    }
    if (!frame || result_) return Error(Errc::kIo, ECONNRESET, "the daemon takes no more data");
  }
  return ok();
}

/// The daemon may say more than the socket holds before it reads on: it is listened to all along.
Status ControlClient::send_data(Sink& sink, Source& source) {
  const auto cancelled = [&] { return sink.cancelled(); };
  const auto arrived = [&] { return take_arrived(sink); };
  std::string piece(kPieceSize, '\0');
  for (;;) {
    MEMORIA_TRY(const size_t n, source.read(piece));
    // Nothing is committed before the end has been sent, so this is the last moment to give up.
    if (sink.cancelled()) return Error(Errc::kCancelled);
    if (n == 0) break;
    MEMORIA_TRY(socket_.send(FrameType::kData, std::string_view(piece).substr(0, n), kForever,
                             cancelled, arrived));
    MEMORIA_TRY(arrived());
  }
  return socket_.send(FrameType::kEnd, {}, kForever, cancelled, arrived);
}

Result<Json> ControlClient::receive_result(Sink& sink, bool to_the_end) {
  while (!result_) {
    auto frame = socket_.receive(kForever, [&] { return !to_the_end && sink.cancelled(); });
    if (!frame && frame.error().code == Errc::kCancelled) return receive_last_word(sink);
    MEMORIA_TRY(const auto arrived, std::move(frame));
    if (!arrived) return Error(Errc::kIo, "the daemon ended without an answer");
    MEMORIA_TRY(result_, take(*arrived, sink));
  }
  return *std::move(result_);
}

/// Asks the daemon to stop; only it knows whether that came too late.
Result<Json> ControlClient::receive_last_word(Sink& sink) {
  socket_.stop_sending();
  const auto until = FrameSocket::Clock::now() + kPatience;
  while (!result_) {
    const auto frame = socket_.receive(until - FrameSocket::Clock::now());
    if (!frame || !frame.value()) {
      return Error(Errc::kCancelled, EINPROGRESS,
                   "interrupted; it may still be done: the daemon has not said that it was not");
    }
    MEMORIA_TRY(result_, take(*frame.value(), sink));
  }
  return *std::move(result_);
}

}  // namespace memoria
