// SPDX-License-Identifier: MIT
// Explicit little-endian and varint codecs: nothing is copied from a struct to disk.
// Varints are LEB128, as in protocol buffers; signed ones are zigzag-coded first.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace memoria {

template <std::unsigned_integral T>
constexpr T to_little(T v) {
  if constexpr (std::endian::native == std::endian::big) {
    T out = 0;
    for (size_t i = 0; i < sizeof(T); ++i) out = T(out << 8) | T((v >> (8 * i)) & 0xff);
    return out;
  }
  return v;
}

/// Writes sizeof(T) bytes at `to`, least significant first.
template <std::unsigned_integral T>
void store_le(char* to, T v) {
  v = to_little(v);
  std::memcpy(to, &v, sizeof v);
}

template <std::unsigned_integral T>
T load_le(const char* from) {
  T v;
  std::memcpy(&v, from, sizeof v);
  return to_little(v);
}

template <std::unsigned_integral T>
void append_le(std::string& out, T v) {
  char raw[sizeof(T)];
  store_le(raw, v);
  out.append(raw, sizeof raw);
}

/// Big-endian, so that keys made of numbers sort by number.
inline void append_be64(std::string& out, uint64_t v) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(char(v >> shift));
}

inline uint64_t load_be64(const char* from) {
  uint64_t v = 0;
  for (int i = 0; i < 8; ++i) v = v << 8 | uint8_t(from[i]);
  return v;
}

/// Writes at most 10 bytes at `to`; returns how many.
inline size_t store_varint(char* to, uint64_t v) {
  size_t n = 0;
  while (v >= 0x80) {
    to[n++] = char(v | 0x80);
    v >>= 7;
  }
  to[n++] = char(v);
  return n;
}

inline void append_varint(std::string& out, uint64_t v) {
  char raw[10];
  out.append(raw, store_varint(raw, v));
}

constexpr uint64_t zigzag(int64_t v) {
  return uint64_t(v) << 1 ^ uint64_t(v >> 63);
}
constexpr int64_t unzigzag(uint64_t v) {
  return int64_t(v >> 1) ^ -int64_t(v & 1);
}

/// Takes values off the front of a byte range. Every read is checked: after the first failure
/// ok() is false, all later reads give 0 or an empty view, and nothing outside is touched.
class Decoder {
 public:
  explicit Decoder(std::string_view input) : rest_(input) {}

  template <std::unsigned_integral T>
  T le() {
    const auto raw = bytes(sizeof(T));
    return raw.size() == sizeof(T) ? load_le<T>(raw.data()) : T{0};
  }

  uint64_t varint() {
    // Most are one byte. Of the others nearly all are read at once: where a loop ends would be
    // guessed wrong as often as lengths vary (reading hints of ten million keys: 0.14 s, not 0.18).
    if (!rest_.empty() && uint8_t(rest_.front()) < 0x80) {
      const auto v = uint8_t(rest_.front());
      rest_.remove_prefix(1);
      return v;
    }
    if (rest_.size() >= sizeof(uint64_t)) {
      const auto raw = load_le<uint64_t>(rest_.data());
      const uint64_t ends = ~raw & 0x8080808080808080;
      if (ends != 0) {
        rest_.remove_prefix(size_t(std::countr_zero(ends)) / 8 + 1);
        return join_sevens(raw & (ends ^ (ends - 1)));  // up to the first byte that ends one
      }
    }
    return long_varint();
  }

  int64_t signed_varint() { return unzigzag(varint()); }

  std::string_view bytes(uint64_t n) {
    if (n > rest_.size()) {
      fail();
      return {};
    }
    const auto out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return out;
  }

  bool ok() const { return ok_; }
  /// All input was used and nothing failed: trailing bytes are damage, too.
  bool done() const { return ok_ && rest_.empty(); }
  std::string_view rest() const { return rest_; }

 private:
  void fail() {
    ok_ = false;
    rest_ = {};
  }

  /// The low seven bits of each byte, one behind the other.
  static constexpr uint64_t join_sevens(uint64_t v) {
    v = (v & 0x007f007f007f007f) | (v & 0x7f007f007f007f00) >> 1;
    v = (v & 0x00003fff00003fff) | (v & 0x3fff00003fff0000) >> 2;
    return (v & 0x000000000fffffff) | (v & 0x0fffffff00000000) >> 4;
  }

  uint64_t long_varint() {
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto b = uint8_t(rest_.front());
      rest_.remove_prefix(1);
      if (shift == 63 && b > 1) break;
      v |= uint64_t(b & 0x7f) << shift;
      if (b < 0x80) return v;
    }
    fail();
    return 0;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace memoria
