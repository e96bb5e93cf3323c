// SPDX-License-Identifier: MIT
// What the files hold: bytes that no filesystem can compress, known without being kept, and ready
// before the clock runs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace memoria::bench {

/// Pieces of one pool of random bytes. The same seed gives the same pieces.
class Contents {
 public:
  static constexpr uint64_t kDefaultSeed = 42;

  /// For pieces of up to `largest` bytes.
  explicit Contents(size_t largest, uint64_t seed = kDefaultSeed);

  /// Two numbers give the same bytes with a chance of 1 in millions. Valid as long as this object.
  std::string_view piece(uint64_t number, size_t size) const;

 private:
  uint64_t seed_;
  std::string pool_;
};

/// kCorrupt, naming the file and the place, when the bytes read at `offset` are not the expected
/// ones.
Status expect_bytes(std::string_view read, std::string_view expected, const std::string& path,
                    uint64_t offset = 0);

/// Well-mixed bits of a number, for pieces and for places chosen at random.
constexpr uint64_t mixed(uint64_t number) {
  number += 0x9e3779b97f4a7c15u;  // the steps of splitmix64
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9u;
  number = (number ^ (number >> 27)) * 0x94d049bb133111ebu;
  return number ^ (number >> 31);
}

}  // namespace memoria::bench
