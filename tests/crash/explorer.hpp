// SPDX-License-Identifier: MIT
// Goes through the crashes that a recorded workload can meet.
#pragma once

#include <cstdint>

#include "tests/crash/recording.hpp"

namespace memoria::test {

/// What a crash left that broke a promise, for saving.
struct Finding {
  std::string what;
  Image image;
};

struct Explored {
  uint64_t states = 0;      ///< images opened and checked, no two of one workload alike
  uint64_t again = 0;       ///< images checked after going on from those
  uint64_t operations = 0;  ///< of the disk, in the trace
  std::unique_ptr<Finding> finding{};
};

/// A crash behind every operation of the trace, with every kind of loss, until `most` states were
/// seen.
Explored explore(const Recording& recording, uint64_t seed, uint64_t most);

}  // namespace memoria::test
