// SPDX-License-Identifier: MIT
// Finding, making, linking and removing names.
#include "fs/volume/acl.hpp"
#include "fs/volume/errors.hpp"
#include "fs/volume/volume_impl.hpp"

namespace memoria {
namespace {

/// A directory's contents changed.
void touch(Inode& directory, TimeNs now) {
  directory.mtime = directory.ctime = now;
}

}  // namespace

Result<Attributes> Volume::lookup(InodeNumber parent, std::string_view name) {
  if (name == ".") {
    MEMORIA_TRY(auto out, getattr(parent));
    hold(parent);
    return out;
  }
  if (name == "..") {
    MEMORIA_TRY(const auto above, this->parent(parent));
    return lookup(above, ".");
  }
  MEMORIA_TRY(check_name(name, EINVAL));
  for (;;) {
    const auto entry = load_dentry(*impl_->store, parent, name);
    if (!entry.has_value()) {
      if (entry.error().code != Errc::kNotFound) return entry.error();
      MEMORIA_TRY(const auto inode, load_inode(*impl_->store, parent));
      return posix(inode.is_directory() ? ENOENT : ENOTDIR);
    }
    const auto ino = entry.value().ino;
    const auto guard = impl_->stripes.lock(ino);
    const auto inode = load_inode(*impl_->store, ino);
    const bool is_orphan = inode.has_value() && inode.value().links == 0;
    const bool is_elsewhere =
        inode.has_value() && !is_named_by(parent, entry.value().cookie, inode.value());
    if (inode.has_value() && !is_orphan && !is_elsewhere) {
      impl_->references.hold(ino);
      return impl_->attributes(ino, inode.value());
    }
    if (!inode.has_value() && inode.error().code != Errc::kNotFound) return inode.error();
    // Removed just now, or replaced; or damage, when the name still leads there.
    const auto again = load_dentry(*impl_->store, parent, name);
    if (again.has_value() && again.value() == entry.value()) {
      return damaged("entry '" + std::string(name) + "' leads to " +
                     (is_orphan      ? "an inode without links"
                      : is_elsewhere ? "a directory that is elsewhere"
                                     : "no inode"));
    }
  }
}

Result<Inode> VolumeState::new_inode(Transaction& change, InodeNumber ino, InodeNumber parent,
                                     const Inode& directory, const NewNode& node,
                                     const Caller& caller) {
  Inode out;
  out.mode = node.mode;
  out.rdev = S_ISCHR(node.mode) || S_ISBLK(node.mode) ? node.rdev : 0;
  out.uid = caller.uid;
  out.gid = (directory.mode & S_ISGID) != 0 ? directory.gid : caller.gid;
  out.links = out.is_directory() ? 2 : 1;
  out.parent = out.is_directory() ? parent : 0;
  out.btime = out.ctime = out.mtime = out.atime = change.now();
  MEMORIA_TRY(inherit_acl(*store, change, ino, parent, caller.umask, out));
  if (out.is_directory() && (directory.mode & S_ISGID) != 0) out.mode |= S_ISGID;
  return out;
}

Status VolumeState::check_free(InodeNumber parent, std::string_view name) const {
  const auto there = load_dentry(*store, parent, name);
  if (there.has_value()) return posix(EEXIST);
  if (there.error().code != Errc::kNotFound) return there.error();
  return ok();
}

Result<Attributes> VolumeState::create(InodeNumber parent, std::string_view name,
                                       const NewNode& node, const Caller& caller) {
  MEMORIA_TRY(check_name(name, EEXIST));
  MEMORIA_TRY(check_free(parent, name));  // mostly spares a number
  MEMORIA_TRY(const auto ino, counters.next_inode());
  const InodeNumber both[] = {parent, ino};
  const auto guard = stripes.lock(both);
  auto change = begin();
  MEMORIA_TRY(Inode* const directory, change.directory(parent));
  MEMORIA_TRY(check_free(parent, name));
  // Under the lock, so that the names of a directory get theirs in the order of their making.
  MEMORIA_TRY(const auto cookie, counters.next_cookie());
  MEMORIA_TRY(auto inode, new_inode(change, ino, parent, *directory, node, caller));
  if (inode.is_directory()) inode.place = cookie;
  const Inode* const made = change.create_inode(ino, std::move(inode));
  change.set_name(parent, name, {ino, made->mode & S_IFMT, cookie});
  if (made->is_symlink()) change.batch().put(Key(Table::kContents, ino), node.target);
  touch(*directory, change.now());
  ++directory->entries;
  if (made->is_directory()) ++directory->links;

  references.hold(ino);  // before anybody else can find it, and remove it
  if (auto done = change.commit(); !done.has_value()) {
    references.forget(ino, 1);
    return done.error();
  }
  return attributes(ino, *made);
}

Result<Attributes> Volume::mknod(InodeNumber parent, std::string_view name, mode_t mode,
                                 uint64_t rdev, const Caller& caller) {
  mode_t type = mode & S_IFMT;
  if (type == 0) type = S_IFREG;  // as mknod(2)
  if (!is_file_type(type) || S_ISDIR(type) || S_ISLNK(type)) return posix(EINVAL);
  return impl_->create(parent, name, {.mode = type | (mode & 07777), .rdev = rdev}, caller);
}

Result<Attributes> Volume::mkdir(InodeNumber parent, std::string_view name, mode_t mode,
                                 const Caller& caller) {
  return impl_->create(parent, name, {.mode = S_IFDIR | (mode & 07777)}, caller);
}

Result<Attributes> Volume::symlink(InodeNumber parent, std::string_view name,
                                   std::string_view target, const Caller& caller) {
  if (target.empty()) return posix(ENOENT);
  if (target.size() > kMaxTarget) return posix(ENAMETOOLONG);
  if (target.find('\0') != target.npos) return posix(EINVAL);
  return impl_->create(parent, name, {.mode = S_IFLNK | 0777, .target = target}, caller);
}

Result<Attributes> Volume::link(InodeNumber ino, InodeNumber parent, std::string_view name) {
  MEMORIA_TRY(check_name(name, EEXIST));
  const InodeNumber both[] = {ino, parent};
  const auto guard = impl_->stripes.lock(both);
  auto change = impl_->begin();
  MEMORIA_TRY(Inode* const directory, change.directory(parent));
  MEMORIA_TRY(impl_->check_free(parent, name));
  MEMORIA_TRY(Inode* const inode, change.inode(ino));
  if (inode->is_directory()) return posix(EPERM);
  if (inode->links >= kMaxLinks) return posix(EMLINK);
  const bool unnamed = inode->links == 0;
  if (unnamed && !impl_->references.is_linkable(ino)) return posix(ENOENT);
  MEMORIA_TRY(const auto cookie, impl_->counters.next_cookie());
  change.set_name(parent, name, {ino, inode->mode & S_IFMT, cookie});
  if (unnamed) {
    change.batch().erase(Key(Table::kOrphans, ino));
    change.batch().use_reserve();  // all else of it is on the disk
  }
  ++inode->links;
  inode->ctime = change.now();
  touch(*directory, change.now());
  ++directory->entries;
  MEMORIA_TRY(change.commit());
  impl_->references.hold(ino);
  if (unnamed) impl_->references.set_named(ino);
  return impl_->attributes(ino, *inode);
}

Status Volume::unlink(InodeNumber parent, std::string_view name) {
  MEMORIA_TRY(check_name(name, EISDIR));
  MEMORIA_TRY(const auto located, impl_->locate_existing(parent, name));
  const Dentry& entry = *located.entries[0];
  if (S_ISDIR(entry.type)) return posix(EISDIR);
  auto change = impl_->begin();
  MEMORIA_TRY(Inode* const directory, change.directory(parent));
  change.erase_name(parent, name, entry.cookie);
  touch(*directory, change.now());
  if (directory->entries > 0) --directory->entries;
  MEMORIA_TRY(const auto departure, impl_->drop_link(change, entry.ino));
  MEMORIA_TRY(change.commit());
  impl_->depart(departure);
  return ok();
}

Status Volume::rmdir(InodeNumber parent, std::string_view name) {
  MEMORIA_TRY(check_name(name, name == "." ? EINVAL : ENOTEMPTY));
  MEMORIA_TRY(const auto located, impl_->locate_existing(parent, name));
  const Dentry& entry = *located.entries[0];
  if (!S_ISDIR(entry.type)) return posix(ENOTDIR);
  auto change = impl_->begin();
  MEMORIA_TRY(Inode* const directory, change.directory(parent));
  change.erase_name(parent, name, entry.cookie);
  touch(*directory, change.now());
  if (directory->entries > 0) --directory->entries;
  if (directory->links > 2) --directory->links;
  MEMORIA_TRY(const auto departure, impl_->drop_directory(change, parent, entry));
  MEMORIA_TRY(change.commit());
  impl_->depart(departure);
  return ok();
}

Result<std::string> Volume::readlink(InodeNumber ino) {
  MEMORIA_TRY(const auto inode, load_inode(*impl_->store, ino));
  if (!inode.is_symlink()) return posix(EINVAL);
  auto target = impl_->store->get(Key(Table::kContents, ino));
  if (!target.has_value()) {
    if (target.error().code != Errc::kNotFound) return target.error();
    return damaged("symlink " + std::to_string(ino) + " has lost its target");
  }
  if (target.value().empty() || target.value().size() > kMaxTarget) {
    return damaged("the target of symlink " + std::to_string(ino) + " is impossible");
  }
  return target;
}

Result<InodeNumber> Volume::parent(InodeNumber directory) {
  MEMORIA_TRY(const auto inode, load_inode(*impl_->store, directory));
  if (!inode.is_directory()) return posix(ENOTDIR);
  return inode.parent;
}

}  // namespace memoria
