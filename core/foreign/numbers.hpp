// SPDX-License-Identifier: MIT
// Numbers of either byte order at a place in a range of bytes that is known to hold them.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/coding.hpp"

namespace memoria::foreign {

template <std::unsigned_integral T>
T load_be(std::string_view from, size_t at) {
  T v = 0;
  for (size_t i = 0; i < sizeof(T); ++i) v = T(v << 8 | uint8_t(from[at + i]));
  return v;
}

template <std::unsigned_integral T>
void store_be(std::string& to, size_t at, T value) {
  for (size_t i = sizeof(T); i > 0; value = T(value >> 8)) to[at + --i] = char(value);
}

template <std::unsigned_integral T>
T load(std::string_view from, size_t at, bool big_endian) {
  return big_endian ? load_be<T>(from, at) : load_le<T>(from.data() + at);
}

}  // namespace memoria::foreign
