// SPDX-License-Identifier: MIT
// Mounts whose daemon is gone.
#pragma once

#include <optional>
#include <string>

namespace memoria {

/// Takes away the dead mounts of ours on top at `mount_point` (an absolute path without links); a
/// mount that works stays. Returns what is wrong when one stays that is dead.
std::optional<std::string> detach_stale_mounts(const std::string& mount_point);

}  // namespace memoria
