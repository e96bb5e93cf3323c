// SPDX-License-Identifier: MIT
// Requests about names: lookup, listing, making, renaming, removing, and the sync of a directory.
#include <sys/statvfs.h>

#include <vector>

#include "tests/powerloss/server.hpp"

namespace memoria::powerloss {
namespace {

void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  NodeId node = 0;
  serve(
      request,
      [&](DiskTree& tree) {
        node = tree.find(parent, name);
        return node == 0 ? ENOENT : 0;
      },
      [&](DiskTree& tree) {
        const auto entry = entry_of(tree, node);
        fuse_reply_entry(request, &entry);
      });
}

/// Answers with what has this name once `body` has made it.
template <class Body>
void serve_making(fuse_req_t request, fuse_ino_t parent, const char* name, Body&& body) {
  serve(request, body, [&](DiskTree& tree) {
    const auto entry = entry_of(tree, tree.find(parent, name));
    fuse_reply_entry(request, &entry);
  });
}

void mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t) {
  serve_making(request, parent, name, [&](DiskTree& tree) {
    return S_ISREG(mode) ? tree.make_file(parent, name, mode)
                         : tree.make_special(parent, name, mode);
  });
}

void mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  serve_making(request, parent, name,
               [&](DiskTree& tree) { return tree.make_directory(parent, name, mode); });
}

void link(fuse_req_t request, fuse_ino_t ino, fuse_ino_t parent, const char* name) {
  serve_making(request, parent, name, [&](DiskTree& tree) { return tree.link(ino, parent, name); });
}

void create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
            fuse_file_info* info) {
  serve(
      request, [&](DiskTree& tree) { return tree.make_file(parent, name, mode); },
      [&](DiskTree& tree) {
        const auto entry = entry_of(tree, tree.find(parent, name));
        info->direct_io = 1;
        fuse_reply_create(request, &entry, info);
      });
}

void unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  serve(request, [&](DiskTree& tree) { return tree.unlink(parent, name); });
}

void rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
  serve(request, [&](DiskTree& tree) { return tree.remove_directory(parent, name); });
}

void rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
            const char* new_name, unsigned flags) {
  serve(request, [&](DiskTree& tree) {
    return flags != 0 ? EINVAL : tree.rename(parent, name, new_parent, new_name);
  });
}

void fsyncdir(fuse_req_t request, fuse_ino_t, int, fuse_file_info*) {
  serve(request, [](DiskTree& tree) {
    tree.sync_names();
    return 0;
  });
}

/// One listing: what the directory held when it was opened.
struct Listing {
  std::vector<std::pair<std::string, NodeId>> entries;
};

Listing& listing_of(fuse_file_info* info) {
  return *reinterpret_cast<Listing*>(info->fh);
}

void opendir(fuse_req_t request, fuse_ino_t ino, fuse_file_info* info) {
  serve(
      request, [](DiskTree&) { return 0; },
      [&](DiskTree& tree) {
        info->fh = reinterpret_cast<uint64_t>(new Listing{tree.list(ino)});
        fuse_reply_open(request, info);
      });
}

void readdir(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset, fuse_file_info* info) {
  auto& entries = listing_of(info).entries;
  serve(
      request,
      [&](DiskTree& tree) {
        if (offset == 0) entries = tree.list(ino);
        return 0;
      },
      [&](DiskTree& tree) {
        std::vector<char> buffer(size);
        size_t used = 0;
        for (auto i = size_t(offset); i < entries.size(); ++i) {
          const auto& [name, node] = entries[i];
          const auto attributes = tree.attributes(node);
          const auto needed = fuse_add_direntry(request, buffer.data() + used, size - used,
                                                name.c_str(), &attributes, off_t(i + 1));
          if (needed > size - used) break;
          used += needed;
        }
        fuse_reply_buf(request, buffer.data(), used);
      });
}

void releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  delete &listing_of(info);
  fuse_reply_err(request, 0);
}

void statfs(fuse_req_t request, fuse_ino_t) {
  struct statvfs out {};
  out.f_bsize = out.f_frsize = test::SimulatedDisk::kPageSize;
  out.f_blocks = out.f_bfree = out.f_bavail = uint64_t{1} << 24;  // as large as it needs to be
  out.f_files = out.f_ffree = out.f_favail = 1 << 20;
  out.f_namemax = 255;
  fuse_reply_statfs(request, &out);
}

}  // namespace

void add_name_handlers(fuse_lowlevel_ops& operations) {
  operations.lookup = lookup;
  operations.mknod = mknod;
  operations.mkdir = mkdir;
  operations.link = link;
  operations.create = create;
  operations.unlink = unlink;
  operations.rmdir = rmdir;
  operations.rename = rename;
  operations.fsyncdir = fsyncdir;
  operations.opendir = opendir;
  operations.readdir = readdir;
  operations.releasedir = releasedir;
  operations.statfs = statfs;
}

}  // namespace memoria::powerloss
