// SPDX-License-Identifier: MIT
// memoria-ctl on a damaged volume in a real directory.
#pragma once

#include "tests/rot/volume_bounds.hpp"

namespace memoria::test {

/// `repair` changes nothing in the damaged store and makes one that `verify` finds sound, `verify`
/// names what was hit by its paths, and the exit codes say what was found. `opens`: the store is
/// not refused. Throws Broken.
void check_tools(const Image& after, const VolumeBounds& bounds, bool opens);

}  // namespace memoria::test
