// SPDX-License-Identifier: MIT
#include "tests/support/random.hpp"

#include <cstdlib>
#include <string_view>

namespace memoria::test {

uint64_t base_seed() {
  static const uint64_t seed = [] {
    const char* given = std::getenv("MEMORIA_TEST_SEED");
    if (given == nullptr) return uint64_t{20100427};
    if (std::string_view(given) == "random") return uint64_t{std::random_device{}()};
    return uint64_t{std::strtoull(given, nullptr, 0)};
  }();
  return seed;
}

uint64_t rounds(uint64_t short_form) {
  const char* given = std::getenv("MEMORIA_TEST_ITERATIONS");
  const uint64_t factor = given == nullptr ? 1 : std::strtoull(given, nullptr, 0);
  return short_form * (factor == 0 ? 1 : factor);
}

std::string Random::bytes(size_t size) {
  std::string out(size, '\0');
  size_t at = 0;
  while (at < size) {
    uint64_t word = engine_();
    for (int i = 0; i < 8 && at < size; ++i, word >>= 8) out[at++] = char(word);
  }
  return out;
}

}  // namespace memoria::test
