// SPDX-License-Identifier: MIT
#include "fs/binding/request.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "fs/binding/page_flusher.hpp"

namespace memoria {
namespace {

constexpr uint64_t kGeneration = 1;  // inode numbers are never reused
constexpr blksize_t kPreferredBlock = 4096;

statx_timestamp to_statx_timestamp(TimeNs time) {
  const auto t = to_timespec(time);
  return {.tv_sec = t.tv_sec, .tv_nsec = static_cast<uint32_t>(t.tv_nsec), .__reserved = 0};
}

struct statx to_statx(const Attributes& a) {
  struct statx out {};
  out.stx_mask = STATX_BASIC_STATS | STATX_BTIME;
  out.stx_blksize = kPreferredBlock;
  out.stx_nlink = a.links;
  out.stx_uid = a.uid;
  out.stx_gid = a.gid;
  out.stx_mode = static_cast<uint16_t>(a.mode);
  out.stx_ino = a.ino;
  out.stx_size = a.size;
  out.stx_blocks = a.blocks;
  out.stx_atime = to_statx_timestamp(a.atime);
  out.stx_btime = to_statx_timestamp(a.btime);
  out.stx_ctime = to_statx_timestamp(a.ctime);
  out.stx_mtime = to_statx_timestamp(a.mtime);
  out.stx_rdev_major = major(a.rdev);
  out.stx_rdev_minor = minor(a.rdev);
  return out;
}

/// Errors that tell of trouble below, rather than of what a program asked for.
bool is_alarming(const Error& error) {
  switch (error.code) {
    case Errc::kCorrupt:
    case Errc::kIo:
    case Errc::kNoSpace:
      return true;
    default:
      return error.to_errno() == EIO;
  }
}

}  // namespace

struct stat to_stat(const Attributes& a) {
  struct stat st {};
  st.st_ino = a.ino;
  st.st_mode = a.mode;
  st.st_nlink = a.links;
  st.st_uid = a.uid;
  st.st_gid = a.gid;
  st.st_rdev = a.rdev;
  st.st_size = static_cast<off_t>(a.size);
  st.st_blocks = static_cast<blkcnt_t>(a.blocks);
  st.st_blksize = kPreferredBlock;
  st.st_atim = to_timespec(a.atime);
  st.st_mtim = to_timespec(a.mtime);
  st.st_ctim = to_timespec(a.ctime);
  return st;
}

Request::~Request() {
  if (raw() != nullptr) {
    spdlog::error("{}: no answer was given; this is a bug", describe());
    reply_errno(EIO);
  }
}

Status Request::enter(NodeId node) {
  is_about_inode_ = true;
  tree_ = tree_of(node);
  ino_ = inode_of(node);
  if (tree_ == kVolumeTree || tree_ == kSnapshotsTree) return ok();
  MEMORIA_TRY(snapshot_, binding().snapshots.open(tree_));
  return ok();
}

std::string Request::describe() const {
  if (!is_about_inode_) return operation_;
  if (tree_ == kSnapshotsTree) return fmt::format("{} ({})", operation_, kSnapshotsName);
  if (tree_ == kVolumeTree) return fmt::format("{} (inode {})", operation_, ino_);
  return fmt::format("{} (inode {} of the snapshot {})", operation_, ino_,
                     binding().snapshots.name(tree_));
}

/// `tar --sparse` reads no file without blocks. So one to which a program may be writing is shown
/// with one: the bytes may still be with the kernel.
Attributes Request::shown(const Attributes& attributes) const {
  Attributes out = attributes;
  out.ino = node(attributes.ino);
  if (out.blocks == 0 && S_ISREG(out.mode) && tree_ == kVolumeTree &&
      binding().written.may_have_more(attributes.ino)) {
    out.blocks = 1;
  }
  return out;
}

Status Request::begin_writing() const {
  if (!binding().written.begin(ino_)) return ok();
  MEMORIA_TRY(const Attributes attributes, volume().getattr(ino_));
  if (attributes.blocks == 0) binding().flusher->forget_attributes(ino_);
  return ok();
}

/// The kernel is to ask again when there may be blocks, or not.
double Request::attribute_time(const Attributes& attributes) const {
  const bool unsure = attributes.blocks == 0 && S_ISREG(attributes.mode) && tree_ == kVolumeTree &&
                      binding().written.is_unsure(attributes.ino);
  return unsure ? 0 : binding().cache_times.attributes;
}

fuse_entry_param Request::entry(const Attributes& attributes) const {
  fuse_entry_param entry{};
  entry.ino = node(attributes.ino);
  entry.generation = kGeneration;
  entry.attr = to_stat(shown(attributes));
  entry.attr_timeout = attribute_time(attributes);
  entry.entry_timeout = binding().cache_times.entry;
  return entry;
}

void Request::undo_hold(InodeNumber ino) const {
  if (tree_ != kSnapshotsTree) volume().forget(ino, 1);
}

Caller Request::caller() const {
  const auto* context = fuse_req_ctx(raw());
  return {.uid = context->uid,
          .gid = context->gid,
          .umask = binding().acls ? context->umask : mode_t{0}};
}

void Request::reply_errno(int error) {
  fuse_reply_err(take(), error);
}

void Request::reply_entry(const Attributes& attributes) {
  const auto entry = this->entry(attributes);
  if (fuse_reply_entry(take(), &entry) != 0) undo_hold(attributes.ino);
}

/// A file as one that is being written, which spares the kernel to ask once more when it is.
fuse_entry_param Request::new_entry(const Attributes& attributes) const {
  auto entry = this->entry(attributes);
  if (S_ISREG(attributes.mode)) {
    entry.attr.st_blocks = 1;
    binding().written.created(attributes.ino);
  }
  return entry;
}

void Request::reply_new_entry(const Attributes& attributes) {
  const auto entry = new_entry(attributes);
  if (fuse_reply_entry(take(), &entry) != 0) undo_hold(attributes.ino);
}

void Request::reply_create(const Attributes& attributes, const fuse_file_info& file) {
  const auto entry = new_entry(attributes);
  if (fuse_reply_create(take(), &entry, &file) != 0) undo_hold(attributes.ino);
}

void Request::reply_no_entry() {
  fuse_entry_param entry{};
  entry.entry_timeout = binding().cache_times.negative;
  fuse_reply_entry(take(), &entry);
}

void Request::reply_attributes(const Attributes& attributes) {
  const auto timeout = attribute_time(attributes);
  const auto st = to_stat(shown(attributes));
  fuse_reply_attr(take(), &st, timeout);
}

void Request::reply_extended_attributes(const Attributes& attributes) {
  const auto timeout = attribute_time(attributes);
  auto out = to_statx(shown(attributes));
  reply_statx(take(), out, timeout);
}

void Request::reply_open(const fuse_file_info& file) {
  fuse_reply_open(take(), &file);
}

void Request::reply_bytes(std::string_view bytes) {
  fuse_reply_buf(take(), bytes.data(), bytes.size());
}

void Request::reply_listing(std::string_view bytes, std::span<const InodeNumber> held) {
  if (fuse_reply_buf(take(), bytes.data(), bytes.size()) == 0) return;
  for (const auto ino : held) undo_hold(ino);
}

void Request::reply_link(const std::string& target) {
  fuse_reply_readlink(take(), target.c_str());
}

void Request::reply_written(size_t count) {
  fuse_reply_write(take(), count);
}

void Request::reply_position(off_t offset) {
  fuse_reply_lseek(take(), offset);
}

void Request::reply_statfs(const struct statvfs& statistics) {
  fuse_reply_statfs(take(), &statistics);
}

void Request::reply_xattr_size(size_t size) {
  fuse_reply_xattr(take(), size);
}

void Request::fail(const Error& error) {
  if (is_alarming(error)) spdlog::error("{}: {}", describe(), error.describe());
  // ENOSYS from one object would switch the operation off for the whole mount.
  const int code = error.to_errno() == ENOSYS ? EOPNOTSUPP : error.to_errno();
  if (raw() != nullptr) reply_errno(code);
}

void Request::fail(const std::exception& exception) {
  spdlog::error("{}: {}; this is a bug", describe(), exception.what());
  if (raw() != nullptr) reply_errno(EIO);
}

}  // namespace memoria
