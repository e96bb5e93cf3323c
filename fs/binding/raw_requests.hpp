// SPDX-License-Identifier: MIT
// What stands in requests of the kernel and libfuse does not pass on.
#pragma once

#include "fs/binding/fuse.hpp"

namespace memoria {

/// Reads what libfuse reads, between it and /dev/fuse, for one thing: FUSE_HANDLE_KILLPRIV_V2. With
/// it the daemon takes the set-id bits of a file that is written to or cut, when the kernel says
/// so; without it the kernel does, and for that asks for the file's security.capability at each
/// write(2): appends of 100 bytes to an open file were eleven times as slow as with it
/// (memoria-bench append). libfuse knows the flag from 3.17 on, but keeps from handlers what the
/// kernel says. (linux/fuse.h tells of the protocol.)
///
/// The flag's rules: WRITE and SETATTR say when to take the bits. A chown that changes neither
/// owner nor group takes them too, but is told as a SETATTR of ctime alone or of nothing, which
/// nothing else causes. FALLOCATE does not say it at all.

/// To be called between mounting and serving. From then on the kernel is told, when it knows the
/// flag, that set-id bits are taken care of. Not for requests over io_uring: these are not seen
/// here.
void watch_requests(fuse_session* session);

/// Whether the kernel was told so. Any thread, once INIT is answered.
bool takes_set_ids();

/// Whether the request that this thread read last says to take the set-id bits.
bool request_takes_set_ids();

}  // namespace memoria
