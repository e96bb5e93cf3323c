// SPDX-License-Identifier: MIT
// The volume by paths, for the control tool.
#include <array>
#include <vector>

#include "fs/volume/acl.hpp"
#include "fs/volume/errors.hpp"
#include "fs/volume/repair.hpp"
#include "fs/volume/volume_impl.hpp"

namespace memoria {
namespace {

/// A path without its last name, and that name ("" for the root).
std::pair<std::string_view, std::string_view> split(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  const auto slash = path.rfind('/');
  if (slash == path.npos) return {{}, path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

/// What a path leads to; holds nothing.
Result<Attributes> walk(Volume& volume, std::string_view path) {
  MEMORIA_TRY(auto at, volume.getattr(kRootInode));
  while (!path.empty()) {
    const auto name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    if (!S_ISDIR(at.mode)) return posix(ENOTDIR);
    if (name.empty()) continue;
    MEMORIA_TRY(at, volume.lookup(at.ino, name));
    volume.forget(at.ino, 1);
  }
  return at;
}

/// Something new is to have this path: EINVAL where a mount would hide it, or it would hide what a
/// mount shows.
Status check_not_reserved(InodeNumber directory, std::string_view name) {
  if (directory != kRootInode || name != kSnapshotsName) return ok();
  return posix(EINVAL, "a mount shows the snapshots there: take another name");
}

/// What a name stands for can be replaced by a file.
Status check_replaceable(mode_t type) {
  if (S_ISREG(type)) return ok();
  return S_ISDIR(type) ? posix(EISDIR) : posix(EINVAL, "is not a regular file");
}

/// Tells that a name changed, and with it its directory and what it stood for (`was`; 0: nothing),
/// which may have other names.
void tell(const VolumeState& volume, InodeNumber directory, std::string_view name,
          InodeNumber was) {
  const auto caches = volume.caches();
  const bool is_orphan = was != 0 && volume.references.is_unnamed(was);
  if (is_orphan && caches.last_name_gone) {
    caches.last_name_gone(directory, name, was);
  } else if (caches.entry_changed) {
    caches.entry_changed(directory, name);
  }
  if (!caches.inode_changed) return;
  caches.inode_changed(directory);
  if (was != 0) caches.inode_changed(was);
}

/// Attributes of a file that are those of what replaces it, too: not what the contents have a right
/// to or lack. (The lists of who may do what have rules of their own.)
bool stays_with_name(std::string_view attribute) {
  return !attribute.starts_with("security.") && !attribute.starts_with("system.") &&
         attribute != kLostRangesXattr;
}

Status copy_attributes(const Store& store, Transaction& change, InodeNumber from, InodeNumber to) {
  std::vector<std::string> names;
  MEMORIA_TRY(store.scan(Key(Table::kXattrs, from), {}, [&](const KeyInfo& info) {
    const auto name = name_in_key(info.key);
    if (stays_with_name(name)) names.emplace_back(name);
    return true;
  }));
  for (const auto& name : names) {
    MEMORIA_TRY(auto value, store.get(Key(Table::kXattrs, from, name)));
    change.batch().put(Key(Table::kXattrs, to, name), change.keep(std::move(value)));
  }
  return ok();
}

/// The next contents of a file, being written under no name.
class Replacement final : public Volume::Writer {
 public:
  Replacement(Volume& volume, VolumeState& impl, InodeNumber directory, std::string_view name,
              InodeNumber ino)
      : volume_(volume), impl_(impl), directory_(directory), name_(name), ino_(ino) {}
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;

  ~Replacement() override { volume_.forget(ino_, 1); }

  Status write(std::string_view bytes) override {
    if (committed_) return posix(EINVAL, "the file has been committed");
    if (buffer_.size() + bytes.size() < kBuffer) {
      buffer_ += bytes;
      return ok();
    }
    MEMORIA_TRY(flush());
    if (bytes.size() < kBuffer) {
      buffer_ = bytes;
      return ok();
    }
    MEMORIA_TRY(volume_.write(ino_, size_, bytes, true));
    size_ += bytes.size();
    return ok();
  }

  Status commit() override;

 private:
  static constexpr size_t kBuffer = 1 << 20;  ///< small writes become large pieces

  Status flush() {
    if (buffer_.empty()) return ok();
    MEMORIA_TRY(volume_.write(ino_, size_, buffer_, true));
    size_ += buffer_.size();
    buffer_.clear();
    return ok();
  }
  Status put_in_place();

  Volume& volume_;
  VolumeState& impl_;
  const InodeNumber directory_;
  const std::string name_;
  const InodeNumber ino_;
  std::string buffer_;
  uint64_t size_ = 0;
  bool committed_ = false;
  InodeNumber replaced_ = 0;  ///< what the name stood for
};

Status Replacement::commit() {
  if (committed_) return posix(EINVAL, "the file has been committed");
  MEMORIA_TRY(flush());
  MEMORIA_TRY(put_in_place());
  committed_ = true;
  tell(impl_, directory_, name_, replaced_);
  return volume_.sync();
}

/// Gives the new file the name, and of what the name stood for the mode, the owner, the access list
/// and the attributes: as programs do that save by renaming. As a write by somebody else, it leaves
/// no rights that were given to the old contents.
Status Replacement::put_in_place() {
  const VolumeState::NameRef ref{directory_, name_};
  MEMORIA_TRY(const auto located, impl_.locate(std::span(&ref, 1), ino_));
  const auto& old = located.entries[0];
  if (old) MEMORIA_TRY(check_replaceable(old->type));
  auto change = impl_.begin();
  MEMORIA_TRY(Inode* const directory, change.directory(directory_));
  MEMORIA_TRY(Inode* const inode, change.inode(ino_));
  VolumeState::Departure departure;
  uint64_t cookie = 0;
  if (old) {
    cookie = old->cookie;
    replaced_ = old->ino;
    MEMORIA_TRY(const Inode* const before, change.inode(old->ino));
    if (before->is_regular()) {
      inode->mode = without_set_ids(before->mode, false);
      inode->uid = before->uid;
      inode->gid = before->gid;
      MEMORIA_TRY(copy_access_acl(*impl_.store, change, old->ino, ino_));
      MEMORIA_TRY(copy_attributes(*impl_.store, change, old->ino, ino_));
    }
    MEMORIA_TRY(departure, impl_.drop_link(change, old->ino));
  } else {
    MEMORIA_TRY(cookie, impl_.counters.next_cookie());
    ++directory->entries;
  }
  change.set_name(directory_, name_, {ino_, S_IFREG, cookie});
  change.batch().erase(Key(Table::kOrphans, ino_));
  change.batch().use_reserve();  // all else of it is on the disk
  inode->links = 1;
  inode->mtime = inode->ctime = change.now();
  directory->mtime = directory->ctime = change.now();
  MEMORIA_TRY(change.commit());
  impl_.depart(departure);
  impl_.references.set_named(ino_);
  return ok();
}

}  // namespace

Result<Attributes> Volume::resolve(std::string_view path) {
  MEMORIA_TRY(auto out, walk(*this, path));
  if (path.ends_with('/') && !S_ISDIR(out.mode)) return posix(ENOTDIR);
  return out;
}

std::string Volume::content_key(InodeNumber ino) {
  return std::string(std::string_view(Key(Table::kContents, ino)));
}

Result<std::unique_ptr<Volume::Writer>> Volume::replace(std::string_view path, const Caller& caller,
                                                        mode_t mode) {
  const auto [above, name] = split(path);
  if (name.empty()) return posix(EISDIR, "the root is a directory");
  MEMORIA_TRY(check_name(name, EISDIR));
  MEMORIA_TRY(const auto directory, walk(*this, above));
  MEMORIA_TRY(check_not_reserved(directory.ino, name));
  // Before all the bytes come; decided when the name is given.
  const auto old = load_dentry(*impl_->store, directory.ino, name);
  if (old.has_value()) MEMORIA_TRY(check_replaceable(old.value().type));
  if (path.ends_with('/')) return posix(old.has_value() ? ENOTDIR : EISDIR);  // as open(2)
  MEMORIA_TRY(const auto made, make_unnamed(directory.ino, mode, caller));
  return std::unique_ptr<Writer>(
      std::make_unique<Replacement>(*this, *impl_, directory.ino, name, made.ino));
}

Status Volume::remove(std::string_view path) {
  const auto [above, name] = split(path);
  if (name.empty()) return posix(EBUSY, "the root cannot be removed");
  MEMORIA_TRY(const auto directory, walk(*this, above));
  MEMORIA_TRY(check_name(name, EINVAL));
  const auto found = load_dentry(*impl_->store, directory.ino, name);
  const InodeNumber removed_ino = found.has_value() ? found.value().ino : 0;
  const bool no_directory = found.has_value() && !S_ISDIR(found.value().type);
  if (path.ends_with('/') && no_directory) return posix(ENOTDIR);
  auto removed = unlink(directory.ino, name);
  if (!removed.has_value() && removed.error().to_errno() == EISDIR) {
    removed = rmdir(directory.ino, name);
  }
  MEMORIA_TRY(removed);
  tell(*impl_, directory.ino, name, removed_ino);
  return sync();
}

Status Volume::place(InodeNumber grown, std::string_view path) {
  const auto [above, name] = split(path);
  if (name.empty()) {
    std::vector<std::string> names;
    const auto filled = impl_->fill_root(grown, names);
    for (const auto& each : names) tell(*impl_, kRootInode, each, 0);
    return filled.has_value() ? sync() : filled;
  }
  MEMORIA_TRY(const auto directory, walk(*this, above));
  MEMORIA_TRY(check_name(name, EINVAL));
  MEMORIA_TRY(check_not_reserved(directory.ino, name));
  MEMORIA_TRY(const auto replaced, impl_->name_grown(grown, {directory.ino, name}));
  tell(*impl_, directory.ino, name, replaced.last.ino);
  return sync();
}

}  // namespace memoria
