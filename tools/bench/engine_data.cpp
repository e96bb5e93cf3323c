// SPDX-License-Identifier: MIT
#include "tools/bench/engine_data.hpp"

#include <cstring>

namespace memoria::bench {
namespace {

constexpr uint64_t kSeed = 0x6d656d6f726961;  // "memoria"
constexpr size_t kStarts = 1 << 20;           // how many different values there are

void put_big_endian(char* out, uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) *out++ = char(number >> shift);
}

}  // namespace

uint64_t scatter(uint64_t number) {  // the output function of SplitMix64
  number += 0x9e3779b97f4a7c15;
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

Key spread_key(uint64_t index, uint64_t family) {
  Key key;
  const uint64_t a = scatter(index ^ scatter(kSeed + family));
  const uint64_t b = scatter(a), c = scatter(b);
  std::memcpy(key.data(), &a, 8);
  std::memcpy(key.data() + 8, &b, 8);
  std::memcpy(key.data() + 16, &c, 4);
  put_big_endian(key.data() + 20, index);
  return key;
}

Key ordered_key(uint64_t index) {
  Key key;
  key.fill('k');
  put_big_endian(key.data() + 20, index);
  return key;
}

Values::Values(size_t largest) : pool_(kStarts + largest + 8, '\0') {
  for (size_t at = 0; at + 8 <= pool_.size(); at += 8) {
    const uint64_t bytes = scatter(kSeed ^ at);
    std::memcpy(pool_.data() + at, &bytes, 8);
  }
}

std::string_view Values::at(uint64_t index, size_t size, uint64_t version) const {
  const uint64_t start = scatter(index ^ (version << 48)) % kStarts;
  return std::string_view(pool_).substr(start, size);
}

}  // namespace memoria::bench
