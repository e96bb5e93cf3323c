// SPDX-License-Identifier: MIT
// Opening a volume, also one that is damaged.
#include <fmt/format.h>

#include <algorithm>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid.hpp>

#include "fs/volume/errors.hpp"
#include "fs/volume/tree.hpp"
#include "fs/volume/volume_impl.hpp"

namespace memoria {
namespace {

/// Of a volume that has nothing yet, or has lost its superblock.
Superblock new_superblock() {
  Superblock out;
  const auto uuid = boost::uuids::random_generator()();
  std::copy(uuid.begin(), uuid.end(), out.uuid.begin());
  out.next_inode = kRootInode + 1;
  out.next_cookie = kFirstCookie;
  return out;
}

/// A new volume: a superblock and a root directory, in one batch.
Result<Superblock> format(Store& store, const Caller& creator) {
  const std::string superblock_key{std::string_view(Key(Table::kSuperblock))};
  auto out = new_superblock();
  out.files = 1;

  Inode root;
  root.mode = S_IFDIR | 0755;
  root.links = 2;
  root.uid = creator.uid;
  root.gid = creator.gid;
  root.parent = kRootInode;
  root.btime = root.ctime = root.mtime = root.atime = wall_clock();

  const auto superblock_bytes = encode(out), root_bytes = encode(root);
  Batch batch;
  batch.put(superblock_key, superblock_bytes);
  batch.put(Key(Table::kInodes, kRootInode), root_bytes);
  MEMORIA_TRY(store.apply(batch));
  return out;
}

/// kCorrupt, kIo: it is lost.
Result<Superblock> read_superblock(const Store& store) {
  const Key key(Table::kSuperblock);
  if (!store.contains(key)) return damaged("the superblock of the volume is gone");
  MEMORIA_TRY(const auto bytes, store.get(key));
  return decode_superblock(bytes);
}

/// The superblock may be an older one.
Result<bool> may_be_outdated(const Store& store, const Superblock& superblock) {
  const auto info = store.info(Key(Table::kSuperblock));
  if (!info || Doubts(store).concern(info->timestamp)) return true;
  bool used = false;
  for (const auto table : {Table::kInodes, Table::kContents}) {
    const char prefix[] = {char(table)};
    const Key last(table, superblock.next_inode - 1);
    MEMORIA_TRY(store.scan({prefix, 1}, last, [&](const KeyInfo&) {
      used = true;
      return false;
    }));
  }
  return used;
}

/// Makes the superblock give out no number again that any key or entry has: a new file would else
/// be found under the name of an old one.
Status skip_used_numbers(const Store& store, Superblock& superblock) {
  InodeNumber highest = kRootInode;
  const auto use = [&](InodeNumber ino) {
    if (ino <= kMaxInode) highest = std::max(highest, ino);
  };
  for (const auto table :
       {Table::kInodes, Table::kNames, Table::kContents, Table::kXattrs, Table::kOrphans}) {
    const char prefix[] = {char(table)};
    MEMORIA_TRY(store.scan({prefix, 1}, {}, [&](const KeyInfo& info) {
      use(inode_in_key(info.key));
      if (table != Table::kNames || info.key.size() <= Key::kPrefix) return true;
      const auto entry = info.is_inline
                             ? decode_dentry(info.value)
                             : load_dentry(store, inode_in_key(info.key), name_in_key(info.key));
      if (!entry.has_value()) return true;
      use(entry.value().ino);
      superblock.next_cookie = std::max(superblock.next_cookie, entry.value().cookie + 1);
      return true;
    }));
  }
  superblock.next_inode = std::max(superblock.next_inode, highest + 1);
  superblock.files.reset();
  return ok();
}

Result<Superblock> load_superblock(Store& store, const Caller& creator) {
  if (!holds_volume(store)) {
    if (store.count() != 0) {
      return Error(Errc::kNotAStore, store.describe() + " holds keys, but no volume");
    }
    if (store.options().read_only) {
      return Error(Errc::kNotAStore,
                   store.describe() + " is empty, and a volume cannot be made in it read-only");
    }
    return format(store, creator);
  }
  auto out = read_superblock(store);
  if (!out.has_value()) {
    const auto& error = out.error();
    if (error.code != Errc::kCorrupt && error.code != Errc::kIo) return out;
    if (!store.contains(Key(Table::kInodes, kRootInode))) {
      return damaged(error.describe() +
                     ", and its root with it: memoria-ctl repair saves the rest");
    }
    if (const auto& log = store.options().logger) {
      log(Severity::kError,
          fmt::format("{}; the volume gets a new one, with another uuid", error.describe()));
    }
    out = new_superblock();
  } else {
    MEMORIA_TRY(const bool outdated, may_be_outdated(store, out.value()));
    if (!outdated) return out;
  }
  MEMORIA_TRY(skip_used_numbers(store, out.value()));
  return out;
}

/// After a clean close the superblock knows; otherwise it takes a walk through all inodes.
Result<uint64_t> count_files(const Store& store, const Superblock& superblock) {
  if (superblock.files) return *superblock.files;
  uint64_t files = 0;
  MEMORIA_TRY(store.scan(Key(Table::kInodes), {}, [&](const KeyInfo&) {
    ++files;
    return true;
  }));
  return files;
}

}  // namespace

Result<std::unique_ptr<Volume>> Volume::open(std::unique_ptr<Store> store, const Caller& creator) {
  MEMORIA_TRY(const auto superblock, load_superblock(*store, creator));
  MEMORIA_TRY(const auto files, count_files(*store, superblock));
  const bool read_only = store->options().read_only;
  const Doubts doubts(*store);
  auto impl = std::make_unique<Impl>(std::move(store), superblock, files);
  if (!read_only) impl->clean_up(doubts);
  return std::unique_ptr<Volume>(new Volume(std::move(impl)));
}

}  // namespace memoria
