// SPDX-License-Identifier: MIT
#include "fs/control/protocol.hpp"

#include <fmt/format.h>

#include "core/base/coding.hpp"
#include "fs/control/exit_code.hpp"

namespace memoria {
namespace {

bool is_frame_type(char c) {
  switch (FrameType(c)) {
    case FrameType::kRequest:
    case FrameType::kProgress:
    case FrameType::kItems:
    case FrameType::kData:
    case FrameType::kHole:
    case FrameType::kEnd:
    case FrameType::kResult:
    case FrameType::kError:
      return true;
  }
  return false;
}

std::optional<Errc> code_named(std::string_view word) {
  for (int i = int(Errc::kNotFound); i <= int(Errc::kPosix); ++i) {
    if (name(Errc(i)) == word) return Errc(i);
  }
  return std::nullopt;
}

}  // namespace

std::string encode_frame_head(FrameType type, size_t payload_size) {
  std::string head;
  append_le(head, uint32_t(payload_size));
  head.push_back(char(type));
  return head;
}

Result<std::optional<Frame>> FrameDecoder::next() {
  if (buffer_.size() < kFrameHeadSize) return std::optional<Frame>();
  const size_t size = load_le<uint32_t>(buffer_.data());
  const char type = buffer_[4];
  if (!is_frame_type(type)) {
    return Error(Errc::kInvalidArgument,
                 fmt::format("not the control protocol: frame type 0x{:02x}", uint8_t(type)));
  }
  if (size > kMaxFramePayload) {
    return Error(Errc::kInvalidArgument,
                 fmt::format("not the control protocol: a frame of {} bytes", size));
  }
  if (buffer_.size() < kFrameHeadSize + size) return std::optional<Frame>();
  Frame frame{FrameType(type), buffer_.substr(kFrameHeadSize, size)};
  buffer_.erase(0, kFrameHeadSize + size);
  return std::optional<Frame>(std::move(frame));
}

std::string to_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> parse_payload(const Frame& frame) {
  auto json = Json::parse(frame.payload, nullptr, false);
  if (!json.is_object() && !json.is_array()) {
    return Error(Errc::kInvalidArgument, "not the control protocol: the payload is not JSON");
  }
  return json;
}

Json progress_to_json(const Progress& progress) {
  const bool entries = progress.unit == Progress::Unit::kEntries;
  return {{"phase", progress.phase},
          {"done", progress.done},
          {"total", progress.total},
          {"unit", entries ? "entries" : "bytes"}};
}

Json error_to_json(const Error& error) {
  return {{"code", name(error.code)},
          {"errno", error.to_errno()},
          {"message", error.describe()},
          {"exit", int(exit_code_of(error))}};
}

Error error_from_json(const Json& json) {
  const Error nonsense(Errc::kIo, "the daemon answered with an error that makes no sense");
  if (!json.is_object()) return nonsense;
  const auto code = json.find("code"), message = json.find("message"), system = json.find("errno");
  if (code == json.end() || !code->is_string()) return nonsense;
  const auto errc = code_named(code->get<std::string>());
  if (!errc) return nonsense;
  Error error(*errc);
  if (message != json.end() && message->is_string()) error.message = message->get<std::string>();
  if (system != json.end() && system->is_number_integer()) error.system = system->get<int>();
  return error;
}

}  // namespace memoria
