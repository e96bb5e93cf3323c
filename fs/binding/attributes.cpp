// SPDX-License-Identifier: MIT
// Requests about what a file is rather than what it holds.
#include <sys/statvfs.h>

#include <memory>
#include <utility>

#include "fs/binding/groups.hpp"
#include "fs/binding/handlers.hpp"
#include "fs/binding/page_flusher.hpp"
#include "fs/binding/raw_requests.hpp"
#include "fs/binding/request.hpp"
#include "fs/binding/snapshot_directory.hpp"

namespace memoria {
namespace {

constexpr unsigned long kBlock = 4096;
constexpr unsigned long kNameMax = 255;

AttributeChanges to_changes(const struct stat& wanted, int to_set) {
  const auto has = [to_set](int bit) { return (to_set & bit) != 0; };
  AttributeChanges changes;
  if (has(FUSE_SET_ATTR_MODE)) changes.mode = wanted.st_mode & 07777;
  if (has(FUSE_SET_ATTR_UID)) changes.uid = wanted.st_uid;
  if (has(FUSE_SET_ATTR_GID)) changes.gid = wanted.st_gid;
  if (has(FUSE_SET_ATTR_SIZE)) changes.size = static_cast<uint64_t>(wanted.st_size);
  // The *_NOW bits come together with the plain ones and win: the time is ours to take.
  changes.atime_now = has(FUSE_SET_ATTR_ATIME_NOW);
  changes.mtime_now = has(FUSE_SET_ATTR_MTIME_NOW);
  if (has(FUSE_SET_ATTR_ATIME) && !changes.atime_now) changes.atime = to_time_ns(wanted.st_atim);
  if (has(FUSE_SET_ATTR_MTIME) && !changes.mtime_now) changes.mtime = to_time_ns(wanted.st_mtim);
  if (has(FUSE_SET_ATTR_CTIME)) changes.ctime = to_time_ns(wanted.st_ctim);
  return changes;
}

Result<Attributes> attributes_of(const Request& request) {
  if (request.tree() == kSnapshotsTree) return snapshots_attributes(request.binding().snapshots);
  return request.volume().getattr(request.ino());
}

/// Whether the kernel may have bytes that make blocks of a file that has none in the volume.
Result<bool> is_unsure(const Request& request) {
  if (request.tree() != kVolumeTree || !request.binding().written.is_unsure(request.ino())) {
    return false;
  }
  MEMORIA_TRY(const Attributes attributes, request.volume().getattr(request.ino()));
  return attributes.blocks == 0;
}

using Answer = void (Request::*)(const Attributes&);

Status show(Request& request, Answer answer) {
  MEMORIA_TRY(const Attributes attributes, attributes_of(request));
  (request.*answer)(attributes);
  return ok();
}

/// Has the kernel write first. When it cannot, the file is shown as if there were some.
void settle_and_show(Request&& request, Answer answer) {
  auto& flusher = *request.binding().flusher;
  const auto ino = request.ino();
  const auto announced = request.binding().written.last_announced(ino);
  auto waiting = std::make_shared<Request>(std::move(request));  // std::function must be copyable
  flusher.flush_then(ino, 0, [=](int error) {
    if (error == 0) waiting->binding().written.settle(ino, announced);
    serve(std::move(*waiting), [=](Request& settled) { return show(settled, answer); });
  });
}

void show_attributes(fuse_req_t raw, const char* operation, fuse_ino_t ino, Answer answer) {
  serve(raw, operation, ino, [&](Request& request) -> Status {
    MEMORIA_TRY(const bool unsure, is_unsure(request));
    if (!unsure) return show(request, answer);
    settle_and_show(std::move(request), answer);
    return ok();
  });
}

void getattr(fuse_req_t raw, fuse_ino_t ino, fuse_file_info*) {
  show_attributes(raw, "getattr", ino, &Request::reply_attributes);
}

[[maybe_unused]] void statx(fuse_req_t raw, fuse_ino_t ino, int, int, fuse_file_info*) {
  show_attributes(raw, "statx", ino, &Request::reply_extended_attributes);
}

/// libfuse has it from 3.18 on.
template <class Operations>
void add_statx(Operations& operations) {
  if constexpr (requires { operations.statx; }) operations.statx = statx;
}

void setattr(fuse_req_t raw, fuse_ino_t ino, struct stat* wanted, int to_set, fuse_file_info*) {
  serve_change(raw, "setattr", ino, [&](Request& request) -> Status {
    auto changes = to_changes(*wanted, to_set);
    changes.drop_set_ids = request_takes_set_ids();
    if (changes.uid || changes.gid || changes.drop_set_ids) {
      MEMORIA_TRY(changes.outside_group, is_outside_group(request));
    }
    changes.kernel_has_times = request.binding().writeback;
    MEMORIA_TRY(const Attributes attributes, request.volume().setattr(request.ino(), changes));
    auto& written = request.binding().written;
    if (changes.size) {
      written.resized(request.ino(), *changes.size == 0);
    } else if (changes.uid || changes.gid) {
      written.owner_changed(request.ino());
    }
    request.reply_attributes(attributes);
    return ok();
  });
}

void statfs(fuse_req_t raw, fuse_ino_t) {
  serve(raw, "statfs", [&](Request& request) -> Status {
    MEMORIA_TRY(const VolumeSpace space, request.volume().space());
    struct statvfs st {};
    st.f_bsize = st.f_frsize = kBlock;
    st.f_blocks = space.total_bytes / kBlock;
    st.f_bfree = space.free_bytes / kBlock;
    st.f_bavail = space.available_bytes / kBlock;
    st.f_files = space.files + space.free_files;
    st.f_ffree = st.f_favail = space.free_files;
    st.f_namemax = kNameMax;
    request.reply_statfs(st);
    return ok();
  });
}

}  // namespace

void add_attribute_handlers(fuse_lowlevel_ops& operations) {
  operations.getattr = getattr;
  operations.setattr = setattr;
  add_statx(operations);
  operations.statfs = statfs;
}

}  // namespace memoria
