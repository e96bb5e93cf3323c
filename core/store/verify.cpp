// SPDX-License-Identifier: MIT
#include "core/store/verify.hpp"

#include <algorithm>
#include <utility>

#include "core/log/hint.hpp"
#include "core/log/scan.hpp"
#include "core/store/entries.hpp"
#include "core/store/hint_builder.hpp"
#include "core/store/rate_limiter.hpp"

namespace memoria {
namespace {

class Verifier {
 public:
  Verifier(Environment& environment, Segments& segments, FileCache& files,
           const KeyDirectory& directory, const ProgressFn& progress, uint64_t rate)
      : environment_(environment),
        segments_(segments),
        files_(files),
        directory_(directory),
        progress_(progress),
        limiter_(rate) {}

  Result<VerifyReport> run() {
    const auto all = segments_.all();
    for (const auto& segment : all) total_ += segment->file_bytes;
    for (const auto& segment : all) {
      auto checked = check(*segment);
      if (checked.has_value()) continue;
      if (!segments_.find(segment->slot)) continue;  // merged away meanwhile
      if (checked.error().code == Errc::kCancelled) return std::move(checked).error();
      report_.damages.push_back(
          {segment->id(), 0, segment->file_bytes, {}, 0, 0, true, checked.error().describe()});
    }
    return std::move(report_);
  }

 private:
  Status check(const Segment& segment) {
    const uint64_t full = segment.file_bytes;
    auto opened = files_.open(segment);
    if (!opened.has_value() && opened.error().code == Errc::kNotFound &&
        segments_.find(segment.slot)) {
      note_lost(segment, 0);
      report_.damages.push_back({segment.id(), 0, full, {}, 0, 0, true, "the file is missing"});
      return ok();
    }
    MEMORIA_TRY(const auto file, std::move(opened));
    MEMORIA_TRY(check_header(*file, segment));
    MEMORIA_TRY(const uint64_t size, file->size());
    const uint64_t end = std::min(size, full);
    SegmentScanner scanner(*file, segment.header.seed(), kSegmentHeaderSize, end,
                           SegmentScanner::Mode::kSealed);
    while (true) {
      MEMORIA_TRY(const auto* scanned, scanner.next());
      if (scanned == nullptr) break;
      if (!describes_a_key(scanned->record.kind)) continue;
      ++report_.records;
      if (!scanned->intact) {
        note(segment, scanned->record, scanned->offset,
             scanned->suspect ? "the record is damaged" : "the value is damaged");
      }
      MEMORIA_TRY(report_progress(scanned->record.size()));
    }
    if (end < full) note_lost(segment, end);
    note_ranges(segment, scanner);
    if (segment.sealed && !scanner.sealed()) {
      report_.damages.push_back(
          {segment.id(), end, full - end, {}, 0, 0, true, "the end is missing"});
    }
    if (segment.has_hint && !check_hint(environment_, segment) && segments_.find(segment.slot)) {
      ++report_.bad_hints;  // a merge takes the segment out before it removes the files
    }
    ++report_.segments;
    report_.bytes += end;
    return ok();
  }

  Status check_header(const File& file, const Segment& segment) {
    char raw[kSegmentHeaderSize];
    MEMORIA_TRY(const size_t got, file.read(0, raw));
    MEMORIA_TRY(decode_segment_header({raw, got}, segment_file(segment.id(), kDataSuffix)));
    return ok();
  }

  /// What lay behind `end` of a segment is gone; its hint knows what that was.
  void note_lost(const Segment& segment, uint64_t end) {
    const auto bytes = load_hint(environment_, segment);
    auto hint = HintReader::open(bytes, segment.header.id, segment.file_bytes);
    if (!hint) return;
    for (Entry entry; hint->next(entry);) {
      if (entry.record_offset + entry.record.size() <= end) continue;
      note(segment, entry.record, entry.record_offset, "the record is lost with its file");
    }
  }

  /// A record of a known key cannot be read: which part of its value is that?
  void note(const Segment& segment, Record r, uint64_t offset, const char* reason) {
    const Location at{segment.slot, uint32_t(offset)};
    Damage damage{segment.id(), offset, r.size(), std::string(r.key), 0, 0, false, reason};
    const LiveRecord live = directory_.live(r, at);
    if (live.whole) {
      damage.live = true;
      damage.value_offset = r.kind == Kind::kPiece ? r.offset : 0;
      damage.value_length = r.value_size;
      report_.damages.push_back(damage);
      return;
    }
    if (live.fragments.empty()) report_.damages.push_back(damage);
    for (const auto& part : live.fragments) {
      damage.live = true;
      damage.value_offset = part.offset;
      damage.value_length = part.piece.length;
      report_.damages.push_back(damage);
    }
  }

  /// Ranges in which not even a key can be made out.
  void note_ranges(const Segment& segment, const SegmentScanner& scanner) {
    for (const auto& range : scanner.damages()) {
      const bool known =
          std::any_of(report_.damages.begin(), report_.damages.end(), [&](const Damage& damage) {
            return damage.segment == segment.id() && damage.offset == range.offset;
          });
      if (known) continue;
      report_.damages.push_back(
          {segment.id(), range.offset, range.length, {}, 0, 0, false, range.reason});
    }
  }

  Status report_progress(uint64_t bytes) {
    done_ += bytes;
    since_report_ += bytes;
    if (since_report_ < (1 << 20)) return ok();
    const auto go_on = [&] { return !progress_ || progress_({"verify", done_, total_}); };
    if (!limiter_.spend(std::exchange(since_report_, 0), go_on) || !go_on()) {
      return Error{Errc::kCancelled, "verification stopped on request"};
    }
    return ok();
  }

  Environment& environment_;
  Segments& segments_;
  FileCache& files_;
  const KeyDirectory& directory_;
  const ProgressFn& progress_;
  RateLimiter limiter_;
  VerifyReport report_;
  uint64_t done_ = 0, total_ = 0, since_report_ = 0;
};

}  // namespace

Result<VerifyReport> verify_segments(Environment& environment, Segments& segments, FileCache& files,
                                     const KeyDirectory& directory, const ProgressFn& progress,
                                     uint64_t rate_bytes_per_second) {
  return Verifier(environment, segments, files, directory, progress, rate_bytes_per_second).run();
}

}  // namespace memoria
