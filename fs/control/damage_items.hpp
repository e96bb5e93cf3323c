// SPDX-License-Identifier: MIT
// Damage as list items, with the paths of what was hit.
#pragma once

#include <vector>

#include "core/store/store.hpp"
#include "fs/control/executor.hpp"

namespace memoria::control {

/// Gives the sink an item for each damage. `store` knows the names; null: nobody does.
Status tell_damages(Sink& sink, const Store* store, const std::vector<Damage>& damages);

}  // namespace memoria::control
