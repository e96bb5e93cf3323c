// SPDX-License-Identifier: MIT
#include "core/store/recovery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <set>

#include "core/base/signals.hpp"
#include "core/log/hint.hpp"
#include "core/log/scan.hpp"
#include "core/store/entries.hpp"
#include "core/store/failed_sync.hpp"
#include "core/store/hint_file.hpp"
#include "core/store/rollback.hpp"

namespace memoria {
namespace {

/// A hint that is not written anywhere.
Result<Run> run_in_memory(HintWriter&& entries, const Segment& segment) {
  auto bytes = std::make_shared<PageString>(std::move(entries).finish(segment.file_bytes));
  ReadHint read = [bytes, from = read_from(*bytes)](uint64_t offset, std::span<char> out) {
    return from(offset, out);
  };
  auto index = HintIndex::read(read, bytes->size(), segment.header.id, segment.file_bytes);
  if (!index) return Error{Errc::kCorrupt, "a hint that was just made cannot be read"};
  return Run{segment.slot, std::move(*index), std::move(read)};
}

}  // namespace

void Recovery::log(Severity severity, const std::string& text) const {
  if (options_.logger) options_.logger(severity, text);
}

Status Recovery::run() {
  after_failed_sync_ = !options_.read_only && has_failed_sync(environment_);
  MEMORIA_TRY(roll_back());
  MEMORIA_TRY(inventory_.take());
  auto& found = inventory_.segments();
  MEMORIA_TRY(const auto numbers, inventory_.tail());
  std::vector<FoundSegment*> sealed, tail;
  for (size_t i = 0; i < found.size(); ++i) {
    const bool in_tail = std::find(numbers.begin(), numbers.end(), i) != numbers.end();
    (in_tail ? tail : sealed).push_back(&found[i]);
    timeline_.advance(found[i].header->id);
    timeline_.advance(found[i].name_id);
  }
  MEMORIA_TRY(load_all(sealed));
  MEMORIA_TRY(load_tail(tail));
  MEMORIA_TRY(load_runs());
  MEMORIA_TRY(check_time());
  unsure_until_ = inventory_.unsure_until();
  // What is missing is not newer than this; a store that has no record yet has just been made.
  if (inventory_.has_lost_manifest() && !runs_.empty()) unsure_until_ = timeline_.take();
  // The names that were read may not have been durable, either.
  if (!options_.read_only) MEMORIA_TRY(environment_.sync_directory());
  if (after_failed_sync_) forget_failed_sync(environment_);
  return ok();
}

/// Whether there are numbers left for what is written next. Behind a record that somebody made up
/// for the last year that can be there are none, and what was written could not be read.
Status Recovery::check_time() const {
  constexpr uint64_t kYear = uint64_t{366} * 86400 * 1'000'000'000;
  if (options_.read_only || timeline_.last() < kLatestTimestamp - kYear) return ok();
  return Error{
      Errc::kCorrupt,
      fmt::format("{}: something in it says that it is of the year 2261 or later, and nothing "
                  "could be written behind that; it can be opened to be read, and "
                  "`memoria-ctl repair {} NEWDIR` makes a store of what it holds",
                  environment_.describe(), environment_.describe())};
}

/// Carries out what Store::close_and_roll_back() decided.
Status Recovery::roll_back() {
  MEMORIA_TRY(const auto pending, pending_rollback(environment_));
  if (!pending) return ok();
  if (options_.read_only) {
    return Error{
        Errc::kReadOnly,
        fmt::format("{}: a rollback to the snapshot \"{}\" was begun and is finished by the "
                    "next opening that may write: open it so once",
                    environment_.describe(), pending->snapshot)};
  }
  log(Severity::kInfo, fmt::format("rolling back to the snapshot \"{}\"", pending->snapshot));
  timeline_.advance(pending->timestamp);
  return finish_rollback(environment_, *pending);
}

/// What a crash left without a seal, in the order of the log. Up to the last that the manifest
/// names all of it was durable, so what is missing in front of that is damage. The first behind it
/// that is not all there ends the log: what comes next was never told to be durable.
Status Recovery::load_tail(const std::vector<FoundSegment*>& found) {
  std::vector<TailSegment> tail;
  std::vector<FoundSegment*> damaged;
  const auto last_listed = std::find_if(found.rbegin(), found.rend(), [&](const auto* segment) {
    return inventory_.lists(*segment);
  });
  const auto listed = size_t(found.rend() - last_listed);
  bool complete = true;
  for (size_t i = 0; i < found.size(); ++i) {
    FoundSegment& segment = *found[i];
    if (!complete) {
      MEMORIA_TRY(drop(segment));
      continue;
    }
    const bool was_durable = i + 1 < listed;
    if (was_durable && segment.size <= kSegmentHeaderSize) {
      inventory_.doom(segment);  // a leftover of an earlier time
      continue;
    }
    MEMORIA_TRY(auto scanned, scan_tail(segment));
    if (was_durable && !scanned.complete()) {
      damaged.push_back(&segment);
    } else {
      complete = scanned.complete();
      tail.push_back(std::move(scanned));
    }
  }
  for (auto* const segment : damaged) {
    MEMORIA_TRY(auto run, load(*segment));
    runs_.push_back(std::move(run));
    sources_.push_back(segment);
  }
  for (const auto& segment : tail) timeline_.advance(segment.newest);
  MEMORIA_TRY(check_time());
  // Only now, lest after another crash what was dropped followed on a sealed segment.
  for (auto& segment : tail) MEMORIA_TRY(load_tail_segment(segment));
  return ok();
}

Result<std::unique_ptr<File>> Recovery::open_tail(const FoundSegment& found) const {
  return environment_.open(
      segment_file(found.name_id, kDataSuffix),
      options_.read_only ? Environment::Access::kRead : Environment::Access::kWrite);
}

/// Empties a segment durably; then it is one like those that were made and not written to.
Status Recovery::drop(FoundSegment& found) {
  inventory_.doom(found);
  if (found.size <= kSegmentHeaderSize) return ok();
  log(Severity::kInfo, fmt::format("{}: dropped, since the segment before it lacks its end",
                                   segment_file(found.name_id, kDataSuffix)));
  if (options_.read_only) return ok();
  MEMORIA_TRY(const auto file, open_tail(found));
  MEMORIA_TRY(file->truncate(kSegmentHeaderSize));
  return file->sync();
}

Result<Recovery::TailSegment> Recovery::scan_tail(FoundSegment& found) {
  MEMORIA_TRY(const auto file, open_tail(found));
  SegmentScanner scanner(*file, found.header->seed(), kSegmentHeaderSize, found.size,
                         SegmentScanner::Mode::kTail);
  TailSegment tail{&found, HintWriter(found.header->id)};
  while (true) {
    MEMORIA_TRY(const auto* scanned, scanner.next());
    if (scanned == nullptr) break;
    if (!describes_a_key(scanned->record.kind)) continue;
    tail.entries.add(entry_of(*scanned, options_.inline_limit));
    ++tail.records;
  }
  tail.end = scanner.good_end();
  tail.newest = scanner.newest();
  tail.ended = scanner.ended();
  tail.sealed = scanner.sealed();
  return tail;
}

/// Cuts off what does not count, and makes the rest what it would be without the crash.
Status Recovery::seal(const TailSegment& tail) {
  MEMORIA_TRY(const auto file, open_tail(*tail.found));
  if (!tail.found->problem.empty()) {
    auto header = encode_segment_header(*tail.found->header);
    const iovec parts[] = {{header.data(), header.size()}};
    MEMORIA_TRY(file->write(0, parts));
  }
  // The space of the seal stays: the end took it, and on a full disk there may be no other.
  const uint64_t end = tail.end + (tail.sealed ? 0 : kSealSize);
  if (tail.found->size > end) MEMORIA_TRY(file->truncate(end));
  if (after_failed_sync_) MEMORIA_TRY(write_again(*file, end));
  MEMORIA_TRY(file->sync());  // a seal says that everything in front of it is durable
  if (tail.sealed) return ok();
  auto bytes = encode_closing(Kind::kSeal, tail.records, timeline_.take(),
                              {tail.found->header->seed(), tail.end});
  const iovec parts[] = {{bytes.data(), bytes.size()}};
  MEMORIA_TRY(file->write(tail.end, parts));
  return file->sync();
}

Status Recovery::load_tail_segment(TailSegment& tail) {
  FoundSegment& found = *tail.found;
  if (tail.records == 0) {
    inventory_.doom(found);
    return ok();
  }
  add_segment(found);
  if (tail.end < found.size) {
    log(Severity::kInfo,
        fmt::format("{}: dropped {} bytes behind the last complete record",
                    segment_file(found.name_id, kDataSuffix), found.size - tail.end));
  }
  if (!options_.read_only) MEMORIA_TRY(seal(tail));
  found.sealed = true;
  found.records = tail.records;
  found.closing = kSealSize + (tail.ended ? kEndSize : 0);
  found.segment->file_bytes = tail.end + (tail.sealed ? 0 : kSealSize);
  found.segment->sealed = true;
  MEMORIA_TRY(auto run, run_in_memory(std::move(tail.entries), *found.segment));
  runs_.push_back(std::move(run));
  sources_.push_back(&found);
  return ok();
}

void Recovery::begin_phase(std::string_view phase, uint64_t total, Progress::Unit unit) {
  const Lock lock(progress_mutex_);
  progress_ = {phase, 0, total, unit};
}

/// Any thread.
void Recovery::tell_of(uint64_t more) {
  if (!options_.on_opening) return;
  const Lock lock(progress_mutex_);
  progress_.done += more;
  unwanted_ = !options_.on_opening(progress_) || unwanted_;
}

Status Recovery::check_wanted() const {
  const Lock lock(progress_mutex_);
  if (!unwanted_) return ok();
  return Error{Errc::kCancelled, environment_.describe() + ": opening it was stopped on request"};
}

/// Fills the key directory.
Status Recovery::load_runs() {
  uint64_t records = 0;
  for (const auto& run : runs_) records += run.index.entries();
  const auto load = [&] {
    begin_phase("index", records, Progress::Unit::kEntries);
    return memoria::load_runs(runs_, directory_, options_.inline_limit, threads(),
                              [this](uint64_t more) { tell_of(more); });
  };
  std::set<size_t> remade;
  while (const auto bad = load()) {
    MEMORIA_TRY(check_wanted());
    const auto& [number, why] = *bad;
    if (why.lacks_descriptors()) return why;  // which says nothing about the hint
    if (!remade.insert(number).second) {
      return Error{Errc::kCorrupt,
                   fmt::format("{}: what a scan finds in it cannot be put in order",
                               segment_file(sources_[number]->name_id, kDataSuffix))};
    }
    directory_.clear();
    segments_.forget_counts();
    sources_[number]->segment->has_hint = false;
    MEMORIA_TRY(runs_[number], without_hint(*sources_[number]));
  }
  MEMORIA_TRY(check_wanted());
  for (size_t i = 0; i < runs_.size(); ++i) {
    timeline_.advance(runs_[i].index.newest());
    // What is neither header, known record nor seal is the heads of batches, records that the hint
    // leaves out, or damage: dead either way.
    const auto& segment = *sources_[i]->segment;
    const uint64_t known = kSegmentHeaderSize + segment.counts.total_bytes + sources_[i]->closing;
    const uint64_t entries = segment.counts.total_records;
    if (segment.file_bytes > known) {
      segments_.add_total(segment.slot, segment.file_bytes - known,
                          std::max(sources_[i]->records, entries) - entries);
    }
  }
  return ok();
}

unsigned Recovery::threads() const {
  return options_.recovery_threads != 0 ? options_.recovery_threads
                                        : std::max(std::thread::hardware_concurrency(), 1u);
}

/// Finds out what each segment says of its keys.
Status Recovery::load_all(const std::vector<FoundSegment*>& found) {
  const size_t helpers_wanted = std::min<size_t>(threads(), std::max<size_t>(found.size(), 1)) - 1;
  uint64_t bytes = 0;
  for (const auto* segment : found) bytes += segment->full_size();
  begin_phase("open", bytes, Progress::Unit::kBytes);
  std::vector<std::optional<Run>> runs(found.size());
  std::atomic<size_t> next{0};
  Mutex mutex;
  std::optional<Error> failure;
  const auto work = [&] {
    for (size_t i = next++; i < found.size(); i = next++) {
      auto run = load(*found[i]);
      tell_of(found[i]->full_size());
      if (const auto wanted = check_wanted(); !wanted.has_value()) run = wanted.error();
      if (run.has_value()) {
        runs[i] = std::move(run).value();
        continue;
      }
      Lock lock(mutex);
      failure = std::move(run).error();
      next = found.size();
    }
  };
  std::vector<std::thread> helpers;
  while (helpers.size() < helpers_wanted && add_helper(helpers, work)) {
  }
  work();
  for (auto& helper : helpers) helper.join();
  if (failure) return std::move(*failure);
  for (size_t i = 0; i < runs.size(); ++i) {
    runs_.push_back(std::move(*runs[i]));
    sources_.push_back(found[i]);
  }
  return ok();
}

void Recovery::add_segment(FoundSegment& found) {
  found.segment = segments_.add(*found.header, found.name_id);
  found.segment->hint_is_taken = found.squats;
  found.segment->has_copy = inventory_.has_copy(found.header->id);
}

/// What a segment says of its keys.
Result<Run> Recovery::load(FoundSegment& found) {
  add_segment(found);
  auto& segment = *found.segment;
  segment.file_bytes = found.full_size();
  segment.sealed = true;
  segment.damaged = found.cut() || !found.sealed || !found.problem.empty();
  segment.missing = found.missing;
  MEMORIA_TRY(auto run, from_hint(found));
  segment.has_hint = run.has_value();
  return run ? std::move(*run) : without_hint(found);
}

/// Nothing: there is none that can be trusted. Its blocks are checked when they are loaded.
Result<std::optional<Run>> Recovery::from_hint(const FoundSegment& found) const {
  if (!inventory_.has_hint(found.name_id)) return std::optional<Run>();
  MEMORIA_TRY(auto hint, open_hint(environment_, *found.segment));
  if (!hint) return std::optional<Run>();
  return std::optional(Run{found.segment->slot, std::move(hint->index), std::move(hint->read)});
}

Result<Run> Recovery::without_hint(FoundSegment& found) {
  const bool had_one = inventory_.has_hint(found.name_id);
  found.segment->had_bad_hint = had_one;
  found.segment->lacked_hint = !had_one;
  if (had_one && !found.missing) {
    log(Severity::kWarning,
        fmt::format("{} is damaged or of another time and {}",
                    segment_file(found.name_id, kHintSuffix),
                    options_.read_only ? "is not used" : "will be written anew"));
  }
  if (!found.missing) return scan(found);
  return Error{Errc::kCorrupt,
               fmt::format("{}/{} is missing, and its hint is damaged; put it back, or accept the "
                           "loss by removing the file \"{}\"",
                           environment_.describe(), segment_file(found.name_id, kDataSuffix),
                           kManifestFile)};
}

Result<Run> Recovery::scan(FoundSegment& found) {
  auto& segment = *found.segment;
  const auto name = segment_file(found.name_id, kDataSuffix);
  MEMORIA_TRY(const auto file,
              environment_.open(name, after_failed_sync_ ? Environment::Access::kWrite
                                                         : Environment::Access::kRead));
  // A process that was killed between writing the seal and syncing it leaves a segment that only
  // looks durable. (One with a hint is: the hint is written afterwards.)
  if (after_failed_sync_) MEMORIA_TRY(write_again(*file, found.size));
  if (!options_.read_only) MEMORIA_TRY(file->sync());
  SegmentScanner scanner(*file, found.header->seed(), kSegmentHeaderSize, found.size,
                         SegmentScanner::Mode::kSealed);
  if (segment.header.origin == Origin::kMerge) scanner.expect_any_order(segment.header.id);
  HintWriter entries(segment.header.id);
  found.records = 0;
  while (true) {
    MEMORIA_TRY(const auto* scanned, scanner.next());
    if (scanned == nullptr) break;
    if (!describes_a_key(scanned->record.kind)) continue;
    ++found.records;
    Entry entry = entry_of(*scanned, options_.inline_limit);
    // A suspect stands in the way of older versions, whatever kind it was. Reading it must fail, so
    // it must have at least a byte to read.
    if (scanned->suspect) {
      if (entry.record.kind != Kind::kPiece) entry.record.kind = Kind::kPut;
      entry.record.generation = kUnknownGeneration;
      entry.record.value_size = std::max<uint32_t>(entry.record.value_size, 1);
    }
    entries.add(entry);
  }
  timeline_.advance(scanner.newest());
  if (!scanner.damages().empty()) segment.damaged = true;
  for (const auto& damage : scanner.damages()) {
    log(Severity::kError, fmt::format("{}: {} bytes at offset {} cannot be read: {}", name,
                                      damage.length, damage.offset, damage.reason));
  }
  if (!found.sealed) {
    log(Severity::kError, name + " has lost its end; what it held is missing");
  }
  return run_in_memory(std::move(entries), segment);
}

}  // namespace memoria
