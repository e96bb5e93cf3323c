// SPDX-License-Identifier: MIT
// Trees that grow without a name, and then appear whole or go whole.
#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "fs/volume/errors.hpp"
#include "fs/volume/tree.hpp"
#include "fs/volume/volume_impl.hpp"

namespace memoria {
namespace {

/// Names that come or go in one batch, and keys (an inode may have thousands of attributes): far
/// below what a batch may hold.
constexpr size_t kNamesAtOnce = 4096;
constexpr size_t kKeysAtOnce = 100'000;
/// The value of the record of a tree whose names have begun to move into the root: it is finished,
/// not removed.
constexpr std::string_view kMoving = "M";

Result<bool> has_names(const Store& store, InodeNumber directory) {
  bool out = false;
  MEMORIA_TRY(store.scan(Key(Table::kNames, directory), {}, [&](const KeyInfo& info) {
    out = has_name(info.key);
    return !out;
  }));
  return out;
}

Result<bool> is_moving(const Store& store, InodeNumber grown) {
  MEMORIA_TRY(const auto value, store.get(Key(Table::kGrowing, grown)));
  return value == kMoving;
}

}  // namespace

Result<InodeNumber> Volume::grow(InodeNumber parent, const Caller& caller) {
  auto change = impl_->begin();
  MEMORIA_TRY(const auto directory, load_inode(*impl_->store, parent));
  if (!directory.is_directory()) return posix(ENOTDIR);
  MEMORIA_TRY(const auto ino, impl_->counters.next_inode());
  const VolumeState::NewNode node{.mode = S_IFDIR | 0755};
  MEMORIA_TRY(auto inode, impl_->new_inode(change, ino, parent, directory, node, caller));
  inode.parent = ino;  // of those with a name, only the root is its own parent
  change.create_inode(ino, std::move(inode));
  change.batch().put(Key(Table::kGrowing, ino), {});
  MEMORIA_TRY(change.commit());
  return ino;
}

Status Volume::uproot(InodeNumber grown) {
  if (!impl_->store->contains(Key(Table::kGrowing, grown))) return ok();
  MEMORIA_TRY(const bool moving, is_moving(*impl_->store, grown));
  return moving ? Status(ok()) : impl_->remove_grown(grown);
}

Result<VolumeState::Departure> VolumeState::name_grown(InodeNumber grown, const NameRef& to) {
  MEMORIA_TRY(const auto located, locate(std::span(&to, 1), grown));
  const auto& old = located.entries[0];
  if (old && !S_ISDIR(old->type)) return posix(EEXIST);
  auto change = begin();
  MEMORIA_TRY(Inode* const above, change.directory(to.directory));
  MEMORIA_TRY(Inode* const inode, change.directory(grown));
  if (inode->parent != grown) return posix(EINVAL, "it has a name");
  Departure departure;
  uint64_t cookie = 0;
  if (old) {
    cookie = old->cookie;
    MEMORIA_TRY(departure, drop_directory(change, to.directory, *old));
  } else {
    MEMORIA_TRY(cookie, counters.next_cookie());
    ++above->entries;
    ++above->links;
  }
  change.set_name(to.directory, to.name, {grown, S_IFDIR, cookie});
  change.batch().erase(Key(Table::kGrowing, grown));
  change.batch().use_reserve();  // all else of it is on the disk
  inode->parent = to.directory;
  inode->place = cookie;
  inode->ctime = above->mtime = above->ctime = change.now();
  MEMORIA_TRY(change.commit());
  depart(departure);
  return departure;
}

Status VolumeState::fill_root(InodeNumber grown, std::vector<std::string>& names) {
  {
    const auto guard = stripes.lock(kRootInode);
    MEMORIA_TRY(const bool taken, has_names(*store, kRootInode));
    if (taken) return posix(ENOTEMPTY);
    MEMORIA_TRY(move_into_root(grown, names));
  }
  return remove_grown(grown);
}

/// A move that was interrupted leaves the root with names of it, and programs may have made others
/// since. A mount has kSnapshotsName. `moved`: names that are about to be in the root, too.
std::string VolumeState::free_root_name(InodeNumber grown, const std::string& name,
                                        const std::vector<std::string>& moved) const {
  const auto is_in = [&](InodeNumber directory, const std::string& wanted) {
    return store->contains(Key(Table::kNames, directory, wanted));
  };
  if (name != kSnapshotsName && !is_in(kRootInode, name)) return name;
  for (int n = 1;; ++n) {
    const auto suffix = fmt::format(".imported-{}", n);
    auto out = name.substr(0, kMaxName - suffix.size()) + suffix;
    if (is_in(kRootInode, out) || is_in(grown, out) ||
        std::ranges::find(moved, out) != moved.end()) {
      continue;
    }
    if (const auto& log = store->options().logger) {
      log(Severity::kWarning,
          fmt::format("what was imported as {} is called {}: there is another", name, out));
    }
    return out;
  }
}

/// Goes on where a crash stopped it. Names keep their cookies: those are of the whole volume, and
/// so a directory keeps its place. It has its new parent before it has its name, so that nobody
/// finds it meanwhile.
Status VolumeState::move_into_root(InodeNumber grown, std::vector<std::string>& moved) {
  MEMORIA_TRY(bool marked, is_moving(*store, grown));
  NameCursor names(*store, grown);
  for (bool at_end = false; !at_end;) {
    auto change = begin();
    change.batch().use_reserve();  // each name moves once, and half of them would be the worst
    MEMORIA_TRY(Inode* const root, change.directory(kRootInode));
    for (size_t n = 0; n < kNamesAtOnce; ++n) {
      MEMORIA_TRY(const auto* const entry, names.peek());
      if (entry == nullptr) break;
      if (entry->dentry) {
        const auto& dentry = *entry->dentry;
        if (S_ISDIR(dentry.type)) {
          MEMORIA_TRY(auto inode, load_inode(*store, dentry.ino));
          inode.parent = kRootInode;
          change.batch().put(Key(Table::kInodes, dentry.ino), change.keep(encode(inode)));
          ++root->links;
        }
        auto name = free_root_name(grown, entry->name, moved);
        change.batch().put(Key(Table::kNames, kRootInode, name), change.keep(encode(dentry)));
        change.batch().erase(Key(Table::kNames, grown, entry->name));
        ++root->entries;
        moved.push_back(std::move(name));
      }
      names.pop();
    }
    MEMORIA_TRY(const auto* const next, names.peek());
    at_end = next == nullptr;
    if (!at_end && !marked) {
      // From here on, what is visible of it is not to be taken back.
      Batch mark;
      mark.put(Key(Table::kGrowing, grown), kMoving);
      mark.use_reserve();
      MEMORIA_TRY(store->apply(mark));
      marked = true;
    }
    root->mtime = root->ctime = change.now();
    const auto done = change.commit();
    directories.drop(kRootInode);
    MEMORIA_TRY(done);
  }
  return ok();
}

Status VolumeState::remove_grown(InodeNumber grown) {
  std::vector<InodeNumber> open{grown};  // directories with names; those behind lie below
  while (!open.empty()) {
    const auto directory = open.back();
    const auto count = open.size();
    MEMORIA_TRY(remove_names(directory, open));
    if (open.size() != count) continue;  // what is below comes first
    directories.drop(directory);
    open.pop_back();
  }
  auto change = begin();
  MEMORIA_TRY(change.remove_inode(grown));
  change.batch().erase(Key(Table::kGrowing, grown));
  return change.commit();
}

/// Removes what is in a directory of a grown tree; directories with names in them are left, and
/// added to `below`. Nobody else knows any of it, and all links of a file are in the tree, so there
/// is nothing to lock or to count.
Status VolumeState::remove_names(InodeNumber directory, std::vector<InodeNumber>& below) {
  NameCursor names(*store, directory);
  for (bool at_end = false; !at_end;) {
    Batch batch;
    absl::flat_hash_set<InodeNumber> gone;
    for (size_t n = 0; n < kNamesAtOnce && batch.size() < kKeysAtOnce; ++n) {
      MEMORIA_TRY(const auto* const entry, names.peek());
      at_end = entry == nullptr;
      if (at_end) break;
      MEMORIA_TRY(const auto fate, fate_of(*entry, directory));
      if (fate == Removal::kLater) {
        below.push_back(entry->dentry->ino);
      } else {
        batch.erase(Key(Table::kNames, directory, entry->name));
        if (fate == Removal::kWhole) MEMORIA_TRY(erase_inode(*entry->dentry, batch, gone));
      }
      names.pop();
    }
    if (batch.empty()) continue;
    MEMORIA_TRY(counters.begin_change());
    MEMORIA_TRY(store->apply(batch));
    counters.add_files(-int64_t(gone.size()));
  }
  return ok();
}

/// A directory that has another parent is none of the tree's, and the top of it has none: an entry
/// for it would lead in a circle.
Result<VolumeState::Removal> VolumeState::fate_of(const NameCursor::Entry& entry,
                                                  InodeNumber directory) {
  if (!entry.dentry) return Removal::kName;
  if (!S_ISDIR(entry.dentry->type)) return Removal::kWhole;
  if (entry.dentry->ino == directory) return Removal::kName;
  const auto inode = load_inode(*store, entry.dentry->ino);
  if (!inode.has_value()) return Removal::kName;
  if (!is_named_by(directory, entry.dentry->cookie, inode.value())) return Removal::kName;
  MEMORIA_TRY(const bool holds, has_names(*store, entry.dentry->ino));
  return holds ? Removal::kLater : Removal::kWhole;
}

Status VolumeState::erase_inode(const Dentry& entry, Batch& batch,
                                absl::flat_hash_set<InodeNumber>& gone) {
  const auto ino = entry.ino;
  if (!store->contains(Key(Table::kInodes, ino)) || !gone.insert(ino).second) return ok();
  batch.erase(Key(Table::kInodes, ino));
  if (const Key contents(Table::kContents, ino); store->contains(contents)) batch.erase(contents);
  return store->scan(Key(Table::kXattrs, ino), {}, [&](const KeyInfo& info) {
    batch.erase(info.key);
    return true;
  });
}

Status VolumeState::settle_grown(const Doubts& doubts) {
  std::vector<InodeNumber> found;
  const char prefix[] = {char(Table::kGrowing)};
  MEMORIA_TRY(store->scan({prefix, 1}, {}, [&](const KeyInfo& info) {
    if (doubts.concern(info.timestamp)) return true;
    found.push_back(inode_in_key(info.key));
    return true;
  }));
  Status out = ok();
  for (const auto ino : found) {
    const auto done = settle(ino);
    if (!done.has_value()) out = done;  // one that stays keeps no other
  }
  return out;
}

Status VolumeState::settle(InodeNumber grown) {
  const auto inode = load_inode(*store, grown);
  if (!inode.has_value() && inode.error().code != Errc::kNotFound)
    return ok();  // damaged: it stays
  const bool is_grown = inode.has_value() && inode.value().is_directory() &&
                        inode.value().parent == grown && grown != kRootInode;
  if (!is_grown) return store->erase(Key(Table::kGrowing, grown));  // it is none
  MEMORIA_TRY(const bool moving, is_moving(*store, grown));
  std::vector<std::string> names;
  if (moving) MEMORIA_TRY(move_into_root(grown, names));
  return remove_grown(grown);
}

}  // namespace memoria
