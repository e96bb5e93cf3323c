// SPDX-License-Identifier: MIT
// Opens a damaged store and compares everything that it says with what was promised.
#pragma once

#include "core/store/store.hpp"
#include "tests/crash/recording.hpp"
#include "tests/rot/bounds.hpp"

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

/// Reads all of an opened store. Throws Broken.
void check_values(const Store& store, const Bounds& bounds, RotTally& tally);
/// verify() names what was hit, and nothing else; `inline_limit` is that of the store.
void check_verify(Store& store, const Bounds& bounds, uint64_t inline_limit, RotTally& tally);
/// Everything about the store in `after`: reading, verify, repair, going on. False: it does not
/// open, and need not.
bool check_store(const Image& before, const Image& after, const Options& options, Random& random,
                 RotTally& tally);
/// A snapshot's directory, which is only read.
void check_snapshot(const Image& before, const Image& after, Options options, RotTally& tally);

}  // namespace memoria::test
