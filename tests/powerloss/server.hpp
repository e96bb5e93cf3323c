// SPDX-License-Identifier: MIT
// What the volatile disk answers the kernel. Nothing is cached by the kernel: files are opened for
// direct I/O, attributes and names hold for no time, so that a sync is all that lies between a
// program and its loss. Locks, and what is not handled here, are the kernel's.
#pragma once

#include <cerrno>
#include <mutex>

#include "fs/binding/fuse.hpp"
#include "tests/powerloss/disk_tree.hpp"

namespace memoria::powerloss {

/// libfuse hands it to each request as user data.
struct Server {
  std::mutex mutex;
  DiskTree tree;         ///< under the mutex
  bool is_dead = false;  ///< under the mutex: the power is cut, every request fails
};

/// Ends a request: with the error that `body`, called with the tree, returns; with 0, `reply`
/// answers. A request is either before a cut or after it, wholly.
template <class Body, class Reply>
void serve(fuse_req_t request, Body&& body, Reply&& reply) {
  auto& server = *static_cast<Server*>(fuse_req_userdata(request));
  const std::lock_guard guard(server.mutex);
  const int error = server.is_dead ? EIO : body(server.tree);
  if (error != 0) {
    fuse_reply_err(request, error);
  } else {
    reply(server.tree);
  }
}

/// The same for requests whose answer is that it was done.
template <class Body>
void serve(fuse_req_t request, Body&& body) {
  serve(request, body, [&](DiskTree&) { fuse_reply_err(request, 0); });
}

inline fuse_entry_param entry_of(const DiskTree& tree, NodeId node) {
  fuse_entry_param entry{};
  entry.ino = node;
  entry.attr = tree.attributes(node);
  return entry;
}

void add_content_handlers(fuse_lowlevel_ops& operations);
void add_name_handlers(fuse_lowlevel_ops& operations);

}  // namespace memoria::powerloss
