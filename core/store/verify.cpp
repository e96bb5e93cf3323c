// SPDX-License-Identifier: MIT
#include "core/store/verify.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "core/log/hint.hpp"
#include "core/log/scan.hpp"
#include "core/store/entries.hpp"
#include "core/store/hint_file.hpp"
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
      // That nothing can be opened is no damage.
      if (checked.error().code == Errc::kCancelled || checked.error().lacks_descriptors()) {
        return std::move(checked).error();
      }
      report_.damages.push_back(
          {segment->id(), 0, segment->file_bytes, {}, 0, 0, true, checked.error().describe()});
    }
    return std::move(report_);
  }

 private:
  Status check(const Segment& segment) {
    noted_.clear();
    const bool sealed = segment.sealed;  // first: the length of one that is sealed is final
    const uint64_t full = segment.file_bytes;
    auto opened = files_.open(segment);
    if (!opened.has_value() && opened.error().code == Errc::kNotFound &&
        segments_.find(segment.slot)) {
      note_lost(segment, nullptr, 0, {});
      report_.damages.push_back({segment.id(), 0, full, {}, 0, 0, true, "the file is missing"});
      return ok();
    }
    MEMORIA_TRY(const auto file, std::move(opened));
    MEMORIA_TRY(const bool ours, check_header(*file, segment));
    MEMORIA_TRY(const uint64_t size, file->size());
    const uint64_t end = ours ? std::min(size, full) : 0;
    if (!ours) {
      report_.damages.push_back(
          {segment.id(), 0, full, {}, 0, 0, true, "another segment is in this one's place"});
      note_lost(segment, nullptr, 0, {});
      return ok();
    }
    const bool should_have_hint = segment.has_hint;  // it may get one meanwhile
    const auto read = read_hint(environment_, segment);
    if (!read.has_value() && read.error().lacks_descriptors()) return read.error();
    const std::string_view hint_bytes = read.has_value() ? read.value() : std::string_view();
    const bool has_hint =
        HintReader::open(hint_bytes, segment.header.id, segment.file_bytes).has_value();
    SegmentScanner scanner(*file, segment.header.seed(), kSegmentHeaderSize, end,
                           SegmentScanner::Mode::kSealed);
    if (segment.header.origin == Origin::kMerge) scanner.expect_any_order(segment.header.id);
    // What they were is better known from the hint, unless it leaves them out.
    std::vector<Suspect> suspects;
    while (true) {
      MEMORIA_TRY(const auto* scanned, scanner.next());
      if (scanned == nullptr) break;
      if (!describes_a_key(scanned->record.kind)) continue;
      ++report_.records;
      if (scanned->suspect && has_hint) {
        suspects.push_back({scanned->record, std::string(scanned->record.key), scanned->offset});
      } else if (!scanned->intact) {
        note(segment, file.get(), scanned->record, scanned->offset,
             scanned->suspect ? "the record is damaged" : "the value is damaged");
      }
      MEMORIA_TRY(report_progress(scanned->record.size()));
    }
    if (end < full || !scanner.damages().empty()) {
      note_lost(segment, file.get(), end, scanner.damages());
    }
    for (auto& [record, key, offset] : suspects) {
      record.key = key;
      if (!noted_.contains(offset)) {
        note(segment, file.get(), record, offset, "the record is damaged");
      }
    }
    note_ranges(segment, scanner);
    if (sealed && !scanner.sealed()) {
      report_.damages.push_back(
          {segment.id(), end, full - end, {}, 0, 0, true, "the end is missing"});
    }
    // A merge takes the segment out before it removes the files.
    if (should_have_hint && !has_hint && segments_.find(segment.slot)) ++report_.bad_hints;
    ++report_.segments;
    report_.bytes += end;
    return ok();
  }

  /// False: the file is that of another segment.
  Result<bool> check_header(const File& file, const Segment& segment) {
    char raw[kSegmentHeaderSize];
    MEMORIA_TRY(const size_t got, file.read(0, raw));
    const auto header = decode_segment_header({raw, got}, segment_file(segment.id(), kDataSuffix));
    if (header.has_value()) return header.value().id == segment.header.id;
    if (header.error().code == Errc::kNewerFormat) return header.error();
    report_.damages.push_back(
        {segment.id(), 0, kSegmentHeaderSize, {}, 0, 0, false, "the segment's header is damaged"});
    return true;
  }

  /// What lay behind `end` of a segment is gone, and in damaged ranges nothing can be made out; its
  /// hint knows what that was.
  void note_lost(const Segment& segment, const File* file, uint64_t end,
                 const std::vector<DamagedRange>& ranges) {
    const auto bytes = load_hint(environment_, segment);
    auto hint = HintReader::open(bytes, segment.header.id, segment.file_bytes);
    if (!hint) return;
    const auto damaged = disjoint(ranges);
    for (Entry entry; hint->next(entry);) {
      const uint64_t begin = entry.record_offset, behind = begin + entry.record.size();
      if (behind > end) {
        note(segment, file, entry.record, begin, "the record is lost with its file");
        continue;
      }
      // The first range that ends behind the record's beginning.
      const auto range =
          std::upper_bound(damaged.begin(), damaged.end(), begin,
                           [](uint64_t offset, const Span& span) { return offset < span.end; });
      const bool is_damaged = range != damaged.end() && range->begin < behind;
      if (is_damaged && !noted_.contains(begin)) {
        note(segment, file, entry.record, begin, "the record is damaged");
      }
    }
  }

  struct Suspect {
    Record record;
    std::string key;
    uint64_t offset;
  };
  struct Span {
    uint64_t begin, end;
  };
  /// In order, with those that overlap as one.
  static std::vector<Span> disjoint(const std::vector<DamagedRange>& ranges) {
    std::vector<Span> sorted, out;
    for (const auto& range : ranges) {
      sorted.push_back({range.offset, range.offset + range.length});
    }
    std::sort(sorted.begin(), sorted.end(),
              [](const Span& a, const Span& b) { return a.begin < b.begin; });
    for (const auto& span : sorted) {
      if (!out.empty() && span.begin <= out.back().end) {
        out.back().end = std::max(out.back().end, span.end);
      } else {
        out.push_back(span);
      }
    }
    return out;
  }

  /// A record of a known key cannot be read: which parts of its value is that? `file` may be null.
  void note(const Segment& segment, const File* file, const Record& r, uint64_t offset,
            const char* reason) {
    noted_.emplace(offset, offset + r.size());
    const Location at{segment.slot, uint32_t(offset)};
    Damage damage{segment.id(), offset, r.size(), std::string(r.key), 0, 0, false, reason};
    LiveRecord live = directory_.live(r, at);
    if (live.whole && r.value_size == 0) {
      damage.live = true;
      report_.damages.push_back(damage);
      return;
    }
    if (live.whole) {
      const Piece all{at, r.value_size, 0, r.value_size, r.kind};
      live.fragments = {{r.kind == Kind::kPiece ? r.offset : 0, all}};
    }
    bool is_live = false;
    for (const auto& bad : bad_parts(segment, file, r, offset)) {
      for (const auto& [value_offset, piece] : live.fragments) {
        const uint64_t begin = std::max<uint64_t>(bad.begin, piece.skip);
        const uint64_t end = std::min<uint64_t>(bad.end, uint64_t{piece.skip} + piece.length);
        if (begin >= end) continue;
        is_live = damage.live = true;
        damage.value_offset = value_offset + (begin - piece.skip);
        damage.value_length = end - begin;
        report_.damages.push_back(damage);
      }
    }
    if (!is_live) report_.damages.push_back(damage);
  }

  /// The bytes of a damaged record's value that cannot be read: some of its blocks, or all of it.
  static std::vector<Span> bad_parts(const Segment& segment, const File* file, const Record& r,
                                     uint64_t offset) {
    std::vector<Span> all{{0, r.value_size}};
    if (file == nullptr || !has_blocks(r.kind, r.value_size)) return all;
    std::string prefix(r.prefix(), '\0'), block(kBlockSize, '\0');
    const auto head = file->read(offset, prefix);
    if (!head.has_value() || head.value() < prefix.size()) return all;
    const auto decoded = decode_record(prefix, {segment.header.seed(), offset});
    if (!decoded.has_value() || decoded.value().key != r.key) return all;
    std::vector<Span> bad;
    for (uint64_t begin = 0; begin < r.value_size; begin += kBlockSize) {
      const uint64_t size = std::min<uint64_t>(kBlockSize, r.value_size - begin);
      const auto bytes = std::span(block).first(size);
      const auto got = file->read(offset + prefix.size() + begin, bytes);
      const bool intact = got.has_value() && got.value() == size &&
                          verify_blocks(decoded.value(), prefix, begin / kBlockSize,
                                        std::string_view(block).substr(0, size));
      if (intact) continue;
      if (!bad.empty() && bad.back().end == begin) {
        bad.back().end += size;
      } else {
        bad.push_back({begin, begin + size});
      }
    }
    return bad;
  }

  /// What is damaged beside the records that were noted: no key can be made out, or that of a put
  /// which the hint leaves out, since it is dead.
  void note_ranges(const Segment& segment, const SegmentScanner& scanner) {
    for (const auto& range : scanner.damages()) {
      uint64_t at = range.offset;
      const uint64_t end = range.offset + range.length;
      const auto note_up_to = [&](uint64_t to) {
        if (at >= to) return;
        report_.damages.push_back({segment.id(), at, to - at, {}, 0, 0, false, range.reason});
      };
      auto record = noted_.upper_bound(at);
      if (record != noted_.begin()) --record;
      for (; record != noted_.end() && record->first < end; ++record) {
        note_up_to(record->first);
        at = std::max(at, record->second);
      }
      note_up_to(end);
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
  // Damaged records of the segment at hand: where each begins and ends.
  std::map<uint64_t, uint64_t> noted_;
  uint64_t done_ = 0, total_ = 0, since_report_ = 0;
};

}  // namespace

Result<VerifyReport> verify_segments(Environment& environment, Segments& segments, FileCache& files,
                                     const KeyDirectory& directory, const ProgressFn& progress,
                                     uint64_t rate_bytes_per_second) {
  return Verifier(environment, segments, files, directory, progress, rate_bytes_per_second).run();
}

}  // namespace memoria
