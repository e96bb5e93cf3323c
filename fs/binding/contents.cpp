// SPDX-License-Identifier: MIT
// Requests about the bytes of regular files.
#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "fs/binding/handlers.hpp"
#include "fs/binding/page_flusher.hpp"
#include "fs/binding/request.hpp"
#include "fs/binding/syncing.hpp"

namespace memoria {
namespace {

/// What the kernel remembers of a file without blocks is no longer true: see shown().
void begin_writing(Binding& binding, InodeNumber ino, int flags) {
  binding.writers.opened(ino, flags);
  const auto attributes = binding.volume.getattr(ino);
  if (attributes && attributes.value().blocks == 0) binding.flusher->forget_attributes(ino);
}

void open(fuse_req_t raw, fuse_ino_t ino, fuse_file_info* file) {
  serve(raw, "open", ino, [&](Request& request) -> Status {
    const bool writes = Writers::writes(file->flags);
    if (writes && request.tree() != kVolumeTree) return Error::posix(EROFS);
    MEMORIA_TRY(request.volume().open(request.ino()));
    if (writes) begin_writing(request.binding(), ino, file->flags);
    file->keep_cache = 1;
    request.reply_open(request.ino(), *file);
    return ok();
  });
}

void release(fuse_req_t raw, fuse_ino_t ino, fuse_file_info* file) {
  serve(raw, "release", [&](Request& request) -> Status {
    if (tree_of(ino) == kVolumeTree) {  // else there is nothing to count
      request.binding().writers.closed(ino, file->flags);
      request.volume().release(ino);
    }
    request.reply_ok();
    return ok();
  });
}

/// Room for the largest read, kept by each serving thread: no allocation per request.
std::span<char> read_buffer(size_t size) {
  thread_local std::vector<char> buffer;
  if (buffer.size() < size) buffer.resize(size);
  return {buffer.data(), size};
}

void read(fuse_req_t raw, fuse_ino_t ino, size_t size, off_t offset, fuse_file_info*) {
  serve(raw, "read", ino, [&](Request& request) -> Status {
    const auto buffer = read_buffer(size);
    MEMORIA_TRY(const size_t count,
                request.volume().read(request.ino(), static_cast<uint64_t>(offset), buffer));
    request.reply_bytes({buffer.data(), count});
    return ok();
  });
}

/// Not through the page cache, so what O_SYNC promises is ours to keep. (Behind the cache the
/// kernel sends an fsync of its own.)
bool must_sync(const fuse_file_info& file) {
  return file.writepage == 0 && (file.flags & (O_SYNC | O_DSYNC)) != 0;
}

void write(fuse_req_t raw, fuse_ino_t ino, const char* bytes, size_t size, off_t offset,
           fuse_file_info* file) {
  serve_change(raw, "write", ino, [&](Request& request) -> Status {
    auto& volume = request.volume();
    const bool writeback = request.binding().writeback;
    if (!writeback && (file->flags & O_APPEND) != 0) {
      MEMORIA_TRY(volume.append(ino, {bytes, size}));
    } else {
      MEMORIA_TRY(volume.write(ino, static_cast<uint64_t>(offset), {bytes, size}, writeback));
    }
    if (must_sync(*file)) {
      sync_then(std::move(request), [size](Request& synced) { synced.reply_written(size); });
    } else {
      request.reply_written(size);
    }
    return ok();
  });
}

void fsync(fuse_req_t raw, fuse_ino_t, int, fuse_file_info*) {
  serve(raw, "fsync", [](Request& request) -> Status {
    sync_then(std::move(request), [](Request& synced) { synced.reply_ok(); });
    return ok();
  });
}

void fallocate(fuse_req_t raw, fuse_ino_t ino, int mode, off_t offset, off_t length,
               fuse_file_info*) {
  serve_change(raw, "fallocate", ino, [&](Request& request) -> Status {
    MEMORIA_TRY(request.volume().fallocate(ino, mode, static_cast<uint64_t>(offset),
                                           static_cast<uint64_t>(length)));
    request.reply_ok();
    return ok();
  });
}

Status reply_found(Request& request, off_t offset, int whence) {
  MEMORIA_TRY(const uint64_t found,
              request.volume().seek(request.ino(), static_cast<uint64_t>(offset), whence));
  request.reply_position(static_cast<off_t>(found));
  return ok();
}

void lseek(fuse_req_t raw, fuse_ino_t ino, off_t offset, int whence, fuse_file_info*) {
  serve(raw, "lseek", ino, [&](Request& request) -> Status {
    if (!request.binding().writers.has(ino)) return reply_found(request, offset, whence);
    auto& flusher = *request.binding().flusher;
    auto waiting = std::make_shared<Request>(std::move(request));  // std::function must be copyable
    flusher.flush_then(ino, offset, [=](int error) {
      serve(std::move(*waiting), [&](Request& flushed) -> Status {
        if (error != 0) return Error::posix(EIO);  // better than a hole where data may be
        return reply_found(flushed, offset, whence);
      });
    });
    return ok();
  });
}

}  // namespace

void add_content_handlers(fuse_lowlevel_ops& operations) {
  operations.open = open;
  operations.release = release;
  operations.read = read;
  operations.write = write;
  operations.fsync = fsync;
  operations.fallocate = fallocate;
  operations.lseek = lseek;
}

}  // namespace memoria
