// SPDX-License-Identifier: MIT
// mount -o remount: other flags for a mount that is there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fs/binding/mount_exit.hpp"

namespace memoria {

/// Whether "remount" is among the options of these lists.
bool asks_to_remount(const std::vector<std::string>& lists);

/// The flags for mount(2) of a mount with the options `present`, as the mount table has them, that
/// is to get those of the lists. Only "ro", "noexec", "noatime" and others that the kernel has for
/// all mounts change anything; what else mount(8) repeats from fstab and from the mount table is
/// allowed. Fails with kUsage for what nobody knows.
Checked<unsigned long> remount_flags(std::string_view present,
                                     const std::vector<std::string>& lists);

/// Gives the mount at `mount_point` other flags. Its daemon is not told.
Checked<void> remount(const std::string& mount_point, const std::vector<std::string>& lists);

}  // namespace memoria
