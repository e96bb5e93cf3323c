// SPDX-License-Identifier: MIT
// Reads all of a damaged volume, as programs would, and compares it with what was promised.
#pragma once

#include "tests/rot/subject.hpp"
#include "tests/rot/volume_bounds.hpp"

namespace memoria::test {

/// Every inode, name, attribute and byte is what it was, or EIO where its records were hit; where
/// nobody may know of a record, no entry. A walk from the root ends. Throws Broken.
void check_reading(Volume& volume, const VolumeBounds& bounds, RotTally& tally);

}  // namespace memoria::test
