// SPDX-License-Identifier: MIT
// The kernel's side of a mount, for processes other than the one that serves it. Nothing here asks
// the daemon for anything: it may be unable to answer.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace memoria {

/// The device number of the filesystem that is on top at `mount_point`, as in st_dev.
std::optional<dev_t> device_mounted_at(const std::string& mount_point);

/// Makes `unused`, an open /dev/fuse, one more descriptor of the connection that `fuse_device` has.
/// As long as one of them is open the kernel takes the filesystem for one that is served.
bool join_connection(int unused, int fuse_device);

/// Answers every request with ENOTCONN, as the kernel does when nobody has a descriptor any more,
/// until the filesystem is gone or its connection is ended. What programs see is the same, but for
/// one thing: cached writes that the kernel cannot even queue it lets go without a word, and
/// close(2) succeeds, since FLUSH is not asked for; of writes that are answered with an error it
/// tells (seen on Linux 6.18).
void refuse_requests(int fuse_device);

/// Has the kernel answer whatever waits for the daemon of this filesystem, and all that comes
/// later, with an error, as it does when a daemon ends. The mount stays, and is a dead one
/// (ENOTCONN).
///
/// By /sys/fs/fuse/connections, which lets the user do it who has mounted; without it by
/// umount2(MNT_FORCE), which needs root and a mount that is not detached. 0 or an errno.
int end_connection(const std::string& mount_point, dev_t device);

}  // namespace memoria
