// SPDX-License-Identifier: MIT
// A store or a volume that was closed cleanly and is to be damaged, and what is seen on the way.
#pragma once

#include <cstdint>
#include <memory>

#include "tests/support/random.hpp"
#include "tests/support/simulated_disk.hpp"

namespace memoria::test {

/// What happened, for the figures at the end.
struct RotTally {
  uint64_t stores = 0;      ///< that were damaged
  uint64_t damages = 0;     ///< that were done to them
  uint64_t refused = 0;     ///< stores that did not open, with reason
  uint64_t values = 0;      ///< that were read, or gave an error
  uint64_t unreadable = 0;  ///< of these
  uint64_t listed = 0;      ///< places that verify named
};

class RotSubject {
 public:
  virtual ~RotSubject() = default;

  /// Its files.
  virtual const Image& image() const = 0;
  /// Throws Broken when `after`, made of image() by damage, breaks a promise.
  virtual void check(const Image& after, Random& random, RotTally& tally) const = 0;
};

/// Of the program's kind: store_subject.cpp or volume_subject.cpp.
std::unique_ptr<RotSubject> make_subject(uint64_t seed);
extern const char* const kSubjects;  ///< "stores" or "volumes"

}  // namespace memoria::test
