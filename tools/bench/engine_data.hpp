// SPDX-License-Identifier: MIT
// Keys and values by number, the same in every run, at next to no cost.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace memoria::bench {

constexpr size_t kKeyBytes = 28;
using Key = std::array<char, kKeyBytes>;

/// A number without visible order; another for each number.
uint64_t scatter(uint64_t number);

/// 20 random bytes and the index: in byte order, neighbours are far apart. `family` tells keys of
/// the same index apart.
Key spread_key(uint64_t index, uint64_t family = 0);
/// 20 equal bytes and the index, big endian: byte order is the order of the indexes.
Key ordered_key(uint64_t index);

inline std::string_view view(const Key& key) {
  return {key.data(), key.size()};
}

/// Random values that cost nothing to make: pieces of one pool.
class Values {
 public:
  explicit Values(size_t largest);
  /// Differs from other indexes and versions. The view lives as long as this object.
  std::string_view at(uint64_t index, size_t size, uint64_t version = 0) const;

 private:
  std::string pool_;
};

}  // namespace memoria::bench
