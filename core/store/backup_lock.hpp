// SPDX-License-Identifier: MIT
// Who reads a backup keeps it from being brought up to date meanwhile.
#pragma once

#include <memory>

#include "core/io/environment.hpp"

namespace memoria {

/// Held while the backup is read, beside others who read it. Nothing is held of one that cannot be
/// locked, on a read-only disk say: there it need not be. kLocked: it is being brought up to date.
inline Result<std::shared_ptr<void>> lock_backup(Environment& backup) {
  auto lock = backup.lock(LockMode::kShared);
  if (!lock.has_value() && lock.error().code != Errc::kLocked) return std::shared_ptr<void>();
  return lock;
}

}  // namespace memoria
