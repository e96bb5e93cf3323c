// SPDX-License-Identifier: MIT
#include "tools/bench/directories/contents.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <random>

namespace memoria::bench {
namespace {

constexpr size_t kStarts = 4 << 20;  // places in the pool where a piece can begin

}  // namespace

Contents::Contents(size_t largest, uint64_t seed) : seed_(seed) {
  std::mt19937_64 random(seed);
  pool_.reserve(kStarts + largest + sizeof(uint64_t));
  while (pool_.size() < kStarts + largest) {
    const uint64_t bits = random();
    pool_.append(reinterpret_cast<const char*>(&bits), sizeof(bits));
  }
}

std::string_view Contents::piece(uint64_t number, size_t size) const {
  assert(size <= pool_.size() - kStarts);
  return std::string_view(pool_).substr(mixed(number ^ mixed(seed_)) % kStarts, size);
}

Status expect_bytes(std::string_view read, std::string_view expected, const std::string& path,
                    uint64_t offset) {
  if (read == expected) return ok();
  const auto [wrong, right] =
      std::mismatch(read.begin(), read.end(), expected.begin(), expected.end());
  const auto place = offset + uint64_t(wrong - read.begin());
  if (wrong == read.end()) {
    return Error(Errc::kCorrupt, fmt::format("{}: ends at {} instead of {}", path, place,
                                             offset + expected.size()));
  }
  if (right == expected.end()) {
    return Error(Errc::kCorrupt, fmt::format("{}: goes on behind {}", path, place));
  }
  return Error(Errc::kCorrupt, fmt::format("{}: the byte at {} is wrong", path, place));
}

}  // namespace memoria::bench
