// SPDX-License-Identifier: MIT
// The public face: checks arguments and passes on.
#include "core/store/store.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/store/segment_reader.hpp"
#include "core/store/snapshots.hpp"
#include "core/store/store_impl.hpp"
#include "core/store/verify.hpp"

namespace memoria {
namespace {

constexpr size_t kSnapshotFiles = 32;  ///< open files of a snapshot, at most

}  // namespace

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Store::~Store() {
  if (!impl_->is_of_this_process()) {
    (void)impl_.release();  // its threads are not here, and its locks may be held for ever
    return;
  }
  if (auto closed = close(); !closed.has_value()) {
    impl_->log(Severity::kError, "closing: " + closed.error().describe());
  }
}

Result<std::unique_ptr<Store>> Store::open(std::shared_ptr<Environment> environment,
                                           const Options& options) {
  auto impl = std::make_unique<Impl>(std::move(environment), options);
  MEMORIA_TRY(impl->open());
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Status Store::close() {
  if (!impl_->is_of_this_process()) return Error{Errc::kClosed};
  return impl_->close();
}

Status Store::put(std::string_view key, std::string_view value, const WriteOptions& write) {
  // One for each thread: its buffers are reused, so that a put allocates nothing.
  thread_local Batch batch;
  batch.clear();
  batch.put(key, value);
  return impl_->apply(batch, write);
}

Status Store::erase(std::string_view key, const WriteOptions& write) {
  MEMORIA_TRY(impl_->check_key(key));
  // Nothing there: no tombstone. A racing put is ordered after this erase.
  if (!contains(key)) {
    if (impl_->closed_) return Error{Errc::kClosed};
    MEMORIA_TRY(impl_->health_.check());
    const bool durable = write.sync || impl_->options_.sync_policy == SyncPolicy::kAlways;
    return durable ? sync() : Status(ok());  // what removed it may not be durable yet
  }
  Batch batch;
  batch.erase(key);
  return impl_->apply(batch, write);
}

Result<std::string> Store::get(std::string_view key) const {
  return impl_->get(key);
}

bool Store::contains(std::string_view key) const {
  return impl_->directory_.info(key).has_value();
}

Status Store::apply(const Batch& batch, const WriteOptions& write) {
  return impl_->apply(batch, write);
}

Status Store::write_at(std::string_view key, uint64_t offset, std::string_view bytes,
                       const WriteOptions& write) {
  thread_local Batch batch;
  batch.clear();
  batch.write_at(key, offset, bytes);
  return impl_->apply(batch, write);
}

Status Store::truncate(std::string_view key, uint64_t size, const WriteOptions& write) {
  Batch batch;
  batch.truncate(key, size);
  return impl_->apply(batch, write);
}

Status Store::punch(std::string_view key, uint64_t offset, uint64_t length,
                    const WriteOptions& write) {
  MEMORIA_TRY(impl_->check_key(key));
  if (!contains(key)) return Error{Errc::kNotFound};
  Batch batch;
  batch.punch(key, offset, length);
  return impl_->apply(batch, write);
}

Result<size_t> Store::read_at(std::string_view key, uint64_t offset, std::span<char> out) const {
  return impl_->read(key, offset, out);
}

size_t Store::common_prefix(std::string_view key, uint64_t offset, std::string_view bytes,
                            size_t max_records) const {
  return impl_->common_prefix(key, offset, bytes, max_records);
}

std::optional<uint64_t> Store::size(std::string_view key) const {
  const auto info = impl_->directory_.info(key);
  return info ? std::optional(info->size) : std::nullopt;
}

std::optional<ValueInfo> Store::info(std::string_view key) const {
  return impl_->directory_.info(key);
}

std::optional<uint64_t> Store::seek_data(std::string_view key, uint64_t offset) const {
  return impl_->directory_.seek_data(key, offset);
}

std::optional<uint64_t> Store::seek_hole(std::string_view key, uint64_t offset) const {
  return impl_->directory_.seek_hole(key, offset);
}

Status Store::scan(std::string_view prefix, std::string_view after, const Visitor& visit) const {
  std::string position(after);
  bool from_start = after.empty();
  while (true) {
    if (impl_->closed_) return Error{Errc::kClosed};
    const auto items = impl_->directory_.next_keys(prefix, position, from_start);
    if (items.empty()) return ok();
    for (const auto& item : items) {
      if (!visit({item.key, item.size, item.timestamp, item.is_inline, item.value})) return ok();
    }
    position = items.back().key;
    from_start = false;
  }
}

uint64_t Store::count() const {
  return impl_->directory_.count();
}

void Store::await_batches() const {
  if (impl_->appender_) impl_->appender_->await_installed();
}

Status Store::sync() {
  if (impl_->closed_ || !impl_->is_of_this_process()) return Error{Errc::kClosed};
  if (!impl_->appender_) return ok();
  return impl_->committer_->sync(impl_->appender_->position());
}

void Store::sync_async(SyncDone done) {
  if (impl_->closed_ || !impl_->is_of_this_process()) return done(Error{Errc::kClosed});
  if (!impl_->appender_) return done(ok());
  impl_->committer_->sync_async(impl_->appender_->position(), std::move(done));
}

Result<MergeReport> Store::merge(const MergeRequest& request, const ProgressFn& progress) {
  return impl_->merge(request, progress);
}

Result<HintReport> Store::rebuild_hints(bool all, const ProgressFn& progress) {
  return impl_->rebuild_hints(all, progress);
}

Result<SnapshotInfo> Store::create_snapshot(std::string_view name) {
  return impl_->create_snapshot(name);
}

Result<std::vector<SnapshotInfo>> Store::snapshots() const {
  if (impl_->closed_) return Error{Errc::kClosed};
  return Snapshots(*impl_->environment_).list(impl_->segments_.all());
}

Result<bool> Store::has_snapshot(std::string_view name) const {
  if (impl_->closed_) return Error{Errc::kClosed};
  const auto found = Snapshots(*impl_->environment_).directory(name);
  if (!found.has_value() && found.error().code != Errc::kNotFound) return found.error();
  return found.has_value();
}

Status Store::remove_snapshot(std::string_view name) {
  return impl_->remove_snapshot(name);
}

Result<std::unique_ptr<Store>> Store::open_snapshot(std::string_view name) const {
  if (impl_->closed_) return Error{Errc::kClosed};
  MEMORIA_TRY(auto directory, Snapshots(*impl_->environment_).directory(name));
  Options options = impl_->options_;
  options.read_only = true;
  options.file_cache.max_size = std::min(options.file_cache.max_size, kSnapshotFiles);
  return open(std::move(directory), options);
}

Status Store::close_and_roll_back(std::string_view snapshot) {
  return impl_->close_and_roll_back(snapshot);
}

Result<VerifyReport> Store::verify(const ProgressFn& progress, uint64_t rate_bytes_per_second) {
  if (impl_->closed_) return Error{Errc::kClosed};
  return verify_segments(*impl_->environment_, impl_->segments_, impl_->files_, impl_->directory_,
                         progress, rate_bytes_per_second);
}

Result<SegmentReport> Store::read_segment(uint64_t id, const RecordVisitor& visit) const {
  if (impl_->closed_) return Error{Errc::kClosed};
  return memoria::read_segment(impl_->segments_, impl_->files_, impl_->directory_, id, visit);
}

Result<bool> Store::same_value(std::string_view key, const Store& other,
                               std::string_view other_key) const {
  return impl_->same_value(key, *other.impl_, other_key);
}

Result<std::vector<Extent>> Store::locate(std::string_view key) const {
  return impl_->locate(key);
}

StoreStats Store::stats() const {
  return impl_->stats();
}

const StoreOrigin& Store::origin() const {
  return impl_->origin_;
}

Status Store::check_writable() const {
  return impl_->check_writable();
}

Result<Space> Store::space() const {
  return impl_->environment_->space();
}

uint64_t Store::last_timestamp() const {
  return impl_->timeline_.last();
}

const Options& Store::options() const {
  return impl_->options_;
}

Options Store::settings() const {
  return impl_->settings();
}

Status Store::change_settings(const Options& wanted) {
  return impl_->change_settings(wanted);
}

std::string Store::describe() const {
  return impl_->environment_->describe();
}

}  // namespace memoria
