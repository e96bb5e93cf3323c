// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

namespace memoria::bench {

/// What numbers were measured on; unknown parts are empty or 0.
struct Machine {
  std::string cpu;     ///< the model's name
  unsigned cores = 0;  ///< that are online
  std::string kernel;  ///< name and release
  uint64_t memory_bytes = 0;
};

Machine this_machine();

/// "2 x Some CPU, 7.8 GiB of memory, Linux 6.1.0".
std::string describe(const Machine& machine);

/// The present moment, UTC, as in "2024-05-31T12:00:00Z".
std::string date_text();

}  // namespace memoria::bench
