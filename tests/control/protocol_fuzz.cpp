// SPDX-License-Identifier: MIT
// Any bytes as what arrives at the control socket: frames within their limits, or a refusal; what
// is in them is JSON that can be read, or a refusal. The first byte tells how large the pieces are
// in which the rest arrives.
#include <algorithm>
#include <string_view>

#include "fs/control/byte_text.hpp"
#include "fs/control/protocol.hpp"
#include "tests/fuzz/require.hpp"

namespace memoria {
namespace {

void look_into(const Frame& frame) {
  const auto json = parse_payload(frame);
  if (!json) return;
  const auto error = error_from_json(json.value());
  FUZZ_REQUIRE(!error_to_json(error).empty());
  FUZZ_REQUIRE(!to_text(json.value()).empty());
  for (const char* field : {"path", "key"}) {
    const auto bytes = get_bytes(json.value(), field);
    if (!bytes) continue;
    Json copy;
    set_bytes(copy, field, *bytes);
    FUZZ_REQUIRE(get_bytes(copy, field) == bytes);
  }
}

void receive(std::string_view stream, size_t piece) {
  FrameDecoder decoder;
  const size_t all = stream.size();
  size_t taken = 0;
  while (!stream.empty()) {
    decoder.append(stream.substr(0, piece));
    stream.remove_prefix(std::min(piece, stream.size()));
    for (;;) {
      const auto frame = decoder.next();
      if (!frame) return;
      if (!frame.value()) break;
      FUZZ_REQUIRE(frame.value()->payload.size() <= kMaxFramePayload);
      taken += kFrameHeadSize + frame.value()->payload.size();
      FUZZ_REQUIRE(taken <= all);
      look_into(*frame.value());
    }
  }
}

}  // namespace
}  // namespace memoria

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  memoria::receive(bytes.substr(1), size_t(data[0]) + 1);
  return 0;
}
