// SPDX-License-Identifier: MIT
// What stat(2) shows, and changing it.
#include <utility>

#include "fs/volume/acl.hpp"
#include "fs/volume/errors.hpp"
#include "fs/volume/volume_impl.hpp"

namespace memoria {
namespace {

constexpr uint64_t kSector = 512;          ///< the unit of st_blocks
constexpr uint64_t kDirectorySize = 4096;  ///< as the smallest of ext4: programs print it, no more
constexpr std::string_view kCapability = "security.capability";

bool is_anything(const AttributeChanges& c) {
  return c.mode || c.uid || c.gid || c.size || c.atime || c.mtime || c.ctime || c.atime_now ||
         c.mtime_now || c.drop_set_ids;
}

/// Cuts or grows the contents. While somebody holds the file they stay there, even if empty: see
/// the lock rules of VolumeState.
Status resize(const Store& store, bool held, Batch& batch, InodeNumber ino, const Inode& inode,
              uint64_t size) {
  if (inode.is_directory()) return posix(EISDIR);
  if (!inode.is_regular()) return posix(EINVAL);
  if (size > kMaxFileSize) return posix(EFBIG);
  const Key contents(Table::kContents, ino);
  const auto present = store.size(contents);
  if (size == present.value_or(0)) return ok();
  if (size == 0 && !held) {
    batch.erase(contents);
  } else {
    batch.truncate(contents, size);
  }
  return ok();
}

bool drop_set_ids_of(const Store& store, Transaction& change, InodeNumber ino, Inode& inode,
                     bool outside_group) {
  if (inode.is_directory()) return false;
  const mode_t before = std::exchange(inode.mode, without_set_ids(inode.mode, outside_group));
  const Key capability(Table::kXattrs, ino, kCapability);
  const bool was_capable = store.contains(capability);
  if (was_capable) change.batch().erase(capability);
  return was_capable || inode.mode != before;
}

void set_times(const AttributeChanges& changes, TimeNs now, Inode& inode) {
  if (changes.size && changes.kernel_has_times && !changes.mtime && !changes.ctime) return;
  if (changes.size) inode.mtime = now;
  if (changes.atime_now) inode.atime = now;
  if (changes.mtime_now) inode.mtime = now;
  if (changes.atime) inode.atime = *changes.atime;
  if (changes.mtime) inode.mtime = *changes.mtime;
  if (changes.ctime) note_kernel_time(*changes.ctime);
  inode.ctime = changes.ctime.value_or(now);
}

}  // namespace

Attributes VolumeState::attributes(InodeNumber ino, const Inode& inode) const {
  Attributes out;
  out.ino = ino;
  out.mode = inode.mode;
  out.links = inode.links;
  out.uid = inode.uid;
  out.gid = inode.gid;
  out.rdev = inode.rdev;
  out.atime = inode.atime;
  out.mtime = inode.mtime;
  out.ctime = inode.ctime;
  out.btime = inode.btime;
  if (inode.is_directory()) {
    out.size = kDirectorySize;
    out.blocks = kDirectorySize / kSector;
  } else if (inode.is_regular() || inode.is_symlink()) {
    if (const auto info = store->info(Key(Table::kContents, ino))) {
      out.size = info->size;
      if (inode.is_regular()) out.blocks = (info->allocated + kSector - 1) / kSector;
    }
  }
  return out;
}

Result<Attributes> Volume::getattr(InodeNumber ino) {
  const auto guard = impl_->stripes.lock(ino);
  const auto inode = load_inode(*impl_->store, ino);
  if (inode.has_value()) return impl_->attributes(ino, inode.value());
  if (inode.error().code == Errc::kNotFound) {
    if (const auto ghost = impl_->references.ghost(ino)) return *ghost;
  }
  return inode.error();
}

Result<Attributes> Volume::setattr(InodeNumber ino, const AttributeChanges& changes) {
  const auto guard = impl_->stripes.lock(ino);
  const Store& store = *impl_->store;
  auto change = impl_->begin();
  MEMORIA_TRY(Inode* const inode, change.inode(ino));
  if (!is_anything(changes)) return impl_->attributes(ino, *inode);

  if (changes.size) {
    MEMORIA_TRY(
        resize(store, impl_->references.is_held(ino), change.batch(), ino, *inode, *changes.size));
  }
  if (changes.uid) inode->uid = *changes.uid;
  if (changes.gid) inode->gid = *changes.gid;
  if (changes.uid || changes.gid || changes.drop_set_ids) {
    drop_set_ids_of(store, change, ino, *inode, changes.outside_group);
  }
  if (changes.mode && !inode->is_symlink()) {  // a symlink's mode is never asked
    inode->mode = (inode->mode & S_IFMT) | (*changes.mode & 07777);
    MEMORIA_TRY(follow_chmod(store, change, ino, *inode));
  }
  set_times(changes, change.now(), *inode);
  MEMORIA_TRY(change.commit());
  return impl_->attributes(ino, *inode);
}

Result<bool> Volume::drop_set_ids(InodeNumber ino, bool outside_group) {
  const auto guard = impl_->stripes.lock(ino);
  auto change = impl_->begin();
  MEMORIA_TRY(Inode* const inode, change.inode(ino));
  if (!drop_set_ids_of(*impl_->store, change, ino, *inode, outside_group)) return false;
  inode->ctime = change.now();
  MEMORIA_TRY(change.commit());
  return true;
}

}  // namespace memoria
