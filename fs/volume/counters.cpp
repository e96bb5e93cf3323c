// SPDX-License-Identifier: MIT
#include "fs/volume/counters.hpp"

#include "fs/volume/dentry.hpp"
#include "fs/volume/errors.hpp"
#include "fs/volume/keys.hpp"

namespace memoria {
namespace {

constexpr uint64_t kRange = 4096;

}  // namespace

Counters::Counters(Store& store, const Superblock& stored, uint64_t files)
    : store_(store),
      files_(files),
      struck_out_(!stored.files.has_value()),
      stored_(stored),
      next_inode_(stored.next_inode),
      next_cookie_(stored.next_cookie) {}

Result<InodeNumber> Counters::next_inode() {
  Lock lock(mutex_);
  if (next_inode_ == stored_.next_inode) MEMORIA_TRY(reserve());
  return next_inode_++;
}

Result<uint64_t> Counters::next_cookie() {
  Lock lock(mutex_);
  if (next_cookie_ == stored_.next_cookie) MEMORIA_TRY(reserve());
  return next_cookie_++;
}

Status Counters::reserve() {
  Superblock next = stored_;
  next.next_inode = next_inode_ + kRange;
  next.next_cookie = next_cookie_ + kRange;
  next.files.reset();
  if (next.next_cookie >= kDamagedCookies || next.next_inode > kMaxInode) {
    return posix(ENOSPC, "the volume has no inode numbers left");
  }
  MEMORIA_TRY(write(next));
  struck_out_ = true;
  return ok();
}

/// Also on a full disk: what comes next may be a removal.
Status Counters::write(const Superblock& next) {
  const auto bytes = encode(next);
  Batch batch;
  batch.put(Key(Table::kSuperblock), bytes);
  batch.use_reserve();
  MEMORIA_TRY(store_.apply(batch));
  stored_ = next;
  return ok();
}

Status Counters::begin_change() {
  if (struck_out_) return ok();
  Lock lock(mutex_);
  return struck_out_ ? Status(ok()) : reserve();
}

Superblock Counters::superblock() const {
  Lock lock(mutex_);
  return stored_;
}

Status Counters::close() {
  Lock lock(mutex_);
  if (!struck_out_ || store_.options().read_only) return ok();
  Superblock last = stored_;
  last.next_inode = next_inode_;
  last.next_cookie = next_cookie_;
  last.files = files_;
  MEMORIA_TRY(write(last));
  struck_out_ = false;
  return ok();
}

}  // namespace memoria
