// SPDX-License-Identifier: MIT
// What `memoria-ctl verify` says of a damaged volume.
#pragma once

#include "fs/control/protocol.hpp"
#include "tests/rot/volume_bounds.hpp"

namespace memoria::test {

/// Each live damage is told with a path of what it is of, where the names on the way were not hit,
/// and with no other. (That exactly what was hit is told is checked by keys: check_verify().)
/// Throws Broken.
void check_paths(const Json& items, const VolumeBounds& bounds);
/// The same of what the command says of an open volume.
void check_paths(Volume& volume, const VolumeBounds& bounds);

}  // namespace memoria::test
