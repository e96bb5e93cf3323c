// SPDX-License-Identifier: MIT
// The kernel's caches, as a volume sees them: they are told about changes that the kernel did not
// ask for (memoria-ctl put, rm, snapshot), and asked for what they have.
#pragma once

#include "fs/binding/page_flusher.hpp"
#include "fs/binding/session.hpp"

namespace memoria {

/// For Volume::set_caches; must be taken back there before `session` and `flusher` die. When a call
/// returns, the kernel has forgotten what it remembered of the name or the inode: whoever looks
/// next sees the change. It can wait for the kernel, which can wait for a request to be answered,
/// so it must come from no thread that answers requests and from under no lock; the control
/// server's threads are such.
Volume::Caches kernel_caches(Session& session, Binding& binding, PageFlusher& flusher);

}  // namespace memoria
