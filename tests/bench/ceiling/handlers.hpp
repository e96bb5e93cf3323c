// SPDX-License-Identifier: MIT
// What this filesystem answers the kernel. What it does not handle ends with the first answer of
// ENOSYS, which libfuse gives, and costs no request any more: flush, create (a MKNOD alone does,
// and there is no RELEASE then), extended attributes (but with -o xattr), lseek, access,
// copy_file_range.
#pragma once

#include <cerrno>
#include <functional>
#include <memory>
#include <new>

#include "fs/binding/fuse.hpp"
#include "fs/binding/negotiate.hpp"
#include "tests/bench/ceiling/tree.hpp"
#include "tests/bench/ceiling/write_log.hpp"

namespace memoria::ceiling {

/// Seconds for which the kernel may answer from its caches: as Memoria's.
inline constexpr double kCacheTime = 86400;

/// libfuse hands it to each request as user data. Constant once INIT is answered, but for the tree.
struct Server {
  Tree tree = {};
  std::function<void()> on_ready = {};  ///< called once, when the kernel's INIT arrives
  LeftToKernel left = {};               ///< agreed with it
  std::unique_ptr<WriteLog> log = {};   ///< may be none
  bool syncs = false;                   ///< the log, when a program syncs
};

inline Server& server_of(fuse_req_t request) {
  return *static_cast<Server*>(fuse_req_userdata(request));
}

/// The kernel knows a node by its address, so that no request has to look for it. It is valid while
/// the kernel holds a lookup; after a reply it may hold none.
inline Node& node_of(fuse_req_t request, fuse_ino_t id) {
  return id == FUSE_ROOT_ID ? server_of(request).tree.root() : *reinterpret_cast<Node*>(id);
}

/// Counts a lookup of the node, which is the kernel's once it has the entry.
fuse_entry_param held_entry(Node& node);

/// Ends a request with an error, also when `body` throws.
template <class Body>
void serve(fuse_req_t request, Body&& body) noexcept {
  try {
    if (const Status done = body(); !done) fuse_reply_err(request, done.error().to_errno());
  } catch (const std::bad_alloc&) {
    fuse_reply_err(request, ENOMEM);
  }
}

void add_file_handlers(fuse_lowlevel_ops& operations);
void add_name_handlers(fuse_lowlevel_ops& operations);
void add_listing_handlers(fuse_lowlevel_ops& operations);
/// There may be extended attributes then, and are none. That costs a request for each file which is
/// written to after it was made or truncated: the kernel asks for security.capability.
void add_xattr_handlers(fuse_lowlevel_ops& operations);

}  // namespace memoria::ceiling
