// SPDX-License-Identifier: MIT
// Opening and closing a volume, and what concerns all of it.
#include "fs/volume/volume.hpp"

#include <algorithm>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid.hpp>

#include "fs/volume/errors.hpp"
#include "fs/volume/volume_impl.hpp"

namespace memoria {
namespace {

constexpr uint64_t kFreeFiles = uint64_t{1} << 32;  ///< there is no limit; programs want a number

/// A new volume: a superblock and a root directory, in one batch.
Result<Superblock> format(Store& store, const Caller& creator) {
  const std::string superblock_key{std::string_view(Key(Table::kSuperblock))};
  Superblock out;
  const auto uuid = boost::uuids::random_generator()();
  std::copy(uuid.begin(), uuid.end(), out.uuid.begin());
  out.next_inode = kRootInode + 1;
  out.next_cookie = kFirstCookie;
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

Result<Superblock> load_superblock(Store& store, const Caller& creator) {
  const Key key(Table::kSuperblock);
  if (store.contains(key)) {
    MEMORIA_TRY(const auto bytes, store.get(key));
    return decode_superblock(bytes);
  }
  if (store.count() != 0) {
    return Error(Errc::kNotAStore, store.describe() + " holds keys, but no volume");
  }
  if (store.options().read_only) {
    return Error(Errc::kNotAStore,
                 store.describe() + " is empty, and a volume cannot be made in it read-only");
  }
  return format(store, creator);
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

Options Volume::store_options() {
  Options out;
  out.inline_limit = kMaxInodeSize;
  out.prefix_bytes = Key::kPrefix;
  return out;
}

Result<std::unique_ptr<Volume>> Volume::open(std::unique_ptr<Store> store, const Caller& creator) {
  MEMORIA_TRY(const auto superblock, load_superblock(*store, creator));
  MEMORIA_TRY(const auto files, count_files(*store, superblock));
  const bool read_only = store->options().read_only;
  auto impl = std::make_unique<Impl>(std::move(store), superblock, files);
  if (!read_only) {
    MEMORIA_TRY(impl->remove_orphans());
    MEMORIA_TRY(impl->settle_grown());
  }
  return std::unique_ptr<Volume>(new Volume(std::move(impl)));
}

Volume::Volume(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Volume::~Volume() {
  if (!impl_->closed) (void)close();
}

Status Volume::close() {
  if (impl_->closed.exchange(true)) return ok();
  // Whatever fails here, the store is closed; what is left of orphans goes at the next open.
  Status out = ok();
  for (const auto ino : impl_->references.unnamed()) {
    const auto guard = impl_->stripes.lock(ino);
    if (auto done = impl_->remove_unnamed(ino); !done.has_value()) out = done.error();
  }
  if (auto done = impl_->counters.close(); !done.has_value()) out = done.error();
  if (auto done = impl_->store->close(); !done.has_value()) out = done.error();
  return out;
}

void Volume::sync_async(Store::SyncDone done) {
  impl_->store->sync_async(std::move(done));
}

Status Volume::sync() {
  return impl_->store->sync();
}

Result<VolumeSpace> Volume::space() {
  MEMORIA_TRY(const auto disk, impl_->store->space());
  const uint64_t reserve = impl_->store->options().reserve_bytes;
  VolumeSpace out;
  out.total_bytes = disk.total_bytes;
  out.free_bytes = disk.free_bytes > reserve ? disk.free_bytes - reserve : 0;
  out.available_bytes = out.free_bytes;
  out.files = files();
  out.free_files = kFreeFiles;
  return out;
}

uint64_t Volume::files() const {
  return impl_->counters.files();
}

void Volume::set_caches(Caches caches) {
  auto next = std::make_shared<const Caches>(std::move(caches));
  Lock lock(impl_->caches_mutex);
  impl_->caches_ptr.swap(next);
}

Volume::Caches VolumeState::caches() const {
  Lock lock(caches_mutex);
  return caches_ptr ? *caches_ptr : Volume::Caches{};
}

Status Volume::collect_written() {
  const auto caches = impl_->caches();
  return caches.write_back ? caches.write_back() : Status(ok());
}

Result<SnapshotInfo> Volume::create_snapshot(std::string_view name) {
  MEMORIA_TRY(collect_written());
  MEMORIA_TRY(auto made, impl_->store->create_snapshot(name));
  if (const auto caches = impl_->caches(); caches.snapshot_changed) caches.snapshot_changed(name);
  return made;
}

Status Volume::remove_snapshot(std::string_view name) {
  MEMORIA_TRY(impl_->store->remove_snapshot(name));
  if (const auto caches = impl_->caches(); caches.snapshot_changed) caches.snapshot_changed(name);
  return ok();
}

Result<std::unique_ptr<Volume>> Volume::open_snapshot(std::string_view name) const {
  MEMORIA_TRY(auto store, impl_->store->open_snapshot(name));
  return open(std::move(store), {});
}

Store& Volume::store() {
  return *impl_->store;
}

const Store& Volume::store() const {
  return *impl_->store;
}

}  // namespace memoria
