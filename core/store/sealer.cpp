// SPDX-License-Identifier: MIT
#include "core/store/sealer.hpp"

#include <chrono>
#include <utility>

#include "core/base/signals.hpp"

namespace memoria {
namespace {

// After a failure for want of space, unless somebody asks earlier.
constexpr std::chrono::seconds kPause{1};

}  // namespace

Sealer::Sealer(Parts parts) : parts_(std::move(parts)) {
  thread_ = thread_without_signals([this] { run(); });
}

void Sealer::stop() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  progress_.notify_all();
}

void Sealer::request_name_sync() {
  {
    const Lock lock(mutex_);
    names_wait_ = true;
  }
  changed_.notify_all();
}

Status Sealer::make_room() {
  MEMORIA_TRY(wait_for_names());
  return wait_until_at_most(kMost - 1);
}

Status Sealer::wait_for_names() {
  sync_waiting_names();
  Lock lock(mutex_);
  while (names_wait_ && !stopping_ && !parts_.health.latched()) progress_.wait(lock);
  return parts_.health.check();
}

/// Unless somebody else does it already.
void Sealer::sync_waiting_names() {
  {
    const Lock lock(mutex_);
    if (!names_wait_ || std::exchange(syncing_names_, true)) return;
  }
  const auto synced = parts_.sync_names();
  if (!synced.has_value()) (void)parts_.health.latch(synced.error(), "a name was not made durable");
  {
    const Lock lock(mutex_);
    names_wait_ = syncing_names_ = false;
  }
  progress_.notify_all();
}

Status Sealer::drain() {
  return wait_until_at_most(0);
}

Status Sealer::wait_until_at_most(size_t waiting) {
  Lock lock(mutex_);
  // There may be space since the try that is under way began.
  const uint64_t tries = tries_ + (trying_ ? 2 : 1);
  ++wanted_;
  changed_.notify_all();
  Status failure = ok();
  while (full_.size() > waiting && failure.has_value() && !stopping_) {
    failure = parts_.health.check();
    if (failure.has_value() && tries_ >= tries) failure = failure_;
    if (failure.has_value()) progress_.wait(lock);
  }
  --wanted_;
  if (full_.size() <= waiting) return ok();
  return failure.has_value() ? Status(Error{Errc::kClosed}) : failure;
}

void Sealer::take(FullSegment full) {
  {
    const Lock lock(mutex_);
    full_.push_back(std::move(full));
  }
  changed_.notify_all();
}

std::vector<std::shared_ptr<File>> Sealer::files() const {
  const Lock lock(mutex_);
  std::vector<std::shared_ptr<File>> files;
  files.reserve(full_.size());
  for (const auto& full : full_) files.push_back(full.file->file());
  return files;
}

void Sealer::write_back(std::shared_ptr<File> file, ActiveSegment::Range range) {
  {
    const Lock lock(mutex_);
    if (dirty_ == file && range_.offset + range_.length == range.offset) {
      range_.length += range.length;
    } else {
      dirty_ = std::move(file);
      range_ = range;
    }
  }
  changed_.notify_all();
}

void Sealer::run() {
  Lock lock(mutex_);
  std::chrono::steady_clock::time_point pause_end;
  while (!stopping_) {
    const bool full = !full_.empty() && !parts_.health.latched();
    const bool paused =
        !failure_.has_value() && wanted_ == 0 && std::chrono::steady_clock::now() < pause_end;
    if (names_wait_ && !syncing_names_ && !parts_.health.latched()) {
      lock.unlock();
      sync_waiting_names();
      lock.lock();
    } else if (full && !paused) {
      FullSegment& first = full_.front();  // others only come behind it
      trying_ = true;
      lock.unlock();
      auto sealed = seal(first);
      lock.lock();
      trying_ = false;
      ++tries_;
      if (sealed.has_value()) full_.pop_front();
      failure_ = std::move(sealed);
      pause_end = std::chrono::steady_clock::now() + kPause;
      progress_.notify_all();
    } else if (dirty_) {
      const auto file = std::exchange(dirty_, nullptr);
      const auto range = range_;
      lock.unlock();
      file->start_writeback(range.offset, range.length);
      lock.lock();
    } else if (full) {
      changed_.wait_until(lock, pause_end);
    } else {
      if (parts_.health.latched()) progress_.notify_all();  // nothing will be done any more
      changed_.wait(lock);
    }
  }
}

Status Sealer::seal(FullSegment& full) {
  auto& segment = full.segment;
  auto sealed = full.file->seal(segment->counts.total_records, parts_.timeline.take());
  if (!sealed.has_value()) {
    if (sealed.error().code == Errc::kNoSpace) return sealed;
    return parts_.health.latch(sealed.error(), "a segment could not be sealed");
  }
  segment->file_bytes = full.file->end();
  segment->sealed = true;
  parts_.on_durable(full.position);
  const auto saved = parts_.save_manifest();
  if (!saved.has_value()) return parts_.health.latch(saved.error(), "the manifest was not written");
  parts_.on_sealed(segment);
  return ok();
}

}  // namespace memoria
