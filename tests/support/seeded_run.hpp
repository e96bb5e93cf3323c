// SPDX-License-Identifier: MIT
// The command line and the end of programs that go on from seed to seed until they have seen
// enough.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tests/support/random.hpp"
#include "tests/support/simulated_disk.hpp"

namespace memoria::test {

struct SeededRun {
  uint64_t seed = base_seed();
  uint64_t count = 0;  ///< how much is to be seen
  std::string save;    ///< directory for what was wrong; empty: not saved
  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();

  uint64_t seconds() const;
  /// Saves what was wrong, and says where on stderr, if that was asked for.
  void keep(const Image& image) const;
};

/// Reads `[--seed N] [COUNT_NAME M] [--save DIRECTORY]`; without COUNT_NAME `count` is what it is
/// in the short form times MEMORIA_TEST_ITERATIONS. Nothing: it is something else.
std::optional<SeededRun> parse_seeded_run(std::span<char* const> arguments,
                                          std::string_view count_name, uint64_t short_form);

}  // namespace memoria::test
