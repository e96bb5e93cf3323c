// SPDX-License-Identifier: MIT
// Opens a damaged volume and compares everything that can be seen of it with what was promised.
#pragma once

#include "core/store/store.hpp"
#include "tests/rot/subject.hpp"
#include "tests/rot/volume_tree.hpp"

namespace memoria::test {

/// Everything about the volume in `after`, which was `tree` in `before`: reading, verify, repair,
/// going on. False: it does not open, and need not.
bool check_volume(const Image& before, const Image& after, const VolumeTree& tree,
                  const Options& options, Random& random, RotTally& tally);
/// A snapshot's directory, which is only read.
void check_volume_snapshot(const Image& before, const Image& after, const VolumeTree& tree,
                           Options options, RotTally& tally);

}  // namespace memoria::test
