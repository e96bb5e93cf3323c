// SPDX-License-Identifier: MIT
// The request handlers, grouped by idea; each group sets its entries of libfuse's table. Handlers
// are thin: decode, one call of the volume, reply.
//
// Not handled, so that the kernel does it: access (default_permissions), flock and POSIX locks (all
// users of the mount are on this machine), flush (below), poll, ioctl, bmap.
//
// flush, at each close(): before it the kernel has written all dirty pages and times, and reported
// their errors to the closing program (writeback), or there were none (write-through). A write is
// answered when the log has it, and that is all a close promises; so there is nothing left to do,
// and a missing handler saves the request.
#pragma once

#include "fs/binding/fuse.hpp"

namespace memoria {

void add_name_handlers(fuse_lowlevel_ops& operations);
void add_attribute_handlers(fuse_lowlevel_ops& operations);
void add_content_handlers(fuse_lowlevel_ops& operations);
void add_directory_handlers(fuse_lowlevel_ops& operations);
void add_xattr_handlers(fuse_lowlevel_ops& operations);

/// All of them, and INIT.
fuse_lowlevel_ops make_operations();

}  // namespace memoria
