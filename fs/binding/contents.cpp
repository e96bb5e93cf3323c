// SPDX-License-Identifier: MIT
// Requests about the bytes of regular files.
#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "fs/binding/answer_buffer.hpp"
#include "fs/binding/groups.hpp"
#include "fs/binding/handlers.hpp"
#include "fs/binding/page_flusher.hpp"
#include "fs/binding/raw_requests.hpp"
#include "fs/binding/request.hpp"
#include "fs/binding/syncing.hpp"

namespace memoria {
namespace {

constexpr uint64_t kSector = 512;  ///< the unit of st_blocks

/// There is nothing to remember of a file that is open: the kernel's hold keeps it alive.
void open(fuse_req_t raw, fuse_ino_t ino, fuse_file_info* file) {
  serve(raw, "open", ino, [&](Request& request) -> Status {
    if (request.binding().stateless_files) {
      request.reply_errno(ENOSYS);  // never asked again
      return ok();
    }
    file->keep_cache = 1;
    request.reply_open(*file);
    return ok();
  });
}

/// A program that has mapped a file stores to a page after the kernel has read it. That matters
/// where the page was not only a hole but the whole file was.
Status note_mapping(const Request& request) {
  if (request.tree() != kVolumeTree || request.volume().has_data(request.ino())) return ok();
  return request.begin_writing();
}

void read(fuse_req_t raw, fuse_ino_t ino, size_t size, off_t offset, fuse_file_info*) {
  serve(raw, "read", ino, [&](Request& request) -> Status {
    const auto buffer = answer_buffer(size);
    MEMORIA_TRY(const size_t count,
                request.volume().read(request.ino(), static_cast<uint64_t>(offset), buffer));
    MEMORIA_TRY(note_mapping(request));
    request.reply_bytes({buffer.data(), count});
    return ok();
  });
}

/// Not through the page cache, so what O_SYNC promises is ours to keep. (Behind the cache the
/// kernel sends an fsync of its own.)
bool must_sync(const fuse_file_info& file) {
  return file.writepage == 0 && (file.flags & (O_SYNC | O_DSYNC)) != 0;
}

Status drop_set_ids(const Request& request) {
  MEMORIA_TRY(const bool outside_group, is_outside_group(request));
  MEMORIA_TRY(const bool had_some, request.volume().drop_set_ids(request.ino(), outside_group));
  if (had_some) request.binding().flusher->forget_attributes(request.ino());
  return ok();
}

/// Nobody can write(2) to a file of a snapshot (xattrs.cpp), but a program can map it and store to
/// that memory; what it has stored is dropped from the kernel's cache.
Status refuse_stores(const Request& request) {
  request.binding().flusher->flush_then(request.node(request.ino()), 0, [](int) {});
  return Error::posix(EROFS);
}

void write(fuse_req_t raw, fuse_ino_t ino, const char* bytes, size_t size, off_t offset,
           fuse_file_info* file) {
  serve(raw, "write", ino, [&](Request& request) -> Status {
    if (request.tree() != kVolumeTree) return refuse_stores(request);
    request.binding().written.begin(ino);
    if (request_takes_set_ids()) MEMORIA_TRY(drop_set_ids(request));
    // What is appended comes with the offset of the end, which only this kernel moves, and one
    // writer of a file at a time.
    MEMORIA_TRY(request.volume().write(ino, static_cast<uint64_t>(offset), {bytes, size},
                                       request.binding().writeback));
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
    // Of whom the kernel would spare the bits (CAP_FSETID), root is all that can be seen here.
    if (takes_set_ids() && request.caller().uid != 0) MEMORIA_TRY(drop_set_ids(request));
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

/// Whether the bytes that the kernel may still have cannot change where the data is: without
/// write(2) a file becomes no longer, and one without holes has no place for data to appear.
Result<bool> has_it_all(const Request& request) {
  if (request.tree() != kVolumeTree) return true;
  if (request.binding().written.has(request.ino())) return false;
  MEMORIA_TRY(const Attributes attributes, request.volume().getattr(request.ino()));
  return attributes.blocks * kSector >= attributes.size;
}

void lseek(fuse_req_t raw, fuse_ino_t ino, off_t offset, int whence, fuse_file_info*) {
  serve(raw, "lseek", ino, [&](Request& request) -> Status {
    MEMORIA_TRY(const bool complete, has_it_all(request));
    if (complete) return reply_found(request, offset, whence);
    auto& flusher = *request.binding().flusher;
    auto waiting = std::make_shared<Request>(std::move(request));  // std::function must be copyable
    flusher.flush_then(ino, offset, [=](int error) {
      serve(std::move(*waiting), [&](Request& flushed) -> Status {
        if (error == 0) return reply_found(flushed, offset, whence);
        // Better than a hole where data may be; the flusher has logged why.
        flushed.reply_errno(EIO);
        return ok();
      });
    });
    return ok();
  });
}

}  // namespace

void add_content_handlers(fuse_lowlevel_ops& operations) {
  operations.open = open;
  operations.read = read;
  operations.write = write;
  operations.fsync = fsync;
  operations.fallocate = fallocate;
  operations.lseek = lseek;
}

}  // namespace memoria
