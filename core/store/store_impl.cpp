// SPDX-License-Identifier: MIT
// Opening, closing, changing and reading.
#include "core/store/store_impl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/store/backup_lock.hpp"
#include "core/store/failed_sync.hpp"
#include "core/store/inventory.hpp"
#include "core/store/origin.hpp"
#include "core/store/recovery.hpp"
#include "core/store/snapshots.hpp"
#include "core/store/value_comparison.hpp"

namespace memoria {
namespace {

// A run of this many adjacent pieces below kSmallPiece becomes one: 100-byte appends are rewritten
// twice until they are pieces of 25 KiB (a write amplification below 5). Pieces of a page and above
// are left alone, since random page writes should not be paid for twice.
constexpr uint32_t kSmallPiece = 4 << 10;
// What was not written in its order can be a longer run, and that must not become one record: it
// would be read, and written, for one small write, and a record has a limit.
constexpr RunLimits kConsolidated{.pieces = 16, .small = kSmallPiece, .bytes = 256 << 10};
constexpr int kConsolidateTiers = 4;
constexpr uint64_t kCompareBytes = 256 << 10;  // read at once to be compared
// A sparse value may be larger than any memory.
constexpr uint64_t kMaxGet = 1 << 30;
// A look-up can lose against a merge only as often as merges finish; more is a bug.
constexpr int kMaxLookups = 100;

}  // namespace

Status check_options(const Options& o) {
  const auto bad = [](std::string_view key, std::string_view range) {
    return Error{Errc::kInvalidArgument, fmt::format("option {} must be {}", key, range)};
  };
  if (o.segment.max_size < (1 << 10) || o.segment.max_size > kMaxSegmentSize) {
    return bad("segment.max_size", "from 1 KiB to 4 GiB - 1");
  }
  if (o.segment.max_records < 1) return bad("segment.max_records", "at least 1");
  if (!(o.segment.fragmentation_threshold > 0) || o.segment.fragmentation_threshold > 1) {
    return bad("segment.fragmentation_threshold", "above 0 and at most 1");
  }
  if (o.segment.merge_check_interval.count() < 0) {
    return bad("segment.merge_check_interval", "0 (off) or more");
  }
  if (o.file_cache.max_size < 1) return bad("file_cache.max_size", "at least 1");
  if (o.inline_limit > KeyPayload::kMaxInline) return bad("inline_limit", "at most 220 bytes");
  if (o.merge.from_hour < 0 || o.merge.until_hour > 24 || o.merge.from_hour > 23) {
    return bad("merge.from_hour and merge.until_hour", "hours of the day");
  }
  if (o.sync_policy == SyncPolicy::kInterval && o.sync_interval.count() <= 0) {
    return bad("sync_interval", "at least 1 ms");
  }
  return ok();
}

Store::Impl::Impl(std::shared_ptr<Environment> environment, const Options& options)
    : environment_(std::move(environment)),
      options_(options),
      health_(options_.logger),
      timeline_(*environment_),
      files_(*environment_, options_.file_cache.max_size),
      directory_(segments_, options_.prefix_bytes),
      reader_(segments_, files_, options_.verify_reads) {}

void Store::Impl::log(Severity severity, const std::string& text) const {
  if (options_.logger) options_.logger(severity, text);
}

Status Store::Impl::open() {
  const auto begin = std::chrono::steady_clock::now();
  closed_ = true;  // until it is open
  MEMORIA_TRY(check_options(options_));
  if (!options_.create_if_missing || options_.read_only) MEMORIA_TRY(check_is_there());
  MEMORIA_TRY(take_lock());
  Recovery recovery(*environment_, options_, segments_, directory_, timeline_);
  MEMORIA_TRY(recovery.run());
  options_.on_opening = nullptr;  // what it refers to need not live longer
  uuid_ = recovery.uuid();
  unsure_until_ = recovery.unsure_until();
  if (!options_.read_only) {
    {
      Lock lock(manifest_mutex_);
      if (!recovery.has_lost_manifest()) manifest_ = recovery.manifest();
    }
    MEMORIA_TRY(const bool saved, save_manifest());
    MEMORIA_TRY(leftovers_, recovery.remove_doomed(saved));
    if (auto removed = Snapshots(*environment_).remove_leftovers(); !removed.has_value()) {
      log(Severity::kWarning, "what is left of a snapshot stays: " + removed.error().describe());
    }
    mark_held();
    appender_ = std::make_unique<Appender>(
        Appender::Parts{*environment_, options_, timeline_, segments_, directory_, files_, health_,
                        uuid_, [this] { return save_manifest(); }, [this] { return clear_way(); }});
    health_.on_latch([this] { note_failed_sync(*environment_); });
    const bool by_interval = options_.sync_policy == SyncPolicy::kInterval;
    committer_ = std::make_unique<Committer>(
        health_, [this] { return appender_->tail(); },
        by_interval ? options_.sync_interval : std::chrono::milliseconds(0));
    committer_->on_sync([this] { appender_->note_sync(); });
    housekeeper_ = std::make_unique<Housekeeper>(
        Housekeeper::Work{[this](Segment& s) { write_hint(s); },
                          [this](bool urgent) { background_merge(urgent); }},
        options_.segment.merge_check_interval);
    files_.on_shortage([this] { (void)appender_->settle(); });
    appender_->on_durable([this](uint64_t position) { committer_->durable_up_to(position); });
    appender_->on_sealed([this](const auto& segment) { housekeeper_->queue_hint(segment); });
    for (const auto& segment : segments_.all()) {
      if (!segment->has_hint && !segment->damaged) housekeeper_->queue_hint(segment);
    }
  }
  {
    Lock lock(settings_mutex_);
    settings_ = options_;
  }
  open_ns_ = uint64_t((std::chrono::steady_clock::now() - begin).count());
  closed_ = false;
  return ok();
}

/// Before anything is made in what may be the wrong directory.
Status Store::Impl::check_is_there() const {
  MEMORIA_TRY(const bool is_there, holds_store(*environment_));
  if (is_there) return ok();
  return Error{Errc::kNotAStore,
               fmt::format("{} holds no store, and none is to be made: is the disk mounted that "
                           "has it?",
                           environment_->describe())};
}

/// A snapshot never changes, and needs no lock.
Status Store::Impl::take_lock() {
  // What is wrong with a manifest is for the recovery to say.
  const auto manifest = read_manifest(*environment_);
  using enum StoreOrigin::Kind;
  if (manifest.has_value() && manifest.value())
    origin_ = origin_of(*environment_, *manifest.value());
  if (origin_.kind != kStore) options_.read_only = true;
  if (!options_.read_only) {
    MEMORIA_TRY(lock_, environment_->lock(LockMode::kExclusive));
  } else if (origin_.kind == kBackup) {
    MEMORIA_TRY(lock_, lock_backup(*environment_));
  }
  return ok();
}

Status Store::Impl::close() {
  const Lock no_snapshot_is_made(snapshot_mutex_);  // nor removed: the directory is given back
  return close([] { return ok(); });
}

/// Closes; when everything is durable and the directory still ours, `last` is called.
Status Store::Impl::close(const std::function<Status()>& last) {
  if (closed_.exchange(true)) return ok();
  if (!appender_) {
    lock_.reset();
    return ok();
  }
  stopping_ = true;
  housekeeper_->stop();
  const BasicLock<Turn> turn(merge_turn_);
  auto result = appender_->close();
  committer_->stop();
  for (const auto& segment : segments_.all()) {
    if (segment->sealed && !segment->has_hint && !segment->damaged) write_hint(*segment);
  }
  if (result.has_value()) result = environment_->sync_directory();
  const auto saved = save_manifest();
  if (result.has_value() && !saved.has_value()) result = saved.error();
  if (result.has_value()) result = last();
  {
    const Lock lock(manifest_mutex_);
    released_ = true;
  }
  lock_.reset();
  return result;
}

/// Writes down which segments there are. False: the disk is full, or there is no descriptor, which
/// is no error as long as nothing is removed that the old manifest names: only newer segments could
/// then go unnoticed.
Result<bool> Store::Impl::save_manifest() {
  Lock lock(manifest_mutex_);
  if (released_) return Error{Errc::kClosed};  // a sync was under way
  std::vector<ManifestEntry> entries;
  for (const auto& segment : segments_.all()) {
    if (!segment->established) continue;
    entries.push_back({segment->header.id, segment->sealed ? segment->file_bytes.load() : 0});
  }
  if (entries == manifest_) return true;
  Manifest manifest{.uuid = uuid_,
                    .written_ns = std::max(environment_->now_ns(), timeline_.last()),
                    .unsure_until = unsure_until_,
                    .segments = entries};
  auto written = write_manifest(*environment_, manifest);
  if (written.has_value()) {
    manifest_ = std::move(entries);
    return true;
  }
  if (written.error().code != Errc::kNoSpace && !written.error().lacks_descriptors()) {
    return std::move(written).error();
  }
  log(Severity::kWarning, "the manifest was not written: " + written.error().describe());
  return false;
}

/// Removes what the recovery could not, since there was no room for a manifest without it: in front
/// of a new segment it would end the log for the next recovery.
Status Store::Impl::clear_way() {
  if (leftovers_.empty()) return ok();
  MEMORIA_TRY(const bool saved, save_manifest());
  if (!saved) {
    return Error{Errc::kNoSpace,
                 fmt::format("{}: there is no room, or no descriptor, for a new list of segments, "
                             "without which no segment can be made; make room on the disk",
                             environment_->describe())};
  }
  for (; !leftovers_.empty(); leftovers_.pop_back()) {
    MEMORIA_TRY(environment_->remove(segment_file(leftovers_.back(), kDataSuffix)));
  }
  return ok();
}

/// That it is open, and was opened to be changed.
Status Store::Impl::check_writable() const {
  if (closed_) return Error{Errc::kClosed};
  if (!is_of_this_process()) {
    return Error{Errc::kClosed,
                 "the store belongs to the process that opened it, and this one is a "
                 "fork of that: open it here when it is closed there"};
  }
  return appender_ ? Status(ok()) : only_read(*environment_, origin_);
}

Status Store::Impl::check_key(std::string_view key) const {
  if (key.empty()) return Error{Errc::kInvalidArgument, "a key must have at least one byte"};
  if (key.size() > kMaxKeySize) {
    return Error{Errc::kTooLarge, fmt::format("a key of {} bytes: at most {} are possible",
                                              key.size(), kMaxKeySize)};
  }
  return ok();
}

Status Store::Impl::apply(const Batch& batch, const WriteOptions& write) {
  MEMORIA_TRY(check_writable());
  if (batch.empty()) return ok();
  if (batch.size() > kMaxBatchCount || GroupEncoder::encoded_size(batch) > 2 * kMaxValueSize) {
    return Error{Errc::kTooLarge, "a batch of more than a million changes or 128 MiB"};
  }
  for (const auto& change : batch.changes()) {
    MEMORIA_TRY(check_key(batch.key(change)));
    if (change.value.size() > kMaxValueSize) {
      return Error{Errc::kTooLarge,
                   fmt::format("a value of {} bytes in one piece: at most 64 MiB, use write_at for "
                               "more",
                               change.value.size())};
    }
    if (change.offset > kMaxSize || change.length > kMaxSize - change.offset ||
        change.value.size() > kMaxSize - change.offset) {
      return Error{Errc::kTooLarge, "a range beyond 2^63 - 1 bytes"};
    }
  }
  const bool durable = write.sync || options_.sync_policy == SyncPolicy::kAlways;
  MEMORIA_TRY(appender_->append(batch, durable ? committer_.get() : nullptr));
  for (const auto& change : batch.changes()) {
    if (change.kind == Kind::kPiece && change.value.size() < kSmallPiece) {
      consolidate(batch.key(change), change.offset);
    }
  }
  return ok();
}

/// Fills `out` with the plan's range from `offset` on, holes as zeros.
Status Store::Impl::read_plan(std::string_view key, const ReadPlan& plan, uint64_t offset,
                              std::span<char> out) const {
  if (plan.is_inline) {
    std::memcpy(out.data(), plan.value.data() + offset, out.size());
    return ok();
  }
  size_t filled = 0;
  for (const auto& part : plan.parts) {
    const auto at = size_t(part.offset - offset);
    std::memset(out.data() + filled, 0, at - filled);
    auto read = reader_.read(key, part.piece, out.subspan(at, part.piece.length));
    if (!read.has_value()) {
      if (read.error().code != Errc::kConflict) {
        read_errors_.fetch_add(1, std::memory_order_relaxed);
      }
      return read;
    }
    filled = at + part.piece.length;
  }
  std::memset(out.data() + filled, 0, out.size() - filled);
  return ok();
}

/// Looks `key` up and reads a range of it into what `target` makes of the value's size; again when
/// a merge moved the value in between.
template <class Target>
Status Store::Impl::read_range(std::string_view key, uint64_t offset, uint64_t length,
                               Target&& target) const {
  if (closed_) return Error{Errc::kClosed};
  thread_local ReadPlan plan;
  for (int lookup = 0; lookup < kMaxLookups; ++lookup) {
    if (!directory_.plan(key, offset, length, plan)) return Error{Errc::kNotFound};
    const std::span<char> out = target(plan.size);
    if (out.empty()) return ok();
    auto read = read_plan(key, plan, offset, out);
    if (read.has_value() || read.error().code != Errc::kConflict) return read;
  }
  return Error{Errc::kIo, "a value moves faster than it can be read"};
}

Result<size_t> Store::Impl::read(std::string_view key, uint64_t offset, std::span<char> out) const {
  size_t size = 0;
  MEMORIA_TRY(read_range(key, offset, out.size(), [&](uint64_t value_size) {
    size = size_t(std::min<uint64_t>(out.size(), value_size - std::min(offset, value_size)));
    return out.first(size);
  }));
  return size;
}

size_t Store::Impl::common_prefix(std::string_view key, uint64_t offset, std::string_view bytes,
                                  size_t max_records) const {
  if (closed_) return 0;
  ReadPlan plan;
  if (!directory_.plan(key, offset, bytes.size(), plan)) return 0;
  if (offset >= plan.size || plan.parts.size() > max_records) return 0;
  // Most of those are written to once more and never again, and reading it took a tenth of the time
  // of opening, appending and closing (files of 1 KiB, medians of 5 in turns).
  if (plan.parts.size() == 1 && plan.parts[0].piece.kind == Kind::kPut) return 0;
  std::string there(std::min<uint64_t>(bytes.size(), plan.size - offset), '\0');
  if (!read_plan(key, plan, offset, there).has_value()) return 0;
  return size_t(std::mismatch(there.begin(), there.end(), bytes.begin()).first - there.begin());
}

Result<std::string> Store::Impl::get(std::string_view key) const {
  std::string value;
  bool too_large = false;
  MEMORIA_TRY(read_range(key, 0, kMaxSize, [&](uint64_t size) {
    too_large = size > kMaxGet;
    value.resize(too_large ? 0 : size);
    return std::span<char>(value);
  }));
  if (too_large) return Error{Errc::kTooLarge, "a value of more than 1 GiB: read it in parts"};
  return value;
}

Result<bool> Store::Impl::same_value(std::string_view key, const Impl& other,
                                     std::string_view other_key) const {
  const auto info = directory_.info(key), other_info = other.directory_.info(other_key);
  if (!info || !other_info) return Error{Errc::kNotFound};
  if (info->size != other_info->size) return false;
  const ValueComparison::SameBytes same_bytes = [&](uint64_t offset,
                                                    uint64_t length) -> Result<bool> {
    std::string here, there;
    for (const uint64_t end = offset + length; offset < end;) {
      const auto n = size_t(std::min<uint64_t>(kCompareBytes, end - offset));
      here.resize(n);
      there.resize(n);
      MEMORIA_TRY(const size_t got, read(key, offset, here));
      MEMORIA_TRY(const size_t other_got, other.read(other_key, offset, there));
      if (got != other_got || here != there) return false;
      if (got < n) return true;  // cut meanwhile, both alike
      offset += n;
    }
    return true;
  };
  if (uuid_ != other.uuid_ || key != other_key) return same_bytes(0, info->size);
  return ValueComparison({directory_, segments_, reader_},
                         {other.directory_, other.segments_, other.reader_}, key, same_bytes)
      .run(info->size);
}

void Store::Impl::consolidate(std::string_view key, uint64_t offset) {
  // Failing to tidy up is no failure of the write that made it due; the next one tries again. Each
  // round makes pieces of the next larger tier, and there are few tiers below kSmallPiece.
  for (int tier = 0; tier < kConsolidateTiers; ++tier) {
    const auto more = consolidate_once(key, offset);
    if (!more.has_value() || !more.value()) return;
  }
}

/// Rewrites one run of small pieces; false: there is none. See core/FORMAT.md, "Consolidation".
Result<bool> Store::Impl::consolidate_once(std::string_view key, uint64_t offset) {
  const auto plan = directory_.small_run(key, offset, kConsolidated);
  if (!plan) return false;
  std::string bytes(plan->length, '\0');
  for (const auto& part : plan->parts) {
    MEMORIA_TRY(reader_.read(
        key, part.piece, std::span(bytes).subspan(part.offset - plan->offset, part.piece.length)));
  }
  RawRecord raw;
  raw.record.kind = Kind::kPiece;
  raw.record.timestamp = plan->newest;
  raw.record.generation = plan->generation;
  raw.record.offset = plan->offset;
  raw.record.key = key;
  raw.record.value_size = uint32_t(bytes.size());
  raw.value = bytes;
  MEMORIA_TRY(appender_->append(raw, [&](Location at) {
    const Piece piece{at, raw.record.value_size, 0, raw.record.value_size, Kind::kPiece};
    for (const auto& part : plan->parts) {
      Piece to = piece;
      to.skip = uint32_t(part.offset - plan->offset);
      directory_.relocate(key, part.offset, part.piece.length, part.piece.location, to);
    }
  }));
  consolidations_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

}  // namespace memoria
