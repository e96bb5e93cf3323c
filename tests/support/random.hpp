// SPDX-License-Identifier: MIT
// Seeded random numbers: a failing run can be repeated from what it printed.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace memoria::test {

/// The seed of this run: MEMORIA_TEST_SEED, or a fixed one, so that a plain run is repeatable.
/// MEMORIA_TEST_SEED=random takes a new one.
uint64_t base_seed();

/// How many rounds a randomised test makes: `short_form`, or MEMORIA_TEST_ITERATIONS times that.
uint64_t rounds(uint64_t short_form);

/// One thread at a time.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  /// 0 <= result < limit; 0 for a limit of 0.
  uint64_t below(uint64_t limit) { return limit == 0 ? 0 : engine_() % limit; }
  /// low <= result <= high.
  uint64_t between(uint64_t low, uint64_t high) { return low + below(high - low + 1); }
  bool one_in(uint64_t n) { return below(n) == 0; }
  /// Bytes that no two calls repeat, so that a value in the wrong place is noticed.
  std::string bytes(size_t size);
  uint64_t next() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace memoria::test
