// SPDX-License-Identifier: MIT
// Merging, hints and what the store tells about itself.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "core/store/files_left.hpp"
#include "core/store/hint_file.hpp"
#include "core/store/merge.hpp"
#include "core/store/merge_policy.hpp"
#include "core/store/rollback.hpp"
#include "core/store/snapshots.hpp"
#include "core/store/store_impl.hpp"

namespace memoria {
namespace {

constexpr int kMergeAttempts = 4;

// What a rollback and the opening behind it write beside a manifest: a decision, the header of a
// segment, places in directories.
constexpr uint64_t kRollbackRoom = 256 << 10, kRollbackFiles = 4;
constexpr uint64_t kManifestEntryRoom = 64;

constexpr uint64_t kManyFiles = 1000;  // beyond what a merge may need at once

bool hour_allows(const Options& options) {
  const time_t now = std::time(nullptr);
  struct tm local {};
  ::localtime_r(&now, &local);
  const int from = options.merge.from_hour, until = options.merge.until_hour;
  return from <= until ? local.tm_hour >= from && local.tm_hour < until
                       : local.tm_hour >= from || local.tm_hour < until;
}

/// Bytes that a merge may write, hints included, without more files than the disk can hold. Any two
/// outputs in a row have more than one segment's bytes.
uint64_t most_that_files_hold(std::optional<uint64_t> files, uint64_t segment_size) {
  if (!files) return ~uint64_t{0};
  // What tells of the replacement, a manifest, and one for somebody else.
  constexpr uint64_t kOthers = 3;
  const uint64_t outputs = (*files - std::min(*files, kOthers)) / 2;
  const uint64_t segments = std::max<uint64_t>(outputs / 2, 1);
  return std::min(segments, ~uint64_t{0} / kMaxSegmentSize - 1) * segment_size + kMergeOverhead;
}

Error given_up() {
  return {Errc::kCancelled, "stopped on request before it began"};
}

/// Clears a flag when the scope ends.
struct Running {
  explicit Running(std::atomic<bool>& flag) : flag_(flag) { flag_.store(true); }
  ~Running() { flag_ = false; }
  std::atomic<bool>& flag_;
};

/// Marks the inputs of a merge as long as it runs.
struct Merging {
  explicit Merging(std::vector<std::shared_ptr<Segment>> inputs) : inputs_(std::move(inputs)) {
    for (const auto& input : inputs_) input->merging = true;
  }
  ~Merging() {
    for (const auto& input : inputs_) input->merging = false;
  }
  Merging(const Merging&) = delete;
  Merging& operator=(const Merging&) = delete;
  const std::vector<std::shared_ptr<Segment>> inputs_;
};

/// Without space for seals, what is sealed already is all that can be worked on.
Status unless_full(Status sealed) {
  const bool full = !sealed.has_value() && sealed.error().code == Errc::kNoSpace;
  return full ? Status(ok()) : sealed;
}

}  // namespace

Result<MergeReport> Store::Impl::merge(const MergeRequest& request, const ProgressFn& progress) {
  MEMORIA_TRY(check_writable());
  MEMORIA_TRY(health_.check());
  if (request.dry_run) {
    MEMORIA_TRY(const Space space, environment_->space());
    auto plan = plan_merge(request, space.free_bytes);
    plan.damaged = damaged_segments();
    return plan;
  }
  if (!merge_turn_.lock_while(while_wanted(progress))) return given_up();
  const TurnTaken turn(merge_turn_);
  return merge_in_turn(request, progress);
}

/// For whoever waits for his turn: tells what he waits for.
std::function<bool()> Store::Impl::while_wanted(const ProgressFn& progress) const {
  return [this, &progress] {
    const char* const other = merge_running_ ? "waiting for a merge that is running"
                                             : "waiting for hints that are being written";
    return !closed_ && (!progress || progress({other, 0, 0}));
  };
}

Result<MergeReport> Store::Impl::merge_in_turn(const MergeRequest& request,
                                               const ProgressFn& progress) {
  if (closed_) return Error{Errc::kClosed};
  MEMORIA_TRY(health_.check());
  all_will_go_ = request.all;
  auto report = merge_sealed(request, progress);
  all_will_go_ = false;
  // None was written of what was to go.
  for (const auto& segment : segments_.all()) {
    if (segment->sealed && !segment->has_hint) housekeeper_->queue_hint(segment);
  }
  return report;
}

Result<MergeReport> Store::Impl::merge_sealed(const MergeRequest& request,
                                              const ProgressFn& progress) {
  MEMORIA_TRY(unless_full(request.all ? appender_->rotate() : appender_->settle()));
  MEMORIA_TRY(const Space space, environment_->space());
  // Hints that are written meanwhile would take files that the merge counts on.
  const Running running(merge_running_);
  { const Lock hint_is_written(hint_mutex_); }
  // Others take space meanwhile. What was finished before it ran out stays, and with less at once
  // there may be room for an output, which then makes room.
  MEMORIA_TRY(const auto files, files_left(*environment_));
  MergeRoom room{std::min({space.free_bytes, most_that_is_copied(),
                           most_that_files_hold(files, options_.segment.max_size)}),
                 space.free_bytes};
  auto report = merge_within(request, room, progress);
  for (int attempt = 1;
       attempt < kMergeAttempts && !report.has_value() && report.error().code == Errc::kNoSpace;
       ++attempt) {
    MEMORIA_TRY(const Space now, environment_->space());
    room.budget /= 4;
    room.free_bytes = now.free_bytes;
    auto smaller = merge_within(request, room, progress);
    if (smaller.has_value() && smaller.value().inputs.empty()) break;
    report = std::move(smaller);
  }
  if (report.has_value()) report.value().damaged = damaged_segments();
  return report;
}

std::vector<uint64_t> Store::Impl::damaged_segments() const {
  std::vector<uint64_t> ids;
  for (const auto& segment : segments_.all()) {
    if (segment->damaged) ids.push_back(segment->id());
  }
  return ids;
}

/// What a merge would do on a disk with so many bytes free.
MergeReport Store::Impl::plan_merge(const MergeRequest& request, uint64_t free_bytes) const {
  MergeReport report;
  const MergeRoom room{free_bytes, free_bytes};
  uint64_t beside = 0;  // copies of what snapshots keep
  for (const auto& input : choose_inputs(segments_.all(), settings(), request, room)) {
    report.inputs.push_back(input->id());
    report.bytes_read += input->file_bytes;
    const uint64_t copied = input->counts.live_bytes + input->counts.eraser_bytes;
    report.bytes_written += copied;
    if (input->held) {
      beside += copied;
    } else {
      report.bytes_freed += input->dead_bytes();
    }
  }
  report.bytes_freed -= std::min(report.bytes_freed, beside);
  return report;
}

/// Bytes, the hints and all else that comes with it included.
uint64_t Store::Impl::most_that_is_copied() const {
  uint64_t bytes = 1 << 20;
  for (const auto& segment : segments_.all()) bytes += 2 * segment->file_bytes;
  return bytes;
}

/// A merge whose output fits, by estimate.
Result<MergeReport> Store::Impl::merge_within(const MergeRequest& request, const MergeRoom& room,
                                              const ProgressFn& progress) {
  const Options settings = this->settings();
  auto inputs = choose_inputs(segments_.all(), settings, request, room);
  if (inputs.empty()) return MergeReport{};
  const Merging merging(inputs);
  all_will_go_ = false;
  const uint64_t rate = request.rate_bytes_per_second != 0 ? request.rate_bytes_per_second
                                                           : settings.merge.rate_bytes_per_second;
  const auto sync_log = [this] { return committer_->sync(appender_->position()); };
  Merge merge({*environment_, options_, timeline_, segments_, directory_, files_, uuid_, sync_log,
               [this] { return save_manifest(); }, layout_mutex_},
              std::move(inputs), rate, progress);
  auto report = merge.run();
  if (report.has_value()) {
    Lock merged(merged_mutex_);
    ++merges_;
    merge_bytes_read_ += report.value().bytes_read;
    merge_bytes_written_ += report.value().bytes_written;
    last_merge_ns_ = environment_->now_ns();
  }
  return report;
}

Result<SnapshotInfo> Store::Impl::create_snapshot(std::string_view name) {
  MEMORIA_TRY(Snapshots::check_name(name));
  Lock one(snapshot_mutex_);
  MEMORIA_TRY(check_writable());
  // A merge must not take a segment away between the moment that the snapshot stands for, which is
  // that of the rotation, and the link to it; nor add one with what was written later.
  Lock layout(layout_mutex_);
  MEMORIA_TRY(appender_->rotate());
  const auto segments = segments_.sealed();
  auto made = Snapshots(*environment_).create(name, uuid_, unsure_until_, segments);
  if (!made.has_value()) {
    mark_held();  // it may be there for all that
    return made;
  }
  for (const auto& segment : segments) segment->held = true;
  return made;
}

/// By what the snapshots say; while one of them cannot be read, none is let go.
void Store::Impl::mark_held() {
  const auto found = Snapshots(*environment_).segments();
  if (!found.has_value()) return;
  const auto& [ids, complete] = found.value();
  for (const auto& segment : segments_.all()) {
    if (complete || ids.contains(segment->header.id)) {
      segment->held = ids.contains(segment->header.id);
    }
  }
}

Status Store::Impl::remove_snapshot(std::string_view name) {
  Lock one(snapshot_mutex_);
  MEMORIA_TRY(check_writable());
  MEMORIA_TRY(Snapshots(*environment_).remove(name));
  mark_held();
  return ok();
}

/// Whoever begins a rollback must be able to finish it: what is kept may hold every byte there is.
Status Store::Impl::check_room_for_rollback() const {
  const uint64_t needed = kRollbackRoom + segments_.all().size() * kManifestEntryRoom;
  MEMORIA_TRY(const Space space, environment_->space());
  MEMORIA_TRY(const auto files, files_left(*environment_));
  if (space.free_bytes >= needed && (!files || *files >= kRollbackFiles)) return ok();
  return Error{Errc::kNoSpace,
               fmt::format("{}: less than the {} KiB and {} files are left that a rollback "
                           "takes, so none was begun; remove something from that disk",
                           environment_->describe(), needed >> 10, kRollbackFiles)};
}

Status Store::Impl::close_and_roll_back(std::string_view snapshot) {
  MEMORIA_TRY(check_writable());
  MEMORIA_TRY(health_.check());
  Lock one(snapshot_mutex_);
  Rollback rollback{uuid_, 0, std::string(snapshot)};
  MEMORIA_TRY(check_rollback(*environment_, rollback));
  MEMORIA_TRY(check_room_for_rollback());
  bool begun = false;
  MEMORIA_TRY(close([&]() -> Status {
    rollback.timestamp = timeline_.take();
    MEMORIA_TRY(begin_rollback(*environment_, rollback));
    begun = true;
    return ok();
  }));
  return begun ? Status(ok()) : Error{Errc::kClosed};  // somebody else was faster
}

void Store::Impl::background_merge(bool urgent) {
  const Options settings = this->settings();
  if (health_.latched() || !hour_allows(settings)) return;
  const auto segments = segments_.all();
  if (urgent ? !merge_is_urgent(segments, settings) : !merge_is_due(segments, settings)) return;
  const auto report = merge({}, [this](const Progress&) { return !stopping_.load(); });
  if (!report.has_value()) {
    if (report.error().code != Errc::kCancelled) {
      log(Severity::kWarning, "background merge: " + report.error().describe());
    }
    return;
  }
  if (report.value().inputs.empty()) return;
  log(Severity::kInfo,
      fmt::format("merged {} segments into {}, {} MiB freed", report.value().inputs.size(),
                  report.value().outputs.size(), report.value().bytes_freed >> 20));
}

void Store::Impl::write_hint(Segment& segment) {
  const auto built = [&]() -> Status {
    Lock lock(hint_mutex_);
    if (segment.has_hint || segment.damaged || segment.hint_is_taken) return ok();
    if (all_will_go_ || segment.merging) return ok();  // it is about to go
    if (!segments_.find(segment.slot)) return ok();
    // Without it the next opening takes longer; without files that can be made, nothing can be
    // erased, and no merge is possible.
    const auto files = files_left(*environment_);
    const uint64_t kept = merge_running_ ? kManyFiles : options_.reserve_files;
    if (files.has_value() && files.value() && *files.value() <= kept) return ok();
    // Most was just written, or read to open the store; what rots is found when it is read, whether
    // it did so before there was a hint or behind it.
    return renew_hint(segment, SegmentScanner::Mode::kHeads);
  }();
  if (!built.has_value() && segments_.find(segment.slot)) {
    log(Severity::kWarning, "hint of " + segment_file(segment.id(), kDataSuffix) +
                                " not written: " + built.error().describe());
  }
}

Status Store::Impl::renew_hint(Segment& segment, SegmentScanner::Mode mode) {
  MEMORIA_TRY(build_hint(*environment_, files_, segment, options_.inline_limit, mode));
  // A merge may have removed the segment meanwhile, and looked for its hint too early.
  if (!segments_.find(segment.slot)) {
    (void)environment_->remove(segment_file(segment.id(), kHintSuffix));
  }
  return ok();
}

Result<HintReport> Store::Impl::rebuild_hints(bool all, const ProgressFn& progress) {
  MEMORIA_TRY(check_writable());
  if (!merge_turn_.lock_while(while_wanted(progress))) return given_up();
  const TurnTaken turn(merge_turn_);
  return rebuild_hints_in_turn(all, progress);
}

Result<HintReport> Store::Impl::rebuild_hints_in_turn(bool all, const ProgressFn& progress) {
  if (closed_) return Error{Errc::kClosed};
  MEMORIA_TRY(unless_full(appender_->settle()));
  HintReport report;
  const auto segments = segments_.all();
  uint64_t total = 0, done = 0;
  for (const auto& segment : segments) total += segment->sealed ? segment->file_bytes.load() : 0;
  for (const auto& segment : segments) {
    if (!segment->sealed) continue;
    if (progress && !progress({"hints", done, total})) {
      return Error{Errc::kCancelled, "stopped on request; hints written so far stay"};
    }
    Lock one_hint(hint_mutex_);
    if (segment->damaged ||
        segment->hint_is_taken) {  // its hint, if it has one, knows more than what is left of it
      ++report.damaged;
    } else if (!all && segment->has_hint && check_hint(*environment_, *segment)) {
      ++report.kept;
    } else {
      const auto written = renew_hint(*segment, SegmentScanner::Mode::kSealed);
      if (written.has_value()) {
        ++report.written;
      } else if (written.error().code == Errc::kCorrupt) {
        ++report.damaged;
      } else {
        return written.error();
      }
    }
    done += segment->file_bytes;
  }
  MEMORIA_TRY(environment_->sync_directory());
  return report;
}

Result<std::vector<Extent>> Store::Impl::locate(std::string_view key) const {
  ReadPlan plan;
  const auto info = directory_.info(key);
  if (!info || !directory_.plan(key, 0, kMaxSize, plan)) return Error{Errc::kNotFound};
  std::vector<Extent> extents;
  if (plan.is_inline || (plan.parts.empty() && info->size == 0)) {
    // Inline and empty values have a record all the same.
    plan.parts = directory_.records(key);
  }
  for (const auto& part : plan.parts) {
    const auto* const segment = segments_.find(part.piece.location.slot);
    if (!segment) continue;
    Extent extent;
    extent.offset = part.offset;
    extent.length = part.piece.length;
    extent.segment = segment->id();
    extent.record_offset = part.piece.location.offset;
    extent.record_length = record_size(part.piece.kind, key.size(), part.piece.value_size);
    extent.timestamp = info->timestamp;
    std::vector<char> bytes(part.piece.length);
    extent.readable = reader_.read(key, part.piece, bytes).has_value();
    extents.push_back(extent);
  }
  return extents;
}

StoreStats Store::Impl::stats() const {
  StoreStats s;
  const auto totals = directory_.totals();
  s.keys = totals.keys;
  s.value_bytes = totals.value_bytes;
  s.key_directory_bytes = totals.memory;
  s.patched_values = totals.patched;
  s.pieces = totals.pieces;
  for (const auto& segment : segments_.all()) {
    auto one = segment->stats();
    s.disk_bytes += one.missing ? 0 : one.file_bytes;
    s.live_bytes += one.live_bytes;
    s.dead_bytes += one.dead_bytes;
    s.eraser_bytes += one.eraser_bytes;
    if (one.from_merge) s.last_merge_ns = std::max(s.last_merge_ns, one.id);  // a time, too
    s.segments.push_back(one);
  }
  if (const auto space = environment_->space(); space.has_value()) {
    const auto free = space.value().free_bytes;
    s.mergeable_bytes = plan_merge({.dry_run = true}, free).bytes_freed;
    s.mergeable_bytes_all = plan_merge({.all = true, .dry_run = true}, free).bytes_freed;
  }
  if (appender_) {
    s.bytes_written = appender_->bytes_written();
    s.appends = appender_->appends();
    s.append_groups = appender_->groups();
  }
  if (committer_) {
    s.syncs = committer_->syncs();
    s.sync_requests = committer_->requests();
    const auto latency = committer_->latency();
    s.sync_latency_us_p50 = latency.p50;
    s.sync_latency_us_p99 = latency.p99;
    s.sync_time_us = latency.all;
  }
  {
    Lock lock(merged_mutex_);
    s.merges = merges_;
    s.merge_bytes_read = merge_bytes_read_;
    s.merge_bytes_written = merge_bytes_written_;
    if (merges_ > 0) s.last_merge_ns = last_merge_ns_;
  }
  s.bytes_written += s.merge_bytes_written;
  s.consolidations = consolidations_;
  s.file_cache_hits = files_.hits();
  s.file_cache_misses = files_.misses();
  s.read_errors = read_errors_;
  s.unsure_until = unsure_until_;
  s.open_ns = open_ns_;
  s.merge_running = merge_running_;
  s.read_only = health_.latched() || !appender_;
  s.read_only_reason = health_.latched() ? health_.reason() : "";
  return s;
}

Options Store::Impl::settings() const {
  Lock lock(settings_mutex_);
  return settings_;
}

Status Store::Impl::change_settings(const Options& wanted) {
  MEMORIA_TRY(check_writable());
  MEMORIA_TRY(check_options(wanted));
  Lock lock(settings_mutex_);
  settings_.segment.fragmentation_threshold = wanted.segment.fragmentation_threshold;
  settings_.segment.dead_bytes_threshold = wanted.segment.dead_bytes_threshold;
  settings_.segment.merge_check_interval = wanted.segment.merge_check_interval;
  settings_.merge = wanted.merge;
  settings_.sync_interval = wanted.sync_interval;
  settings_.file_cache = wanted.file_cache;
  settings_.memory_limit = wanted.memory_limit;
  housekeeper_->set_interval(settings_.segment.merge_check_interval);
  if (settings_.sync_policy == SyncPolicy::kInterval) {
    committer_->set_interval(settings_.sync_interval);
  }
  files_.set_max_size(settings_.file_cache.max_size);
  appender_->set_memory_limit(settings_.memory_limit);
  return ok();
}

}  // namespace memoria
