// SPDX-License-Identifier: MIT
#include "core/store/appender.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/store/files_left.hpp"

namespace memoria {
namespace {

constexpr uint64_t kMaxGroupBytes = 1 << 20;
constexpr size_t kMaxGroup = 256;
// At least so many zeros are prepared when so many syncs happened since the last time.
constexpr uint64_t kPrepareBytes = 512 << 10;
constexpr uint32_t kPrepareSyncs = 8;
// How often the disk's free space is looked at, in bytes written.
constexpr uint64_t kSpaceCheckBytes = 4 << 20;
// How often the memory of the key directory is looked at: it is a walk through its shards.
constexpr auto kMemoryCheckInterval = std::chrono::milliseconds(100);

/// Whether it leaves less than there was. What only could, such as punching a hole where one is,
/// and what makes as many keys as it erases, such as a rename, does not count: doing that again and
/// again would use the reserve up.
bool frees_space(const Batch& batch, const KeyDirectory& directory) {
  if (batch.uses_reserve()) return true;
  size_t erased = 0, made = 0;
  for (const auto& c : batch.changes()) {
    const auto key = batch.key(c);
    const auto state = directory.state(key);
    if (c.kind == Kind::kTruncate && c.offset < state.size) return true;
    if (c.kind == Kind::kPunch &&
        directory.seek_data(key, c.offset).value_or(kMaxSize) < c.offset + c.length) {
      return true;
    }
    if (c.kind == Kind::kErase) {
      erased += state.present ? 1 : 0;
    } else {
      made += state.present ? 0 : 1;
    }
  }
  return erased > made;
}

}  // namespace

Appender::Appender(const Parts& parts)
    : parts_(parts),
      encoder_(parts.directory, parts.timeline, parts.options.inline_limit),
      memory_limit_(parts.options.memory_limit),
      sealer_({parts.timeline, parts.health, [this](uint64_t position) { on_durable_(position); },
               parts.save_manifest, [this] { return parts_.environment.sync_directory(); },
               [this](const auto& segment) { on_sealed_(segment); }}) {}

Status Appender::append(const Batch& batch, Committer* committer) {
  Writer writer;
  writer.batch = &batch;
  writer.committer = committer;
  writer.size = GroupEncoder::encoded_size(batch);
  writer.patches = GroupEncoder::patches(batch);
  return enqueue(writer);
}

Status Appender::append(const RawRecord& raw, std::function<void(Location)> installed) {
  if (raw.value.size() > kMaxValueSize) {
    return Error{Errc::kTooLarge, "a record of more than 64 MiB"};  // nobody could read it
  }
  Writer writer;
  writer.raw = &raw;
  writer.installed = std::move(installed);
  writer.size = raw.record.size();
  writer.patches = true;
  return enqueue(writer);
}

void Appender::await_installed() {
  Writer nothing;
  (void)enqueue(nothing);  // whoever leads has installed the group before
}

Status Appender::rotate() {
  Writer writer;
  writer.rotate = true;
  return enqueue(writer);
}

Status Appender::close() {
  Writer writer;
  writer.rotate = writer.close = true;
  auto result = enqueue(writer);
  sealer_.stop();
  return result;
}

Status Appender::enqueue(Writer& writer) {
  using enum Writer::State;
  bool is_first = false;
  {
    const Lock lock(queue_mutex_);
    is_first = queue_.empty();
    queue_.push_back(&writer);
  }
  if (is_first) writer.state.store(kLeads, std::memory_order_relaxed);
  while (writer.state.load(std::memory_order_acquire) == kQueued) writer.parking->wait();
  if (writer.state.load(std::memory_order_acquire) == kLeads) {
    const auto group = is_first ? Group{&writer} : next_group();
    lead(group);
    dismiss(group, writer);
  }
  if (writer.committer == nullptr || !writer.result.has_value()) return writer.result;
  return writer.committer->finish(writer.sync);
}

/// Those that the leader, who is the first, writes with itself.
Appender::Group Appender::next_group() {
  Group group;
  uint64_t bytes = 0;
  const Lock lock(queue_mutex_);
  for (Writer* w : queue_) {
    if (!group.empty() && (bytes + w->size > kMaxGroupBytes || group.size() == kMaxGroup)) break;
    group.push_back(w);
    bytes += w->size;
  }
  return group;
}

/// Somebody else leads from now on. A writer may be gone as soon as it is done, one that waits for
/// a sync as soon as this was asked for.
void Appender::dismiss(const Group& group, const Writer& leader) {
  using enum Writer::State;
  std::shared_ptr<Parking> next;
  {
    const Lock lock(queue_mutex_);
    queue_.erase(queue_.begin(), queue_.begin() + long(group.size()));
    if (!queue_.empty()) {
      next = queue_.front()->parking;
      queue_.front()->state.store(kLeads, std::memory_order_release);
    }
  }
  if (next) next->wake();
  std::vector<Committer::Request*> syncs;
  Committer* committer = nullptr;
  for (Writer* w : group) {
    const bool syncs_next = w->committer != nullptr && w->result.has_value();
    if (syncs_next) {
      committer = w->committer;
      syncs.push_back(&w->sync);
    }
    if (w == &leader) continue;
    const auto parking = w->parking;
    w->state.store(kDone, std::memory_order_release);
    if (!syncs_next) parking->wake();
  }
  if (committer != nullptr) committer->request(syncs, position());
}

void Appender::lead(const Group& group) {
  Group pending;
  const bool several =
      group.size() > 1 || (group[0]->batch != nullptr && group[0]->batch->size() > 1);
  const bool track = several && std::any_of(group.begin(), group.end(),
                                            [](const Writer* w) { return w->patches; });
  for (Writer* w : group) {
    w->result = closed_ ? Status(Error{Errc::kClosed}) : parts_.health.check();
    closed_ = closed_ || w->close;
    if (!w->result.has_value()) continue;
    if (w->batch == nullptr && w->raw == nullptr && !w->rotate) continue;
    if (w->rotate) {
      flush_all(pending);
      if (active_) w->result = finish_segment();
      if (w->result.has_value()) w->result = sealer_.drain();
      continue;
    }
    w->result = check_space(*w);
    if (!w->result.has_value()) continue;
    if (!fits(*w)) {
      flush_all(pending);
      w->result = parts_.health.check();
      if (w->result.has_value()) w->result = make_room(*w);
      if (!w->result.has_value()) continue;
    }
    if (pending.empty()) begin_group(track);
    if (encode(*w)) {
      pending.push_back(w);
    } else {
      w->result = Error{Errc::kConflict};
    }
  }
  flush_all(pending);
}

bool Appender::encode(const Writer& writer) {
  if (writer.batch == nullptr) return encoder_.add(*writer.raw);
  encoder_.add(*writer.batch);
  return true;
}

/// Writes what is encoded. On a full disk each writer gets a try of its own, so that a large change
/// does not take a small one down with it.
void Appender::flush_all(Group& pending) {
  if (pending.empty()) return;
  auto result = flush();
  if (!result.has_value() && result.error().code == Errc::kNoSpace && pending.size() > 1) {
    for (Writer* w : pending) {
      begin_group(true);
      encode(*w);
      w->result = parts_.health.check();  // the one before may have met more than a full disk
      if (w->result.has_value()) w->result = flush();
      if (w->result.has_value()) install(*w, 0, encoder_.entries().size());
    }
  } else {
    size_t first = 0;
    for (Writer* w : pending) {
      w->result = result;
      const size_t count = w->batch != nullptr ? w->batch->size() : 1;
      if (result.has_value()) install(*w, first, first + count);
      first += count;
    }
  }
  pending.clear();
  begin_group(false);
}

void Appender::begin_group(bool track) {
  encoder_.begin(active_->end(), active_->header().seed(), track);
}

Status Appender::flush() {
  const uint64_t size = encoder_.size();
  ActiveSegment::Prepare prepare{.until = parts_.options.segment.max_size};
  if (active_->end() + size > active_->prepared_end() &&
      recent_syncs_.load(std::memory_order_relaxed) >= kPrepareSyncs) {
    prepare.ahead = kPrepareBytes;
    recent_syncs_.store(0, std::memory_order_relaxed);
  }
  auto result = active_->append(std::span(encoder_.parts()), size, prepare);
  if (!result.has_value()) {
    if (result.error().code == Errc::kNoSpace) {
      space_checked_at_ = 0;
      return result;
    }
    return parts_.health.latch(result.error(), "a write failed");
  }
  if (const auto due = active_->take_writeback()) sealer_.write_back(active_->file(), *due);
  if (encoder_.overhead() > 0) parts_.segments.add_total(segment_->slot, encoder_.overhead(), 0);
  segment_->file_bytes.store(active_->end(), std::memory_order_release);
  bytes_written_.add(size);
  groups_.add(1);
  position_.add(size);
  return result;
}

void Appender::install(const Writer& writer, size_t first, size_t last) {
  appends_.add(1);
  const auto& entries = encoder_.entries();
  if (writer.raw != nullptr) {
    parts_.segments.add_total(segment_->slot, writer.raw->record.size(), 1);
    writer.installed({segment_->slot, entries[first].record_offset});
    return;
  }
  for (size_t i = first; i < last; ++i) parts_.directory.install(entries[i], segment_->slot);
}

/// The reserve is for changes that free space. Looked at now and then only: it is a courtesy to
/// whoever must clean up, not the guard against a full disk, which is the write itself.
Status Appender::check_space(const Writer& writer) {
  auto room = has_room(writer);
  return !room.has_value() && frees(writer) ? Status(ok()) : room;
}

bool Appender::frees(const Writer& writer) const {
  return writer.batch != nullptr && frees_space(*writer.batch, parts_.directory);
}

Status Appender::has_room(const Writer& writer) {
  if (memory_limit_ != 0 && writer.batch != nullptr) MEMORIA_TRY(check_memory());
  if (from_reserve_) MEMORIA_TRY(check_files(false));
  const uint64_t reserve = parts_.options.reserve_bytes;
  if (reserve == 0) return ok();
  const uint64_t written = bytes_written_.value();
  if (space_checked_at_ == 0 || written - space_checked_at_ >= kSpaceCheckBytes ||
      space_left_ < reserve + writer.size + kSpaceCheckBytes) {
    MEMORIA_TRY(const Space space, parts_.environment.space());
    space_left_ = space.free_bytes;
    space_checked_at_ = std::max<uint64_t>(written, 1);
  }
  if (space_left_ < reserve + writer.size) {
    return Error{Errc::kNoSpace, 0,
                 fmt::format("{}: less than {} MiB left, which are kept for removing and merging; "
                             "remove something or make room on the disk",
                             parts_.environment.describe(), reserve >> 20)};
  }
  return ok();
}

Status Appender::check_memory() {
  const auto now = std::chrono::steady_clock::now();
  if (now - memory_checked_ >= kMemoryCheckInterval) {
    memory_ = parts_.directory.totals().memory;
    memory_checked_ = now;
  }
  const uint64_t limit = memory_limit_;
  if (limit == 0 || memory_ <= limit) return ok();
  return Error{Errc::kNoSpace, 0,
               fmt::format("{}: the keys take {} KiB of memory, more than the {} KiB that "
                           "memory_limit allows; remove something or raise it",
                           parts_.environment.describe(), memory_ >> 10, limit >> 10)};
}

/// Whether one more file may be made. A merge needs some until it can remove any, so the last ones
/// are not for changes that free space, either; and with a segment made of those before them,
/// nothing but such changes goes on.
Status Appender::check_files(bool frees) {
  const uint64_t reserve = parts_.options.reserve_files;
  if (reserve == 0) return ok();
  MEMORIA_TRY(const auto files, files_left(parts_.environment));
  if (!files) return ok();
  // Each segment gets a hint, if only in a while.
  uint64_t owed = 0;
  for (const auto& segment : parts_.segments.all()) {
    owed += !segment->has_hint && !segment->damaged ? 1 : 0;
  }
  const uint64_t left = *files - std::min(*files, owed);
  const bool enough = left >= reserve;
  if (enough || frees) from_reserve_ = !enough;
  if (enough || (frees && left >= reserve / 2)) return ok();
  return Error{
      Errc::kNoSpace, 0,
      fmt::format("{}: the disk can hold only {} more files, which are kept for {}; remove "
                  "something and merge, or make room on the disk",
                  parts_.environment.describe(), *files,
                  frees ? "merging" : "removing and merging")};
}

/// Whether the active segment has room for the writer's change behind what is encoded.
bool Appender::fits(const Writer& writer) const {
  const auto& limits = parts_.options.segment;
  return active_ && active_->end() + encoder_.size() + writer.size <= limits.max_size &&
         segment_->counts.total_records + encoder_.entries().size() < limits.max_records;
}

/// Afterwards there is an active segment with room for the writer's change.
Status Appender::make_room(const Writer& writer) {
  const bool has_records = active_ && active_->end() > kSegmentHeaderSize;
  if (active_ && (fits(writer) || !has_records)) return ok();
  const bool frees = this->frees(writer);
  auto room = check_files(frees);
  if (has_records && room.has_value()) {
    room = finish_segment();
  } else if (!frees && !room.has_value()) {
    return room;
  }
  if (room.has_value()) return open_segment();
  // With no room for a seal or for a new segment, going on in the same one is the way to still
  // erase.
  const bool go_on = has_records && room.error().code == Errc::kNoSpace &&
                     active_->end() + writer.size <= kMaxSegmentSize;
  return go_on ? Status(ok()) : room;
}

Status Appender::open_segment() {
  MEMORIA_TRY(parts_.clear_way());
  SegmentHeader header;
  header.id = parts_.timeline.take();
  header.uuid = parts_.uuid;
  auto created = ActiveSegment::create(parts_.environment, header);
  while (!created.has_value() && created.error().lacks_descriptors() && parts_.files.give_way()) {
    created = ActiveSegment::create(parts_.environment, header);
  }
  if (!created.has_value() && created.error().lacks_descriptors()) {
    (void)sealer_.drain();  // each that waits has one; a failure is told by the next who needs it
    created = ActiveSegment::create(parts_.environment, header);
  }
  if (!created.has_value()) {
    const Error& error = created.error();
    if (error.code == Errc::kNoSpace || error.lacks_descriptors()) return error;
    return parts_.health.latch(created.error(), "a segment could not be made");
  }
  active_ = std::move(created).value();
  segment_ = parts_.segments.add(header, header.id, false);
  const auto* const file = active_->file().get();
  active_->on_first_sync([this, segment = segment_, file] { return establish(*segment, *file); });
  segment_->file_bytes = active_->end();
  bytes_written_.add(kSegmentHeaderSize);
  parts_.files.adopt(*segment_, active_->file());
  {
    Lock lock(tail_mutex_);
    tail_file_ = active_->file();
  }
  // A store always has a manifest, or a header that tells which store it is.
  if (parts_.segments.all().size() > 1) {
    sealer_.request_name_sync();
    return ok();
  }
  auto synced = active_->file()->sync();
  if (!synced.has_value()) {
    return parts_.health.latch(synced.error(), "a new segment was not made durable");
  }
  return ok();
}

/// Makes the name of a new segment durable, and after it what the manifest says: otherwise a crash
/// would leave a manifest with a segment that is missing. That it names one also says that all in
/// front of it is durable; mostly it was just synced.
Status Appender::establish(Segment& segment, const File& file) {
  for (const auto& full : sealer_.files()) {
    if (full.get() == &file) break;
    MEMORIA_TRY(full->sync());
  }
  MEMORIA_TRY(parts_.environment.sync_directory());
  segment.established = true;
  MEMORIA_TRY(parts_.save_manifest());
  return ok();
}

/// Nothing is appended to the active segment any more; the sealer has it.
Status Appender::finish_segment() {
  if (active_->end() == kSegmentHeaderSize) return ok();
  MEMORIA_TRY(sealer_.make_room());
  auto finished = active_->finish(segment_->counts.total_records, parts_.timeline.take());
  if (!finished.has_value()) {
    if (finished.error().code == Errc::kNoSpace) return finished;
    return parts_.health.latch(finished.error(), "a write failed");
  }
  segment_->file_bytes = active_->end();
  sealer_.take({std::move(active_), std::move(segment_), position()});
  active_.reset();
  segment_.reset();
  const Lock lock(tail_mutex_);
  tail_file_.reset();
  return ok();
}

/// In this order: what goes to the sealer meanwhile is found twice rather than missed.
LogTail Appender::tail() const {
  LogTail tail;
  std::shared_ptr<File> active;
  {
    const Lock lock(tail_mutex_);
    tail.position = position();
    active = tail_file_;
  }
  tail.files = sealer_.files();
  if (active && (tail.files.empty() || tail.files.back() != active)) {
    tail.files.push_back(std::move(active));
  }
  return tail;
}

}  // namespace memoria
