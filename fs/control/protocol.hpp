// SPDX-License-Identifier: MIT
// What goes over the control socket: frames of [4-byte little-endian payload length][1-byte type]
// [payload]. One connection carries one request:
//
//   client: Q                      then, for commands that take data: D ... E
//   server: any of P, I, D, H ...  then R or X, and the connection ends
//
// The client gives up by closing the connection, or its sending half if it wants to hear whether
// the command was done all the same; the server then stops the command.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/store/reports.hpp"

namespace memoria {

using Json = nlohmann::json;

/// In every request as "protocol". A server refuses what it does not know.
inline constexpr int kControlProtocol = 1;

inline constexpr size_t kFrameHeadSize = 5;
/// Bytes of payload at most; checked before anything is allocated.
inline constexpr size_t kMaxFramePayload = 1 << 20;

enum class FrameType : char {
  kRequest = 'Q',   ///< JSON object: {"protocol", "command", arguments}
  kProgress = 'P',  ///< JSON object (progress_to_json()); may be left out at any time
  kItems = 'I',     ///< JSON array: parts of the result (entries, extents, damages, segments)
  kData = 'D',      ///< bytes of a file
  kHole = 'H',    ///< JSON object: {"length"}: so many zeros in place of D, for who asked for holes
  kEnd = 'E',     ///< no more data; empty
  kResult = 'R',  ///< JSON object; the last frame
  kError = 'X',   ///< JSON object: {"code", "errno", "message", "exit"}; the last frame
};

struct Frame {
  FrameType type = FrameType::kEnd;
  std::string payload;
};

/// The five bytes in front of a payload of this size (at most kMaxFramePayload).
std::string encode_frame_head(FrameType type, size_t payload_size);

/// Takes frames out of a stream of bytes that arrives in pieces. Holds at most one frame and what
/// came with the last piece.
class FrameDecoder {
 public:
  /// The next bytes of the stream.
  void append(std::string_view bytes) { buffer_.append(bytes); }
  /// The next frame, or nothing when more bytes are needed. kInvalidArgument: the stream is not of
  /// this protocol (unknown type, too long a payload); it stays so.
  Result<std::optional<Frame>> next();
  /// Nothing of a frame is waiting for its rest.
  bool at_boundary() const { return buffer_.empty(); }

 private:
  std::string buffer_;
};

/// One line of JSON, whatever the strings hold: bytes that are not UTF-8 become U+FFFD.
std::string to_text(const Json& json);
/// The object or array in a payload. kInvalidArgument.
Result<Json> parse_payload(const Frame& frame);

/// {"phase", "done", "total", "unit"}; the unit is "bytes" or "entries".
Json progress_to_json(const Progress& progress);

Json error_to_json(const Error& error);
/// The error in an X frame's payload; kIo when it makes no sense.
Error error_from_json(const Json& json);

}  // namespace memoria
