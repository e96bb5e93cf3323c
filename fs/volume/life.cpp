// SPDX-License-Identifier: MIT
// How long an inode lives: holds, orphans.
#include <fmt/format.h>

#include <vector>

#include "fs/volume/errors.hpp"
#include "fs/volume/volume_impl.hpp"

namespace memoria {

void Volume::hold(InodeNumber ino) {
  impl_->references.hold(ino);
}

void Volume::forget(InodeNumber ino, uint64_t count) {
  if (!impl_->references.forget(ino, count)) return;
  const auto guard = impl_->stripes.lock(ino);
  if (!impl_->references.is_unnamed(ino) || impl_->references.is_held(ino)) return;
  impl_->remove_forgotten(ino);
}

bool Volume::is_held(InodeNumber ino) const {
  return impl_->references.is_held(ino);
}

Result<Attributes> Volume::make_unnamed(InodeNumber parent, mode_t mode, const Caller& caller) {
  auto change = impl_->begin();
  MEMORIA_TRY(const auto directory, load_inode(*impl_->store, parent));
  if (!directory.is_directory()) return posix(ENOTDIR);
  MEMORIA_TRY(const auto ino, impl_->counters.next_inode());
  const VolumeState::NewNode node{.mode = S_IFREG | (mode & 07777)};
  MEMORIA_TRY(auto inode, impl_->new_inode(change, ino, parent, directory, node, caller));
  inode.links = 0;
  const auto* made = change.create_inode(ino, std::move(inode));
  change.batch().put(Key(Table::kOrphans, ino), {});
  MEMORIA_TRY(change.commit());
  impl_->references.hold(ino);
  impl_->references.set_unnamed(ino, true);
  return impl_->attributes(ino, *made);
}

Result<VolumeState::Departure> VolumeState::drop_link(Transaction& change, InodeNumber ino) {
  MEMORIA_TRY(Inode* const inode, change.inode(ino));
  change.batch().use_reserve();  // what an orphan holds comes free when it is let go of
  if (inode->links > 0) --inode->links;
  inode->ctime = change.now();
  Departure out;
  if (inode->links > 0) return out;
  if (references.is_held(ino)) {
    out.fate = Departure::Fate::kOrphan;
    change.batch().put(Key(Table::kOrphans, ino), {});
  } else {
    out.fate = Departure::Fate::kGone;
  }
  out.last = attributes(ino, *inode);
  if (out.fate == Departure::Fate::kGone) MEMORIA_TRY(change.remove_inode(ino));
  return out;
}

Result<VolumeState::Departure> VolumeState::drop_directory(Transaction& change, InodeNumber parent,
                                                           const Dentry& entry) {
  const auto ino = entry.ino;
  MEMORIA_TRY(Inode* const inode, change.directory(ino));
  if (!is_named_by(parent, entry.cookie, *inode)) return damaged("the directory is elsewhere");
  bool empty = true;
  MEMORIA_TRY(store->scan(Key(Table::kNames, ino), {}, [&](const KeyInfo&) {
    empty = false;
    return false;
  }));
  if (!empty) return posix(ENOTEMPTY);
  Departure out{.last = attributes(ino, *inode), .fate = Departure::Fate::kGone};
  out.last.links = 0;
  out.last.ctime = change.now();
  MEMORIA_TRY(change.remove_inode(ino));
  return out;
}

void VolumeState::depart(const Departure& departure) {
  const auto ino = departure.last.ino;
  switch (departure.fate) {
    case Departure::Fate::kStays:
      break;
    case Departure::Fate::kOrphan:
      references.set_unnamed(ino, false);
      // The last hold may have been given back since.
      if (!references.is_held(ino)) remove_forgotten(ino);
      break;
    case Departure::Fate::kGone:
      references.leave_ghost(departure.last);
      if (S_ISDIR(departure.last.mode)) directories.drop(ino);
      break;
  }
}

Status VolumeState::remove_unnamed(InodeNumber ino) {
  auto change = begin();
  MEMORIA_TRY(const auto inode, load_inode(*store, ino));
  const auto last = attributes(ino, inode);
  MEMORIA_TRY(change.remove_inode(ino));
  MEMORIA_TRY(change.commit());
  references.leave_ghost(last);
  return ok();
}

/// Nobody waits for this. What fails, because the store is read-only or the disk has no byte left,
/// is done by the next owner of the store, to whom the orphan record is still there.
void VolumeState::remove_forgotten(InodeNumber ino) {
  const auto removed = remove_unnamed(ino);
  const auto& log = store->options().logger;
  if (removed.has_value() || !log) return;
  log(Severity::kWarning,
      fmt::format(
          "inode {}, which has no name any more, stays until the volume is opened again: {}", ino,
          removed.error().describe()));
}

/// No reason not to open: the disk may be full.
void VolumeState::clean_up(const Doubts& doubts) {
  const auto attempt = [&](const Status& done, std::string_view what) {
    const auto& log = store->options().logger;
    if (done.has_value() || !log) return;
    log(Severity::kWarning, fmt::format("{} that a killed daemon left stay until the volume is "
                                        "opened again: {}",
                                        what, done.error().describe()));
  };
  attempt(remove_orphans(doubts), "inodes without a name");
  attempt(settle_grown(doubts), "incomplete imports");
}

Status VolumeState::remove_orphans(const Doubts& doubts) {
  std::vector<InodeNumber> orphans;
  MEMORIA_TRY(store->scan(Key(Table::kOrphans), {}, [&](const KeyInfo& info) {
    if (doubts.concern(info.timestamp)) return true;
    orphans.push_back(inode_in_key(info.key));
    return true;
  }));
  Status out = ok();
  for (const auto ino : orphans) {
    const auto inode = load_inode(*store, ino);
    Status done = ok();
    if (inode.has_value() && inode.value().links == 0) {
      done = remove_unnamed(ino);
    } else if (inode.has_value() || inode.error().code == Errc::kNotFound) {
      done = store->erase(Key(Table::kOrphans, ino));  // it is no orphan
    }  // else it is damaged: what it was stays for those who can tell
    if (!done.has_value()) out = done;  // one that stays keeps no other
  }
  return out;
}

}  // namespace memoria
