// SPDX-License-Identifier: MIT
#include "core/store/merge.hpp"

#include <fmt/format.h>

#include <absl/hash/hash.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/base/coding.hpp"
#include "core/io/whole_file.hpp"
#include "core/store/entries.hpp"
#include "core/store/hint_file.hpp"

namespace memoria {
namespace {

constexpr uint64_t kNever = ~uint64_t{0};
constexpr size_t kWriteBuffer = 1 << 20;

uint64_t hash_of(std::string_view key) {
  return absl::HashOf(key);
}

Location location(const Segment& segment, const ScannedRecord& scanned) {
  return {segment.slot, uint32_t(scanned.offset)};
}

}  // namespace

/// An output under construction.
struct Merge::Output {
  std::unique_ptr<ActiveSegment> file;
  HintWriter hint;
  std::vector<std::optional<Location>> from;  // of each record; nothing: made by the merge
  std::string buffer;                         // behind file->end()
  uint64_t records = 0, bytes = 0;

  uint64_t end() const { return file->end() + buffer.size(); }
};

Merge::Merge(const Parts& parts, std::vector<std::shared_ptr<Segment>> inputs, uint64_t rate,
             const ProgressFn& progress)
    : parts_(parts), inputs_(std::move(inputs)), progress_(progress), limiter_(rate) {
  for (const auto& input : inputs_) {
    to_copy_.push_back(to_copy(*input));
    total_bytes_ += to_copy_.back();
    report_.inputs.push_back(input->id());
  }
}

Merge::~Merge() {
  // An output that was not finished: nobody refers to it.
  if (output_) {
    (void)parts_.environment.remove(segment_file(output_->file->header().id, kMergeSuffix));
  }
}

Result<MergeReport> Merge::run() {
  const auto begin = std::chrono::steady_clock::now();
  MEMORIA_TRY(find_shadowed());
  for (size_t done = 0; done < inputs_.size();) MEMORIA_TRY(copy_some(done));
  MEMORIA_TRY(finish_output());
  for (const auto& input : inputs_) report_.erasers_dropped += input->counts.eraser_records;
  report_.erasers_dropped -= std::min(report_.erasers_dropped, erasers_copied_);
  MEMORIA_TRY(commit());
  report_.duration = std::chrono::steady_clock::now() - begin;
  return std::move(report_);
}

/// Fills oldest_outside_: which erasers of the inputs still hide something elsewhere. The active
/// segment needs no look: what it holds of a key is newer than any eraser in a sealed segment.
Status Merge::find_shadowed() {
  auto outside = parts_.segments.all();
  std::erase_if(outside, [&](const auto& segment) {
    return !segment->sealed || std::find(inputs_.begin(), inputs_.end(), segment) != inputs_.end();
  });
  takes_all_ = outside.empty();
  if (takes_all_) return ok();
  for (const auto& input : inputs_) {
    if (input->counts.eraser_records > 0) MEMORIA_TRY(collect_erasers(*input));
  }
  if (oldest_outside_.empty()) return ok();
  for (const auto& segment : outside) MEMORIA_TRY(look_for_older(*segment));
  return ok();
}

namespace {

/// Calls `visit` for the records of a sealed segment, from its hint when that is good; for some
/// twice, when it is good only at its beginning.
Status for_each_record(Environment& environment, FileCache& files, const Segment& segment,
                       const std::function<void(const Record&)>& visit) {
  const auto visit_entry = [&](const Entry& entry) { visit(entry.record); };
  if (for_each_in_hint(environment, segment, visit_entry)) return ok();
  MEMORIA_TRY(const auto file, files.open(segment));
  SegmentScanner scanner(*file, segment.header.seed(), kSegmentHeaderSize, segment.file_bytes,
                         SegmentScanner::Mode::kSealed);
  while (true) {
    MEMORIA_TRY(const auto* scanned, scanner.next());
    if (scanned == nullptr) return ok();
    visit(scanned->record);
  }
}

}  // namespace

Status Merge::collect_erasers(const Segment& segment) {
  return for_each_record(parts_.environment, parts_.files, segment, [&](const Record& r) {
    if (is_eraser(r.kind)) oldest_outside_.try_emplace(hash_of(r.key), kNever);
  });
}

Status Merge::look_for_older(const Segment& segment) {
  if (segment.damaged) {  // nobody knows what it still holds
    for (auto& [hash, oldest] : oldest_outside_) oldest = 0;
    return ok();
  }
  return for_each_record(parts_.environment, parts_.files, segment, [&](const Record& r) {
    const auto it = oldest_outside_.find(hash_of(r.key));
    if (it != oldest_outside_.end()) it->second = std::min(it->second, r.timestamp);
  });
}

/// Whether nothing is left that the eraser hides: see FORMAT.md for the proof.
bool Merge::can_drop(const Record& eraser, const KeyDirectory::State& state) const {
  if (takes_all_) return true;
  if (state.present && state.generation > eraser.own_generation()) return true;
  const auto it = oldest_outside_.find(hash_of(eraser.key));
  return it != oldest_outside_.end() && it->second >= eraser.timestamp;
}

Status Merge::report_progress(uint64_t bytes_read) {
  report_.bytes_read += bytes_read;
  const auto go_on = [&] { return !progress_ || progress_({"merge", done_bytes_, total_bytes_}); };
  if (!limiter_.spend(bytes_read, go_on) || !go_on()) {
    const uint64_t copied = report_.outputs.empty() ? 0 : report_.bytes_written;
    return Error{
        Errc::kCancelled,
        copied == 0 ? "merge stopped on request; everything is as it was"
                    : fmt::format("merge stopped on request; nothing is lost, and {} MiB that were "
                                  "copied take their space twice until the next merge",
                                  (copied >> 20) + 1)};
  }
  return ok();
}

/// By estimate: without a hint everything may be read, to find it.
uint64_t Merge::to_copy(const Segment& input) {
  return input.has_hint ? input.counts.live_bytes + input.counts.eraser_bytes
                        : input.file_bytes.load();
}

/// So much of the input at hand is copied.
void Merge::show_share(uint64_t done, uint64_t of) {
  const double share = of == 0 ? 1 : double(std::min(done, of)) / double(of);
  done_bytes_ = begin_bytes_ + uint64_t(share * double(end_bytes_ - begin_bytes_));
}

/// Copies the inputs from `done` on that are chosen together.
Status Merge::copy_some(size_t& done) {
  const auto inputs = chosen_together(std::span(inputs_).subspan(done));
  const MergeChoice choice(parts_.environment, parts_.directory, parts_.options, takes_all_);
  const auto on_loose = [this](std::string_view key, uint64_t generation) {
    return write_loose_size(key, generation);
  };
  MEMORIA_TRY(const auto chosen, choice.choose(inputs, on_loose));
  for (size_t i = 0; i < inputs.size(); ++i, ++done) {
    begin_bytes_ = std::exchange(end_bytes_, end_bytes_ + to_copy_[done]);
    MEMORIA_TRY(copy_segment(*inputs[i], chosen[i]));
  }
  return ok();
}

Status Merge::copy_segment(Segment& input, const MergeChoice::Choices& choices) {
  auto copied = choices ? copy_chosen(input, *choices) : copy_all(input);
  if (!copied.has_value() && copied.error().code == Errc::kCorrupt) {
    input.damaged = true;
    return Error{Errc::kCorrupt, segment_file(input.id(), kDataSuffix) +
                                     " is damaged and was left in place; see memoria-ctl verify"};
  }
  MEMORIA_TRY(std::move(copied));
  done_bytes_ = end_bytes_;
  return report_progress(0);
}

Status Merge::copy_chosen(const Segment& input, const std::vector<MergeChoice::Choice>& choices) {
  MEMORIA_TRY(const auto file, parts_.files.open(input));
  std::vector<SelectiveScanner::Place> places;
  uint64_t chosen = 0, copied = 0;
  for (const auto& choice : choices) {
    places.push_back(choice.place);
    chosen += choice.place.size;
  }
  SelectiveScanner scanner(*file, input.header.seed(), std::move(places));
  uint64_t reported = 0;
  for (const auto& choice : choices) {
    MEMORIA_TRY(const auto* scanned, scanner.next());
    MEMORIA_TRY(choice.whole ? write(scanned->record, scanned->value, location(input, *scanned))
                             : copy_record(*scanned, location(input, *scanned)));
    copied += choice.place.size;
    if (scanner.bytes_read() == reported) continue;
    show_share(copied, chosen);
    MEMORIA_TRY(report_progress(scanner.bytes_read() - reported));
    reported = scanner.bytes_read();
  }
  return ok();
}

Status Merge::copy_all(const Segment& input) {
  MEMORIA_TRY(const auto file, parts_.files.open(input));
  SegmentScanner scanner(*file, input.header.seed(), kSegmentHeaderSize, input.file_bytes,
                         SegmentScanner::Mode::kSealed);
  uint64_t reported = 0;
  while (true) {
    MEMORIA_TRY(const auto* scanned, scanner.next());
    if (!scanner.damages().empty()) return Error{Errc::kCorrupt};
    if (scanned == nullptr) break;
    if (describes_a_key(scanned->record.kind)) {
      MEMORIA_TRY(copy_record(*scanned, location(input, *scanned)));
    }
    if (scanned->offset - reported >= kWriteBuffer) {
      show_share(scanned->offset, input.file_bytes);
      MEMORIA_TRY(report_progress(scanned->offset - reported));
      reported = scanned->offset;
    }
  }
  return report_progress(input.file_bytes - reported);
}

Status Merge::copy_record(const ScannedRecord& scanned, Location from) {
  const Record& r = scanned.record;
  const LiveRecord live = parts_.directory.live(r, from);
  if (live.loose_size) MEMORIA_TRY(write_size(r, live));
  if (is_eraser(r.kind)) return copy_eraser(scanned, from, live);
  if (live.whole) return write(r, scanned.value, from);
  for (const auto& part : live.fragments) {
    MEMORIA_TRY(copy_part(scanned, from, part, live.generation));
  }
  return ok();
}

Status Merge::copy_eraser(const ScannedRecord& scanned, Location from, const LiveRecord& live) {
  const Record& r = scanned.record;
  const bool gives_size = r.kind == Kind::kTruncate && live.whole;
  if (!gives_size && can_drop(r, parts_.directory.state(r.key))) {
    return ok();
  }
  ++erasers_copied_;
  return write(r, {}, from);
}

/// The records that made the value as long as it is are about to go; say its size in so many words.
Status Merge::write_size(const Record& record, const LiveRecord& live) {
  if (!sizes_written_.insert(hash_of(record.key)).second) return ok();
  Record size;
  size.kind = Kind::kTruncate;
  size.timestamp = live.loose_size->newest;
  size.generation = live.generation;
  size.offset = live.loose_size->size;
  size.key = record.key;
  return write(size, {}, std::nullopt);
}

/// The same for a value whose records may be in the inputs.
Status Merge::write_loose_size(std::string_view key, uint64_t generation) {
  Record r;
  r.kind = Kind::kPiece;
  r.generation = generation;
  r.key = key;
  const LiveRecord live = parts_.directory.live(r, {});
  return live.loose_size ? write_size(r, live) : ok();
}

/// A live range of a record that is otherwise dead becomes a piece of its own, with the record's
/// timestamp and generation.
Status Merge::copy_part(const ScannedRecord& scanned, Location from, const PlacedPiece& part,
                        uint64_t generation) {
  Record piece;
  piece.kind = Kind::kPiece;
  piece.timestamp = scanned.record.timestamp;
  piece.generation = generation;
  piece.offset = part.offset;
  piece.key = scanned.record.key;
  piece.value_size = part.piece.length;
  return write(piece, scanned.value.substr(part.piece.skip, part.piece.length), from);
}

Status Merge::write(const Record& record, std::string_view value, std::optional<Location> from) {
  const uint64_t size = record.size();
  const auto& limits = parts_.options.segment;
  if (output_ &&
      (output_->end() + size > limits.max_size || output_->records >= limits.max_records)) {
    MEMORIA_TRY(finish_output());
  }
  if (!output_) MEMORIA_TRY(open_output());
  const auto offset = uint32_t(output_->end());
  const uint32_t seed = output_->file->header().seed();
  encode_prefix(record, value, {seed, offset}, output_->buffer);
  output_->buffer.append(value);

  const bool is_inline = begins_a_value(record) && record.value_size <= parts_.options.inline_limit;
  output_->hint.add({record, offset, is_inline, value});
  output_->from.push_back(from);
  ++output_->records;
  output_->bytes += size;
  ++report_.records_copied;
  if (output_->buffer.size() >= kWriteBuffer) return flush_output();
  return ok();
}

Status Merge::open_output() {
  SegmentHeader header;
  header.id = parts_.timeline.take();
  header.origin = Origin::kMerge;
  header.uuid = parts_.uuid;
  MEMORIA_TRY(auto file, ActiveSegment::create(parts_.environment, header, kMergeSuffix));
  output_ = std::make_unique<Output>(Output{std::move(file), HintWriter(header.id), {}, {}, 0, 0});
  return ok();
}

Status Merge::flush_output() {
  auto& buffer = output_->buffer;
  iovec parts[] = {{buffer.data(), buffer.size()}};
  MEMORIA_TRY(output_->file->append(parts, buffer.size(), {}));
  if (const auto due = output_->file->take_writeback()) {
    output_->file->file()->start_writeback(due->offset, due->length);
  }
  report_.bytes_written += buffer.size();
  buffer.clear();
  return ok();
}

/// Makes the output a segment, durable and with its hint, and lets the key directory point to it.
Status Merge::finish_output() {
  if (!output_) return ok();
  MEMORIA_TRY(flush_output());
  ActiveSegment& file = *output_->file;
  const SegmentHeader header = file.header();
  MEMORIA_TRY(file.seal(output_->records, parts_.timeline.take()));
  std::vector<uint32_t> order;
  const auto hint = std::move(output_->hint).finish(file.end(), &order);
  MEMORIA_TRY(replace_file(parts_.environment, segment_file(header.id, kHintSuffix), hint));
  // A size that was written down may be that of a change in the active segment, and must not be
  // durable before it.
  if (!sizes_written_.empty()) MEMORIA_TRY(parts_.sync_log());
  Lock layout(parts_.layout_mutex);
  MEMORIA_TRY(parts_.environment.rename(segment_file(header.id, kMergeSuffix),
                                        segment_file(header.id, kDataSuffix)));
  // From here on it counts, whatever happens: a later merge that does not know of it would drop the
  // tombstones of what is in it.
  const auto segment = parts_.segments.add(header, header.id, false);
  segment->file_bytes = file.end();
  segment->sealed = true;
  segment->has_hint = true;
  parts_.segments.add_total(segment->slot, output_->bytes, output_->records);
  const auto from = std::move(output_->from);
  output_.reset();
  MEMORIA_TRY(parts_.environment.sync_directory());
  segment->established = true;  // a manifest must not name a file that a loss of power takes away
  report_.outputs.push_back(header.id);
  return install(*segment, hint, order, from);
}

/// Installs what is in an output's hint, whose n-th entry is of its record order[n]: in the order
/// of the keys, see choose().
Status Merge::install(const Segment& output, std::string_view hint, std::span<const uint32_t> order,
                      std::span<const std::optional<Location>> from) {
  const ReadHint read = read_from(hint);
  const auto index = HintIndex::read(read, hint.size(), output.header.id, output.file_bytes);
  const auto broken = Error{Errc::kIo, "a hint in memory is not what was just made of it"};
  if (!index) return broken;
  HintCursor cursor(*index, read, kWriteBuffer);
  Entry entry;
  for (const uint32_t number : order) {
    const auto more = cursor.next(entry);
    if (!more.has_value() || !more.value()) return broken;
    install(entry, from[number], output.slot);
  }
  return ok();
}

/// Lets the key directory point to the copy, unless the original was overtaken meanwhile.
void Merge::install(const Entry& entry, std::optional<Location> from, Slot slot) {
  const Record& r = entry.record;
  const Location to{slot, entry.record_offset};
  if (!is_eraser(r.kind)) {
    const uint64_t at = r.kind == Kind::kPiece ? r.offset : 0;
    parts_.directory.relocate(r.key, at, r.value_size, *from,
                              {to, r.value_size, 0, r.value_size, r.kind});
    return;
  }
  parts_.segments.add_eraser(slot, r.size());
  if (from) {
    parts_.directory.relocate_size_record(r.key, *from, to);
  } else {
    parts_.directory.hold_size(r.key, r.generation, r.timestamp, to);
  }
}

/// Declares the inputs replaced, durably, and removes them.
Status Merge::commit() {
  for (const auto& input : inputs_) {
    // What was live when its record was read was copied; what is live now can only be less.
    if (input->counts.live_records != 0) {
      return Error{Errc::kConflict, segment_file(input->id(), kDataSuffix) +
                                        " still has live records after its merge; it is kept"};
    }
  }
  // What made the inputs' records dead may be in the active segment, and must outlive them.
  MEMORIA_TRY(parts_.sync_log());
  Lock layout(parts_.layout_mutex);
  SegmentHeader header;
  header.id = parts_.timeline.take();
  header.origin = Origin::kMerge;
  header.uuid = parts_.uuid;
  MEMORIA_TRY(const auto marker, ActiveSegment::create(parts_.environment, header, kMergeSuffix));
  std::string ids;
  for (const auto& input : inputs_) append_le<uint64_t>(ids, input->header.id);
  Record replaces;
  replaces.kind = Kind::kReplaces;
  replaces.timestamp = parts_.timeline.take();
  replaces.value_size = uint32_t(ids.size());
  std::string bytes;
  encode_prefix(replaces, ids, {header.seed(), marker->end()}, bytes);
  bytes += ids;
  iovec parts[] = {{bytes.data(), bytes.size()}};
  MEMORIA_TRY(marker->append(parts, bytes.size(), {}));
  MEMORIA_TRY(marker->seal(1, parts_.timeline.take()));
  MEMORIA_TRY(parts_.environment.rename(segment_file(header.id, kMergeSuffix),
                                        segment_file(header.id, kDataSuffix)));
  MEMORIA_TRY(parts_.environment.sync_directory());

  // All of them are of the past now, whatever happens to their files: a snapshot of some would have
  // what the others erase.
  for (const auto& input : inputs_) {
    if (!input->held) report_.bytes_freed += input->file_bytes;
    parts_.segments.remove(input->slot);
    parts_.files.forget(*input);
  }
  Status removed = ok();
  for (const auto& input : inputs_) {
    auto gone = parts_.environment.remove(segment_file(input->id(), kDataSuffix));
    if (!gone.has_value() && removed.has_value()) removed = std::move(gone);
    if (!input->hint_is_taken) {  // there may be one that is no good
      (void)parts_.environment.remove(segment_file(input->id(), kHintSuffix));
    }
  }
  MEMORIA_TRY(removed);  // the marker stays, and tells the next opening to try again
  MEMORIA_TRY(parts_.environment.sync_directory());
  // As long as the manifest names the inputs, the marker must tell why they are gone.
  MEMORIA_TRY(const bool saved, parts_.save_manifest());
  if (saved) MEMORIA_TRY(parts_.environment.remove(segment_file(header.id, kDataSuffix)));
  report_.bytes_freed -= std::min(report_.bytes_freed, report_.bytes_written);
  return ok();
}

}  // namespace memoria
