// SPDX-License-Identifier: MIT
// Requests about one file: its attributes, bytes and syncs.
#include <fcntl.h>
#include <linux/falloc.h>

#include <algorithm>

#include "tests/powerloss/server.hpp"

namespace memoria::powerloss {
namespace {

void getattr(fuse_req_t request, fuse_ino_t ino, fuse_file_info*) {
  serve(
      request, [](DiskTree&) { return 0; },
      [&](DiskTree& tree) {
        const auto attributes = tree.attributes(ino);
        fuse_reply_attr(request, &attributes, 0);
      });
}

void setattr(fuse_req_t request, fuse_ino_t ino, struct stat* wanted, int what, fuse_file_info*) {
  serve(
      request,
      [&](DiskTree& tree) {
        if ((what & FUSE_SET_ATTR_SIZE) != 0) tree.truncate(ino, uint64_t(wanted->st_size));
        if ((what & FUSE_SET_ATTR_MODE) != 0) tree.set_mode(ino, wanted->st_mode);
        return 0;
      },
      [&](DiskTree& tree) {
        const auto attributes = tree.attributes(ino);
        fuse_reply_attr(request, &attributes, 0);
      });
}

void open(fuse_req_t request, fuse_ino_t ino, fuse_file_info* info) {
  serve(
      request,
      [&](DiskTree& tree) {
        if ((info->flags & O_TRUNC) != 0) tree.truncate(ino, 0);
        return 0;
      },
      [&](DiskTree&) {
        info->direct_io = 1;
        fuse_reply_open(request, info);
      });
}

void read(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset, fuse_file_info*) {
  serve(
      request, [](DiskTree&) { return 0; },
      [&](DiskTree& tree) {
        const auto& bytes = tree.bytes(ino);
        const auto from = std::min<size_t>(size_t(offset), bytes.size());
        fuse_reply_buf(request, bytes.data() + from, std::min(size, bytes.size() - from));
      });
}

void write(fuse_req_t request, fuse_ino_t ino, const char* from, size_t size, off_t offset,
           fuse_file_info* info) {
  serve(
      request,
      [&](DiskTree& tree) {
        if ((info->flags & O_APPEND) != 0) offset = off_t(tree.bytes(ino).size());
        tree.write(ino, uint64_t(offset), std::string(from, size));
        // The flags of the file, and those of this one write (RWF_DSYNC).
        if ((info->flags & (O_DSYNC | O_SYNC)) != 0) tree.sync(ino);
        return 0;
      },
      [&](DiskTree&) { fuse_reply_write(request, size); });
}

void fsync(fuse_req_t request, fuse_ino_t ino, int /*data_only*/, fuse_file_info*) {
  serve(request, [&](DiskTree& tree) {
    tree.sync(ino);
    return 0;
  });
}

void fallocate(fuse_req_t request, fuse_ino_t ino, int mode, off_t offset, off_t length,
               fuse_file_info*) {
  serve(request, [&](DiskTree& tree) {
    const uint64_t size = tree.bytes(ino).size(), start = uint64_t(offset);
    const uint64_t end = start + uint64_t(length);
    if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0)
      return EOPNOTSUPP;
    if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0 && start < size) {
      tree.write(ino, start, std::string(std::min(end, size) - start, '\0'));
    }
    if ((mode & FALLOC_FL_KEEP_SIZE) == 0 && end > size) tree.truncate(ino, end);
    return 0;
  });
}

}  // namespace

void add_content_handlers(fuse_lowlevel_ops& operations) {
  operations.getattr = getattr;
  operations.setattr = setattr;
  operations.open = open;
  operations.read = read;
  operations.write = write;
  operations.fsync = fsync;
  operations.fallocate = fallocate;
}

}  // namespace memoria::powerloss
