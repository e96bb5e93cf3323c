// SPDX-License-Identifier: MIT
// Requests about names: finding, making, moving and removing them, and the kernel's references.
#include <cerrno>
#include <span>

#include "tests/bench/ceiling/handlers.hpp"

namespace memoria::ceiling {
namespace {

void reply_held(fuse_req_t raw, Node& node) {
  const auto entry = held_entry(node);
  if (fuse_reply_entry(raw, &entry) != 0) node.release(1);
}

void lookup(fuse_req_t raw, fuse_ino_t parent, const char* name) {
  serve(raw, [&]() -> Status {
    const auto found = server_of(raw).tree.lookup(node_of(raw, parent), name);
    if (found) {
      reply_held(raw, *found.value());
    } else {  // with number 0 the kernel remembers that there is none
      fuse_entry_param none{};
      none.entry_timeout = kCacheTime;
      fuse_reply_entry(raw, &none);
    }
    return ok();
  });
}

void forget_all(fuse_req_t raw, std::span<const fuse_forget_data> list) noexcept {
  for (const auto& one : list) {
    if (one.ino != FUSE_ROOT_ID) node_of(raw, one.ino).release(one.nlookup);
  }
  fuse_reply_none(raw);
}

void forget(fuse_req_t raw, fuse_ino_t ino, uint64_t count) {
  const fuse_forget_data one{.ino = ino, .nlookup = count};
  forget_all(raw, {&one, 1});
}

void forget_multi(fuse_req_t raw, size_t count, fuse_forget_data* list) {
  forget_all(raw, {list, count});
}

void make(fuse_req_t raw, fuse_ino_t parent, const char* name, NewNode wanted) {
  serve(raw, [&]() -> Status {
    const auto* caller = fuse_req_ctx(raw);
    wanted.uid = caller->uid;
    wanted.gid = caller->gid;
    MEMORIA_TRY(const NodePtr made, server_of(raw).tree.make(node_of(raw, parent), name, wanted));
    reply_held(raw, *made);
    return ok();
  });
}

void mknod(fuse_req_t raw, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  make(raw, parent, name, {.mode = mode, .device = device});
}

void mkdir(fuse_req_t raw, fuse_ino_t parent, const char* name, mode_t mode) {
  make(raw, parent, name, {.mode = S_IFDIR | (mode & ~mode_t{S_IFMT})});
}

void symlink(fuse_req_t raw, const char* target, fuse_ino_t parent, const char* name) {
  make(raw, parent, name, {.mode = S_IFLNK | 0777, .target = target});
}

void readlink(fuse_req_t raw, fuse_ino_t ino) {
  const NodePtr node(&node_of(raw, ino));  // with the reply the kernel may forget it
  fuse_reply_readlink(raw, node->target.c_str());
}

void link(fuse_req_t raw, fuse_ino_t ino, fuse_ino_t parent, const char* name) {
  serve(raw, [&]() -> Status {
    auto& node = node_of(raw, ino);
    MEMORIA_TRY(server_of(raw).tree.link(node, node_of(raw, parent), name));
    reply_held(raw, node);
    return ok();
  });
}

/// Ends a request that is answered by nothing but its success.
template <class Change>
void serve_change(fuse_req_t raw, Change&& change) noexcept {
  serve(raw, [&]() -> Status {
    MEMORIA_TRY(change());
    fuse_reply_err(raw, 0);
    return ok();
  });
}

void unlink(fuse_req_t raw, fuse_ino_t parent, const char* name) {
  serve_change(raw, [&] { return server_of(raw).tree.unlink(node_of(raw, parent), name); });
}

void rmdir(fuse_req_t raw, fuse_ino_t parent, const char* name) {
  serve_change(raw, [&] { return server_of(raw).tree.rmdir(node_of(raw, parent), name); });
}

void rename(fuse_req_t raw, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
            const char* new_name, unsigned flags) {
  serve_change(raw, [&] {
    return server_of(raw).tree.rename(node_of(raw, parent), name, node_of(raw, new_parent),
                                      new_name, flags);
  });
}

}  // namespace

fuse_entry_param held_entry(Node& node) {
  fuse_entry_param entry{};
  entry.attr = attributes_of(node);
  entry.ino = reinterpret_cast<fuse_ino_t>(&node);
  // An address can come back, as another node. The kernel has forgotten the former by then; this
  // is for its users over NFS.
  entry.generation = entry.attr.st_ino;
  entry.attr_timeout = entry.entry_timeout = kCacheTime;
  node.retain();
  return entry;
}

void add_name_handlers(fuse_lowlevel_ops& operations) {
  operations.lookup = lookup;
  operations.forget = forget;
  operations.forget_multi = forget_multi;
  operations.mknod = mknod;
  operations.mkdir = mkdir;
  operations.symlink = symlink;
  operations.readlink = readlink;
  operations.link = link;
  operations.unlink = unlink;
  operations.rmdir = rmdir;
  operations.rename = rename;
}

}  // namespace memoria::ceiling
