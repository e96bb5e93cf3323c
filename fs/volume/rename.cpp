// SPDX-License-Identifier: MIT
// Moving names, the operation with the most rules.
#include <linux/fs.h>  // RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT

#include <utility>

#include "fs/volume/errors.hpp"
#include "fs/volume/volume_impl.hpp"

namespace memoria {
namespace {

constexpr unsigned kKnownFlags = RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT;

/// Deeper trees are loops that damage made.
constexpr int kMaxDepth = 1 << 20;

/// Whether `directory` is `below`, or above it.
Result<bool> is_above(const Store& store, InodeNumber directory, InodeNumber below) {
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    if (below == directory) return true;
    MEMORIA_TRY(const auto inode, load_inode(store, below));
    if (inode.parent == below) return false;  // the root, or the top of an unfinished tree
    below = inode.parent;
  }
  return damaged("directory " + std::to_string(directory) + " is inside itself");
}

/// One end of a rename: a directory, and what is under the name in it.
struct End {
  const VolumeState::NameRef& ref;
  const std::optional<Dentry>& entry;
  Inode* directory;

  bool holds_directory() const { return entry && S_ISDIR(entry->type); }
};

/// A directory must not move into itself; the errors are those of rename(2).
Status check_shape(const Store& store, const End& from, const End& to, bool exchange) {
  if (from.ref.directory == to.ref.directory) return ok();
  if (from.holds_directory()) {
    MEMORIA_TRY(const bool above, is_above(store, from.entry->ino, to.ref.directory));
    if (above) return posix(EINVAL);
  }
  if (to.holds_directory()) {
    MEMORIA_TRY(const bool above, is_above(store, to.entry->ino, from.ref.directory));
    if (above) return posix(exchange ? EINVAL : ENOTEMPTY);
  }
  return ok();
}

/// The inode at `from` is now under `to`, at the place `cookie`: its ctime, and for a directory
/// where it is and the link that its ".." is.
Status relocate(Transaction& change, const End& from, const End& to, uint64_t cookie) {
  MEMORIA_TRY(Inode* const inode, change.inode(from.entry->ino));
  if (!is_named_by(from.ref.directory, from.entry->cookie, *inode)) {
    return damaged("the directory is elsewhere");
  }
  inode->ctime = change.now();
  if (!inode->is_directory()) return ok();
  inode->place = cookie;
  if (from.ref.directory == to.ref.directory) return ok();
  inode->parent = to.ref.directory;
  if (from.directory->links > 2) --from.directory->links;
  ++to.directory->links;
  return ok();
}

Status exchange(Transaction& change, const End& from, const End& to) {
  MEMORIA_TRY(relocate(change, from, to, to.entry->cookie));
  MEMORIA_TRY(relocate(change, to, from, from.entry->cookie));
  // Each name keeps its place in the listing.
  change.set_name(from.ref.directory, from.ref.name,
                  {to.entry->ino, to.entry->type, from.entry->cookie});
  change.set_name(to.ref.directory, to.ref.name,
                  {from.entry->ino, from.entry->type, to.entry->cookie});
  return ok();
}

/// Moves the name; `cookie` is the place of the new one. The old one keeps its place when it is to
/// stand for `whiteout`, and goes when that is 0.
Status move(Transaction& change, const End& from, const End& to, uint64_t cookie,
            InodeNumber whiteout) {
  MEMORIA_TRY(relocate(change, from, to, cookie));
  if (whiteout != 0) {
    change.set_name(from.ref.directory, from.ref.name, {whiteout, S_IFCHR, from.entry->cookie});
  } else {
    change.erase_name(from.ref.directory, from.ref.name, from.entry->cookie);
    if (from.directory->entries > 0) --from.directory->entries;
  }
  change.set_name(to.ref.directory, to.ref.name, {from.entry->ino, from.entry->type, cookie});
  ++to.directory->entries;
  return ok();
}

}  // namespace

Status VolumeState::make_whiteout(Transaction& change, InodeNumber ino, InodeNumber parent,
                                  const Inode& directory, const Caller& caller) {
  MEMORIA_TRY(auto inode, new_inode(change, ino, parent, directory, {.mode = S_IFCHR}, caller));
  change.create_inode(ino, std::move(inode));
  return ok();
}

Status VolumeState::rename(const NameRef& from_ref, const NameRef& to_ref, unsigned flags,
                           const Caller& caller) {
  const NameRef both[] = {from_ref, to_ref};
  InodeNumber whiteout = 0;
  if ((flags & RENAME_WHITEOUT) != 0) {
    MEMORIA_TRY(whiteout, counters.next_inode());
  }
  MEMORIA_TRY(const auto located, locate(both, whiteout));
  auto change = begin();
  MEMORIA_TRY(Inode* const from_directory, change.directory(from_ref.directory));
  MEMORIA_TRY(Inode* const to_directory, change.directory(to_ref.directory));
  const End from{from_ref, located.entries[0], from_directory};
  const End to{to_ref, located.entries[1], to_directory};

  if (!from.entry) return posix(ENOENT);
  if (to.entry && (flags & RENAME_NOREPLACE) != 0) return posix(EEXIST);
  if (!to.entry && (flags & RENAME_EXCHANGE) != 0) return posix(ENOENT);
  MEMORIA_TRY(check_shape(*store, from, to, (flags & RENAME_EXCHANGE) != 0));
  if (to.entry && to.entry->ino == from.entry->ino) return ok();

  Departure departure;
  if ((flags & RENAME_EXCHANGE) != 0) {
    MEMORIA_TRY(exchange(change, from, to));
  } else {
    if (to.entry && from.holds_directory() && !to.holds_directory()) return posix(ENOTDIR);
    if (!from.holds_directory() && to.holds_directory()) return posix(EISDIR);
    // A replaced name keeps its place, so that a listing under way sees it exactly once.
    uint64_t cookie = 0;
    if (to.entry) {
      cookie = to.entry->cookie;
      auto dropped = to.holds_directory() ? drop_directory(change, to_ref.directory, *to.entry)
                                          : drop_link(change, to.entry->ino);
      if (!dropped.has_value()) return dropped.error();
      departure = dropped.value();
      if (to.directory->entries > 0) --to.directory->entries;
      if (to.holds_directory() && to.directory->links > 2) --to.directory->links;
    } else {
      MEMORIA_TRY(cookie, counters.next_cookie());
    }
    if (whiteout != 0) {
      MEMORIA_TRY(make_whiteout(change, whiteout, from_ref.directory, *from.directory, caller));
    }
    MEMORIA_TRY(move(change, from, to, cookie, whiteout));
  }
  for (Inode* const directory : {from.directory, to.directory}) {
    directory->mtime = directory->ctime = change.now();
  }
  MEMORIA_TRY(change.commit());
  depart(departure);
  return ok();
}

Status Volume::rename(InodeNumber parent, std::string_view name, InodeNumber new_parent,
                      std::string_view new_name, unsigned flags, const Caller& caller) {
  const bool noreplace = (flags & RENAME_NOREPLACE) != 0;
  if ((flags & ~kKnownFlags) != 0) return posix(EINVAL);
  if ((flags & RENAME_EXCHANGE) != 0 && flags != RENAME_EXCHANGE) return posix(EINVAL);
  MEMORIA_TRY(check_name(name, EBUSY));
  MEMORIA_TRY(check_name(new_name, noreplace ? EEXIST : EBUSY));
  const VolumeState::NameRef from{parent, name}, to{new_parent, new_name};
  if (parent == new_parent) return impl_->rename(from, to, flags, caller);
  Lock lock(impl_->rename_mutex);
  return impl_->rename(from, to, flags, caller);
}

}  // namespace memoria
