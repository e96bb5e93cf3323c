// SPDX-License-Identifier: MIT
// System calls that do less than they were asked for, or fail: what signals, full disks,
// filesystems over a network and exhausted tables of descriptors do to a program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>

namespace memoria::test {

enum class SystemCall { kOpen, kRead, kWrite, kSync, kTruncate, kSpace, kLock };

struct Misbehaviour {
  int error = 0;  ///< an errno, and nothing is done; 0: it is done, but
  size_t at_most = std::numeric_limits<size_t>::max();  ///< bytes of a read or a write
};

/// Asked for each call of this program's own code (not of the shared libraries'), one at a time,
/// from any thread. `bytes` is what the caller wants to read or write, or 0.
using Chooser = std::function<Misbehaviour(SystemCall call, size_t bytes)>;

/// As long as it lives, calls do what the chooser says. One at a time.
class FaultyCalls {
 public:
  explicit FaultyCalls(Chooser chooser);
  ~FaultyCalls();
  FaultyCalls(const FaultyCalls&) = delete;
  FaultyCalls& operator=(const FaultyCalls&) = delete;

  /// Calls that failed or did less.
  uint64_t hits() const;
};

}  // namespace memoria::test
