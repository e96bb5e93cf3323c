// SPDX-License-Identifier: MIT
// What the key directory keeps for a key, packed: 15 to 20 bytes for a value in one record.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/coding.hpp"
#include "core/log/record.hpp"
#include "core/store/segments.hpp"

namespace memoria {

struct KeyPayload {
  enum class Form : uint8_t {
    kSimple,   ///< one record holds the whole value
    kPatched,  ///< see PatchedValue; `patched` is its number in the shard
  };
  Form form = Form::kSimple;
  Kind kind = Kind::kPut;  ///< of the simple value's record: kPut or kPiece
  Location location;
  uint32_t value_size = 0;
  uint64_t timestamp = 0;  ///< of a simple value: also its generation
  uint32_t patched = 0;
  bool is_inline = false;
  std::string_view value;  ///< when inline

  /// Longest inline value that fits a leaf's payload.
  static constexpr size_t kMaxInline = 220;

  static KeyPayload decode(std::string_view bytes) {
    KeyPayload p;
    Decoder in(bytes.substr(1));
    const auto tag = uint8_t(bytes.front());
    p.form = Form(tag & 3);
    if (p.form == Form::kPatched) {
      p.patched = in.le<uint32_t>();
      return p;
    }
    p.timestamp = in.le<uint64_t>();
    p.kind = (tag & kTagPiece) != 0 ? Kind::kPiece : Kind::kPut;
    p.is_inline = (tag & kTagInline) != 0;
    p.location.offset = in.le<uint32_t>();
    p.location.slot = Slot(in.varint());
    p.value_size = uint32_t(in.varint());
    p.value = in.rest();
    return p;
  }

  /// Encodes into `to` (at least 255 bytes); returns the bytes used.
  std::string_view encode(char* to) const {
    size_t n = 1;
    to[0] =
        char(uint8_t(form) | (kind == Kind::kPiece ? kTagPiece : 0) | (is_inline ? kTagInline : 0));
    if (form == Form::kPatched) {
      store_le<uint32_t>(to + n, patched);
      return {to, n + 4};
    }
    store_le<uint64_t>(to + n, timestamp);
    n += 8;
    store_le<uint32_t>(to + n, location.offset);
    n += 4;
    n += store_varint(to + n, location.slot);
    n += store_varint(to + n, value_size);
    if (is_inline) n += value.copy(to + n, kMaxInline);
    return {to, n};
  }

 private:
  static constexpr uint8_t kTagPiece = 4, kTagInline = 8;
};

}  // namespace memoria
