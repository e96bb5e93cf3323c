// SPDX-License-Identifier: MIT
#include "core/store/verify.hpp"

#include <algorithm>

#include "core/log/scan.hpp"
#include "core/store/entries.hpp"
#include "core/store/hint_builder.hpp"

namespace memoria {
namespace {

class Verifier {
 public:
  Verifier(Environment& environment, Segments& segments, FileCache& files,
           const KeyDirectory& directory, const ProgressFn& progress)
      : environment_(environment),
        segments_(segments),
        files_(files),
        directory_(directory),
        progress_(progress) {}

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
    MEMORIA_TRY(const auto file, files_.open(segment));
    MEMORIA_TRY(check_header(*file, segment));
    const uint64_t end = segment.file_bytes;
    SegmentScanner scanner(*file, segment.header.seed(), kSegmentHeaderSize, end,
                           SegmentScanner::Mode::kSealed);
    while (true) {
      MEMORIA_TRY(const auto* scanned, scanner.next());
      if (scanned == nullptr) break;
      if (!describes_a_key(scanned->record.kind)) continue;
      ++report_.records;
      if (!scanned->intact) note(segment, *scanned);
      MEMORIA_TRY(report_progress(scanned->record.size()));
    }
    note_ranges(segment, scanner);
    if (segment.sealed && !scanner.sealed()) {
      report_.damages.push_back({segment.id(), end, 0, {}, 0, 0, true, "the end is missing"});
    }
    if (segment.has_hint && !check_hint(environment_, segment)) ++report_.bad_hints;
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

  /// A record of a known key cannot be read: which part of its value is that?
  void note(const Segment& segment, const ScannedRecord& scanned) {
    Record r = scanned.record;
    const Location at{segment.slot, uint32_t(scanned.offset)};
    Damage damage{segment.id(),
                  scanned.offset,
                  scanned.bytes.size(),
                  std::string(r.key),
                  0,
                  0,
                  false,
                  scanned.suspect ? "the record is damaged" : "the value is damaged"};
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
    since_report_ = 0;
    if (progress_ && !progress_({"verify", done_, total_})) {
      return Error{Errc::kCancelled, "verification stopped on request"};
    }
    return ok();
  }

  Environment& environment_;
  Segments& segments_;
  FileCache& files_;
  const KeyDirectory& directory_;
  const ProgressFn& progress_;
  VerifyReport report_;
  uint64_t done_ = 0, total_ = 0, since_report_ = 0;
};

}  // namespace

Result<VerifyReport> verify_segments(Environment& environment, Segments& segments, FileCache& files,
                                     const KeyDirectory& directory, const ProgressFn& progress) {
  return Verifier(environment, segments, files, directory, progress).run();
}

}  // namespace memoria
