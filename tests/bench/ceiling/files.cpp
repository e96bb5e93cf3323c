// SPDX-License-Identifier: MIT
// Requests about files and what they hold.
#include <sys/statvfs.h>
#include <sys/sysinfo.h>

#include <cerrno>

#include "tests/bench/ceiling/handlers.hpp"

namespace memoria::ceiling {
namespace {

constexpr unsigned long kBlock = 4096;
constexpr unsigned long kNameMax = 255;
constexpr fsfilcnt_t kFreeFiles = 1'000'000'000;

void getattr(fuse_req_t raw, fuse_ino_t ino, fuse_file_info*) {
  const auto attributes = attributes_of(node_of(raw, ino));
  fuse_reply_attr(raw, &attributes, kCacheTime);
}

void set_times(struct stat& attributes, const struct stat& wanted, int to_set) {
  const auto time = now();
  if ((to_set & FUSE_SET_ATTR_ATIME) != 0) attributes.st_atim = wanted.st_atim;
  if ((to_set & FUSE_SET_ATTR_MTIME) != 0) attributes.st_mtim = wanted.st_mtim;
  // These come together with the plain ones and win.
  if ((to_set & FUSE_SET_ATTR_ATIME_NOW) != 0) attributes.st_atim = time;
  if ((to_set & FUSE_SET_ATTR_MTIME_NOW) != 0) attributes.st_mtim = time;
  attributes.st_ctim = (to_set & FUSE_SET_ATTR_CTIME) != 0 ? wanted.st_ctim : time;
}

Status set_attributes(Node& node, const struct stat& wanted, int to_set) {
  const WriteLock lock(node.mutex);
  auto& attributes = node.attributes;
  if ((to_set & FUSE_SET_ATTR_SIZE) != 0) {
    if (!node.contents.resize(static_cast<uint64_t>(wanted.st_size))) return Error::posix(ENOSPC);
    attributes.st_mtim = now();  // unless it comes as well
  }
  if ((to_set & FUSE_SET_ATTR_MODE) != 0) {
    attributes.st_mode = (attributes.st_mode & S_IFMT) | (wanted.st_mode & 07777);
  }
  if ((to_set & FUSE_SET_ATTR_UID) != 0) attributes.st_uid = wanted.st_uid;
  if ((to_set & FUSE_SET_ATTR_GID) != 0) attributes.st_gid = wanted.st_gid;
  set_times(attributes, wanted, to_set);
  return ok();
}

void setattr(fuse_req_t raw, fuse_ino_t ino, struct stat* wanted, int to_set, fuse_file_info*) {
  serve(raw, [&]() -> Status {
    auto& node = node_of(raw, ino);
    MEMORIA_TRY(set_attributes(node, *wanted, to_set));
    const auto attributes = attributes_of(node);
    fuse_reply_attr(raw, &attributes, kCacheTime);
    return ok();
  });
}

void open(fuse_req_t raw, fuse_ino_t, fuse_file_info* file) {
  if (server_of(raw).left.opening_files) {
    fuse_reply_err(raw, ENOSYS);  // "do not ask again"
  } else {
    file->keep_cache = 1;
    fuse_reply_open(raw, file);
  }
}

void read(fuse_req_t raw, fuse_ino_t ino, size_t size, off_t offset, fuse_file_info*) {
  const NodePtr node(&node_of(raw, ino));  // with the reply the kernel may forget it
  const ReadLock lock(node->mutex);        // the reply is taken from where the bytes are
  const auto bytes = node->contents.read(static_cast<uint64_t>(offset), size);
  fuse_reply_buf(raw, bytes.data(), bytes.size());
}

Status write_to(Node& node, uint64_t offset, std::string_view bytes, bool set_times) {
  const WriteLock lock(node.mutex);
  if (!node.contents.write(offset, bytes)) return Error::posix(ENOSPC);
  if (set_times) node.attributes.st_mtim = node.attributes.st_ctim = now();
  return ok();
}

void write(fuse_req_t raw, fuse_ino_t ino, const char* bytes, size_t size, off_t offset,
           fuse_file_info*) {
  serve(raw, [&]() -> Status {
    auto& server = server_of(raw);
    if (server.log) MEMORIA_TRY(server.log->append({bytes, size}));
    MEMORIA_TRY(write_to(node_of(raw, ino), static_cast<uint64_t>(offset), {bytes, size},
                         !server.left.writeback));
    fuse_reply_write(raw, size);
    return ok();
  });
}

/// Handled also when nothing has to be done: a filesystem with a disk needs to be asked each time.
void fsync(fuse_req_t raw, fuse_ino_t, int, fuse_file_info*) {
  serve(raw, [&]() -> Status {
    const auto& server = server_of(raw);
    if (server.syncs) MEMORIA_TRY(server.log->sync());
    fuse_reply_err(raw, 0);
    return ok();
  });
}

Status allocate(Node& node, uint64_t end) {
  const WriteLock lock(node.mutex);
  if (end > node.contents.size() && !node.contents.resize(end)) return Error::posix(ENOSPC);
  node.attributes.st_mtim = node.attributes.st_ctim = now();
  return ok();
}

void fallocate(fuse_req_t raw, fuse_ino_t ino, int mode, off_t offset, off_t length,
               fuse_file_info*) {
  serve(raw, [&]() -> Status {
    if (mode != 0) return Error::posix(EOPNOTSUPP);
    MEMORIA_TRY(allocate(node_of(raw, ino), static_cast<uint64_t>(offset + length)));
    fuse_reply_err(raw, 0);
    return ok();
  });
}

void statfs(fuse_req_t raw, fuse_ino_t) {
  struct sysinfo memory {};
  ::sysinfo(&memory);
  const auto blocks = [&](unsigned long units) { return units * memory.mem_unit / kBlock; };
  struct statvfs st {};
  st.f_bsize = st.f_frsize = kBlock;
  st.f_blocks = blocks(memory.totalram);
  st.f_bfree = st.f_bavail = blocks(memory.freeram + memory.bufferram);
  st.f_ffree = st.f_favail = kFreeFiles;
  st.f_files = kFreeFiles + server_of(raw).tree.node_count();
  st.f_namemax = kNameMax;
  fuse_reply_statfs(raw, &st);
}

}  // namespace

void add_file_handlers(fuse_lowlevel_ops& operations) {
  operations.getattr = getattr;
  operations.setattr = setattr;
  operations.open = open;
  operations.read = read;
  operations.write = write;
  operations.fsync = fsync;
  operations.fsyncdir = fsync;
  operations.fallocate = fallocate;
  operations.statfs = statfs;
}

}  // namespace memoria::ceiling
