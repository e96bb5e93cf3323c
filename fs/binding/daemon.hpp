// SPDX-License-Identifier: MIT
// The daemon's life: open, mount, serve, unmount, close.
#pragma once

#include "fs/binding/launch.hpp"
#include "fs/binding/mount_exit.hpp"
#include "fs/binding/mount_guard.hpp"
#include "fs/binding/mount_options.hpp"
#include "fs/binding/paths.hpp"
#include "fs/binding/service_manager.hpp"

namespace memoria {

/// Returns when the volume is closed. Reports to `reporter` when the mount answers; a failure is
/// returned, and is the caller's to report. `manager`, if not null, is kept informed. Starts
/// threads; to be called once in a process, from its main thread.
Checked<void> run_daemon(const Paths& paths, const MountOptions& options, Reporter& reporter,
                         MountGuard& guard, const ServiceManager* manager);

}  // namespace memoria
