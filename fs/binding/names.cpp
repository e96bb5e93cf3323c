// SPDX-License-Identifier: MIT
// Requests about names: finding, making, moving and removing them, and the kernel's references.
#include <spdlog/spdlog.h>

#include <cerrno>
#include <span>
#include <string_view>

#include "fs/binding/handlers.hpp"
#include "fs/binding/request.hpp"
#include "fs/binding/snapshot_directory.hpp"

namespace memoria {
namespace {

/// The snapshots' place in the root, unless the volume has something of its own there.
bool is_snapshots(NodeId parent, std::string_view name) {
  return parent == kRootInode && name == kSnapshotsName;
}

Status check_not_snapshots(const Request& request, NodeId parent, std::string_view name) {
  if (!is_snapshots(parent, name) || request.volume().resolve(name)) return ok();
  return Error::posix(EBUSY);  // as of a place that something is mounted on
}

/// A request that changes what a name stands for.
template <class Body>
void serve_name(fuse_req_t raw, const char* operation, NodeId parent, const char* name,
                Body&& body) noexcept {
  serve_change(raw, operation, parent, [&](Request& request) -> Status {
    MEMORIA_TRY(check_not_snapshots(request, parent, name));
    return body(request);
  });
}

void lookup(fuse_req_t raw, fuse_ino_t parent, const char* name) {
  serve(raw, "lookup", parent, [&](Request& request) -> Status {
    if (parent == kSnapshotsNode) return reply_snapshot(request, name);
    auto found = request.volume().lookup(request.ino(), name);
    if (found) {
      request.reply_entry(found.value());
    } else if (is_snapshots(parent, name) && found.error().code == Errc::kNotFound) {
      return reply_snapshots(request);
    } else if (found.error().code == Errc::kNotFound || found.error().system == ENOENT) {
      request.reply_no_entry();
    } else {
      return found.error();
    }
    return ok();
  });
}

void forget_all(fuse_req_t raw, std::span<const fuse_forget_data> list) noexcept {
  auto& binding = *static_cast<Binding*>(fuse_req_userdata(raw));
  auto& volume = binding.volume;
  try {
    for (const auto& one : list) {  // in a snapshot nothing is held
      if (tree_of(one.ino) != kVolumeTree) continue;
      const auto announced = binding.written.last_announced(one.ino);
      volume.forget(one.ino, one.nlookup);
      // Meanwhile another thread may have been asked for it again.
      if (!volume.is_held(one.ino)) binding.written.forget(one.ino, announced);
    }
  } catch (const std::exception& e) {
    spdlog::error("forget: {}; this is a bug", e.what());
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

void mknod(fuse_req_t raw, fuse_ino_t parent, const char* name, mode_t mode, dev_t rdev) {
  serve_name(raw, "mknod", parent, name, [&](Request& request) -> Status {
    MEMORIA_TRY(const Attributes made,
                request.volume().mknod(parent, name, mode, rdev, request.caller()));
    request.reply_new_entry(made);
    return ok();
  });
}

/// Ends a request that made a file and opens it.
Status reply_opened(Request& request, const Attributes& made, fuse_file_info& file) {
  file.keep_cache = 1;
  request.reply_create(made, file);
  return ok();
}

/// Where the kernel opens files without asking, a MKNOD does for open(2) of a new file as well, and
/// no RELEASE follows: a request less of eight for a small file that is synced.
void create(fuse_req_t raw, fuse_ino_t parent, const char* name, mode_t mode,
            fuse_file_info* file) {
  serve_name(raw, "create", parent, name, [&](Request& request) -> Status {
    if (request.binding().stateless_files) {
      request.reply_errno(ENOSYS);  // never asked again
      return ok();
    }
    MEMORIA_TRY(
        const Attributes made,
        request.volume().mknod(parent, name, S_IFREG | (mode & ~S_IFMT), 0, request.caller()));
    return reply_opened(request, made, *file);
  });
}

void mkdir(fuse_req_t raw, fuse_ino_t parent, const char* name, mode_t mode) {
  serve_name(raw, "mkdir", parent, name, [&](Request& request) -> Status {
    MEMORIA_TRY(const Attributes made,
                request.volume().mkdir(parent, name, mode, request.caller()));
    request.reply_entry(made);
    return ok();
  });
}

void symlink(fuse_req_t raw, const char* target, fuse_ino_t parent, const char* name) {
  serve_name(raw, "symlink", parent, name, [&](Request& request) -> Status {
    MEMORIA_TRY(const Attributes made,
                request.volume().symlink(parent, name, target, request.caller()));
    request.reply_entry(made);
    return ok();
  });
}

void link(fuse_req_t raw, fuse_ino_t ino, fuse_ino_t parent, const char* name) {
  serve_name(raw, "link", parent, name, [&](Request& request) -> Status {
    if (tree_of(ino) != kVolumeTree) return Error::posix(EXDEV);
    MEMORIA_TRY(const Attributes linked, request.volume().link(ino, parent, name));
    request.reply_entry(linked);
    return ok();
  });
}

void unlink(fuse_req_t raw, fuse_ino_t parent, const char* name) {
  serve_name(raw, "unlink", parent, name, [&](Request& request) -> Status {
    MEMORIA_TRY(request.volume().unlink(parent, name));
    request.reply_ok();
    return ok();
  });
}

void rmdir(fuse_req_t raw, fuse_ino_t parent, const char* name) {
  serve_name(raw, "rmdir", parent, name, [&](Request& request) -> Status {
    MEMORIA_TRY(request.volume().rmdir(parent, name));
    request.reply_ok();
    return ok();
  });
}

void rename(fuse_req_t raw, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
            const char* new_name, unsigned flags) {
  if (tree_of(parent) != tree_of(new_parent)) return Request(raw, "rename").reply_errno(EXDEV);
  serve_name(raw, "rename", parent, name, [&](Request& request) -> Status {
    MEMORIA_TRY(check_not_snapshots(request, new_parent, new_name));
    MEMORIA_TRY(
        request.volume().rename(parent, name, new_parent, new_name, flags, request.caller()));
    request.reply_ok();
    return ok();
  });
}

void readlink(fuse_req_t raw, fuse_ino_t ino) {
  serve(raw, "readlink", ino, [&](Request& request) -> Status {
    MEMORIA_TRY(const std::string target, request.volume().readlink(request.ino()));
    request.reply_link(target);
    return ok();
  });
}

/// O_TMPFILE.
[[maybe_unused]] void make_unnamed(fuse_req_t raw, fuse_ino_t parent, mode_t mode,
                                   fuse_file_info* file) {
  serve_change(raw, "tmpfile", parent, [&](Request& request) -> Status {
    MEMORIA_TRY(const Attributes made,
                request.volume().make_unnamed(parent, mode, request.caller()));
    return reply_opened(request, made, *file);
  });
}

/// libfuse has it from 3.17 on.
template <class Operations>
void add_make_unnamed(Operations& operations) {
  if constexpr (requires { operations.tmpfile; }) operations.tmpfile = make_unnamed;
}

}  // namespace

void add_name_handlers(fuse_lowlevel_ops& operations) {
  operations.lookup = lookup;
  operations.forget = forget;
  operations.forget_multi = forget_multi;
  operations.mknod = mknod;
  operations.create = create;
  operations.mkdir = mkdir;
  operations.symlink = symlink;
  operations.link = link;
  operations.unlink = unlink;
  operations.rmdir = rmdir;
  operations.rename = rename;
  operations.readlink = readlink;
  add_make_unnamed(operations);
}

}  // namespace memoria
