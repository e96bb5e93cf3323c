// SPDX-License-Identifier: MIT
// Repairs a damaged volume and compares what comes out of it with what was promised.
#pragma once

#include "tests/rot/volume_bounds.hpp"

namespace memoria::test {

/// The new volume is sound, holds all that was not hit, by its path where the names on the way were
/// not, and what was hit is told. Throws Broken.
void check_repair(const Store& from, const VolumeBounds& bounds, const Options& options);

}  // namespace memoria::test
