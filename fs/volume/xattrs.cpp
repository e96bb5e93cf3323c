// SPDX-License-Identifier: MIT
// Extended attributes, with the rules of the kernel and of ext4.
#include <sys/xattr.h>

#include "fs/volume/acl.hpp"
#include "fs/volume/errors.hpp"
#include "fs/volume/volume_impl.hpp"

namespace memoria {
namespace {

constexpr size_t kMaxValue = 64 << 10;
constexpr size_t kMaxList = 64 << 10;  ///< what listxattr(2) can return, NULs included

bool is_acl(std::string_view name) {
  return name == kAccessAcl || name == kDefaultAcl;
}

Status check_xattr_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return posix(ERANGE);
  if (name.find('\0') != name.npos) return posix(EINVAL);
  if (is_acl(name)) return ok();
  for (const std::string_view space : {"user.", "trusted.", "security."}) {
    if (name.starts_with(space)) return name.size() > space.size() ? Status(ok()) : posix(EINVAL);
  }
  return posix(EOPNOTSUPP);
}

/// user.* belongs to those who may write to the contents, which other types do not have.
Status check_type(const Inode& inode, std::string_view name, int refused) {
  if (name.starts_with("user.") && !inode.is_regular() && !inode.is_directory()) {
    return posix(refused);
  }
  if (is_acl(name) && inode.is_symlink()) return posix(EOPNOTSUPP);
  return ok();
}

/// Whether it cannot be loaded because it is a directory that was removed and is still held: that
/// has no attributes any more.
bool is_ghost(const VolumeState& volume, InodeNumber ino, const Result<Inode>& loaded) {
  return !loaded.has_value() && loaded.error().code == Errc::kNotFound &&
         volume.references.ghost(ino).has_value();
}

/// All names of an inode must fit into one listxattr(2).
Status check_room(const Store& store, InodeNumber ino, std::string_view added) {
  size_t total = added.size() + 1;
  MEMORIA_TRY(store.scan(Key(Table::kXattrs, ino), {}, [&](const KeyInfo& info) {
    total += name_in_key(info.key).size() + 1;
    return true;
  }));
  if (total > kMaxList) return posix(ENOSPC, "the inode has too many extended attributes");
  return ok();
}

/// An access list sets the mode, too, and is only kept when it says more than the mode does. One
/// without entries removes it. Errors in the kernel's order.
Status set_acl(const Store& store, Transaction& change, InodeNumber ino, Inode& inode,
               std::string_view name, std::string_view value) {
  Acl acl;
  if (!value.empty()) {
    MEMORIA_TRY(acl, parse_acl(value));
  }
  const bool removes = acl.entries.empty();
  if (name == kDefaultAcl && !inode.is_directory()) {
    if (removes) return ok();
    return posix(EACCES);
  }
  if (!removes && !acl.is_valid()) return posix(EINVAL);
  const Key key(Table::kXattrs, ino, name);
  bool keep = false;
  if (!removes) {
    if (name == kAccessAcl) inode.mode = (inode.mode & ~mode_t{0777}) | acl.mode();
    keep = name == kDefaultAcl || !acl.is_minimal();
    if (keep) change.batch().put(key, change.keep(encode(acl)));
  }
  if (!keep && store.contains(key)) change.batch().erase(key);
  return ok();
}

}  // namespace

Status Volume::setxattr(InodeNumber ino, std::string_view name, std::string_view value, int flags,
                        SetGroupId set_group_id) {
  MEMORIA_TRY(check_xattr_name(name));
  if ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) != 0) return posix(EINVAL);
  if (value.size() > kMaxValue) return posix(E2BIG);
  const auto guard = impl_->stripes.lock(ino);
  const Store& store = *impl_->store;
  auto change = impl_->begin();
  MEMORIA_TRY(Inode* const inode, change.inode(ino));
  MEMORIA_TRY(check_type(*inode, name, EPERM));
  if (is_acl(name)) {
    MEMORIA_TRY(set_acl(store, change, ino, *inode, name, value));
    if (name == kAccessAcl && !value.empty() && set_group_id == SetGroupId::kDrop) {
      inode->mode &= ~mode_t{S_ISGID};
    }
  } else {
    const Key key(Table::kXattrs, ino, name);
    const bool there = store.contains(key);
    if (there && (flags & XATTR_CREATE) != 0) return posix(EEXIST);
    if (!there && (flags & XATTR_REPLACE) != 0) return posix(ENODATA);
    if (!there) MEMORIA_TRY(check_room(store, ino, name));
    change.batch().put(key, value);
  }
  inode->ctime = change.now();
  return change.commit();
}

Result<std::string> Volume::getxattr(InodeNumber ino, std::string_view name) {
  MEMORIA_TRY(check_xattr_name(name));
  const auto inode = load_inode(*impl_->store, ino);
  if (is_ghost(*impl_, ino, inode)) return posix(ENODATA);
  if (!inode.has_value()) return inode.error();
  MEMORIA_TRY(check_type(inode.value(), name, ENODATA));
  const Key key(Table::kXattrs, ino, name);
  if (!impl_->store->contains(key)) return posix(ENODATA);
  auto value = impl_->store->get(key);
  if (!value.has_value() && value.error().code == Errc::kNotFound) return posix(ENODATA);
  return value;
}

Result<std::vector<std::string>> Volume::listxattr(InodeNumber ino) {
  std::vector<std::string> out;
  const auto inode = load_inode(*impl_->store, ino);
  if (is_ghost(*impl_, ino, inode)) return out;
  if (!inode.has_value()) return inode.error();
  MEMORIA_TRY(impl_->store->scan(Key(Table::kXattrs, ino), {}, [&](const KeyInfo& info) {
    const auto name = name_in_key(info.key);
    // A name that no one can ask for is damage, and that of one attribute only.
    if (check_xattr_name(name).has_value()) out.emplace_back(name);
    return true;
  }));
  return out;
}

Status Volume::removexattr(InodeNumber ino, std::string_view name) {
  MEMORIA_TRY(check_xattr_name(name));
  const auto guard = impl_->stripes.lock(ino);
  auto change = impl_->begin();
  MEMORIA_TRY(Inode* const inode, change.inode(ino));
  MEMORIA_TRY(check_type(*inode, name, EPERM));
  const Key key(Table::kXattrs, ino, name);
  if (!impl_->store->contains(key)) return is_acl(name) ? Status(ok()) : posix(ENODATA);
  change.batch().erase(key);
  inode->ctime = change.now();
  return change.commit();
}

}  // namespace memoria
