// SPDX-License-Identifier: MIT
// Closing a volume, and what concerns all of it.
#include "fs/volume/volume.hpp"

#include "fs/volume/volume_impl.hpp"

namespace memoria {
namespace {

constexpr uint64_t kFreeFiles = uint64_t{1} << 32;  ///< there is no limit; programs want a number

}  // namespace

Options Volume::store_options() {
  Options out;
  out.inline_limit = kMaxInodeSize;
  out.prefix_bytes = Key::kPrefix;
  return out;
}

Volume::Volume(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Volume::~Volume() {
  if (!impl_->closed) (void)close();
}

Status Volume::close() {
  if (impl_->closed.exchange(true)) return ok();
  // Whatever fails here, the store is closed; what is left of orphans goes at the next open, and
  // the files are counted then, so that a full disk is no failure.
  Status out = ok();
  const auto note = [&](const Status& done) {
    if (!done.has_value() && done.error().code != Errc::kNoSpace) out = done.error();
  };
  for (const auto ino : impl_->references.unnamed()) {
    const auto guard = impl_->stripes.lock(ino);
    note(impl_->remove_unnamed(ino));
  }
  note(impl_->counters.close());
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
  const auto without_reserve = [&](uint64_t bytes) {
    return bytes > reserve ? bytes - reserve : 0;
  };
  out.available_bytes = without_reserve(disk.free_bytes);
  out.free_bytes = without_reserve(std::max(disk.unused_bytes, disk.free_bytes));
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
