// SPDX-License-Identifier: MIT
// Tells the kernel about changes that it did not ask for (memoria-ctl put, rm).
#pragma once

#include "fs/binding/session.hpp"

namespace memoria {

/// For Volume::set_watcher; must be taken back there before `session` dies. When a call returns,
/// the kernel has forgotten what it remembered of the name or the inode: whoever looks next sees
/// the change. It can wait for the kernel, which can wait for a request to be answered, so it must
/// come from no thread that answers requests and from under no lock; the control server's threads
/// are such.
Volume::Watcher kernel_notifier(Session& session);

}  // namespace memoria
