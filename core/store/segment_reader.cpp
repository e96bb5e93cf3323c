// SPDX-License-Identifier: MIT
#include "core/store/segment_reader.hpp"

#include <algorithm>
#include <set>

#include "core/log/scan.hpp"
#include "core/store/entries.hpp"

namespace memoria {
namespace {

RecordInfo info_of(const ScannedRecord& scanned, const Segment& segment,
                   const KeyDirectory& directory) {
  const Record& r = scanned.record;
  RecordInfo info;
  info.offset = scanned.offset;
  info.length = r.size();
  info.kind = r.kind;
  info.timestamp = r.timestamp;
  info.key = r.key;
  info.value_size = r.value_size;
  info.generation = r.generation;
  info.value_offset = r.offset;
  info.punched = r.length;
  info.intact = scanned.intact;
  info.head_intact = !scanned.suspect;
  const auto live = directory.live(r, {segment.slot, uint32_t(scanned.offset)});
  info.live = is_eraser(r.kind) || live.whole || !live.fragments.empty();
  return info;
}

}  // namespace

Result<SegmentReport> read_segment(const Segments& segments, FileCache& files,
                                   const KeyDirectory& directory, uint64_t id,
                                   const RecordVisitor& visit) {
  const auto all = segments.all();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& one) { return one->id() == id; });
  if (found == all.end()) {
    return Error{Errc::kNotFound, "there is no segment " + segment_file(id, kDataSuffix)};
  }
  const Segment& segment = **found;
  const uint64_t written = segment.file_bytes;  // before the file is asked: it may grow
  MEMORIA_TRY(const auto file, files.open(segment));
  MEMORIA_TRY(const uint64_t size, file->size());
  SegmentReport report;
  report.bytes = std::min(size, written);
  SegmentScanner scanner(*file, segment.header.seed(), kSegmentHeaderSize, report.bytes,
                         SegmentScanner::Mode::kSealed);
  std::set<uint64_t> shown;  // damaged records that the visitor was told of
  while (true) {
    MEMORIA_TRY(const auto* scanned, scanner.next());
    if (scanned == nullptr) break;
    if (!describes_a_key(scanned->record.kind)) continue;
    if (!scanned->intact) shown.insert(scanned->offset);
    if (!visit(info_of(*scanned, segment, directory))) break;
  }
  for (const auto& damage : scanner.damages()) {
    if (shown.contains(damage.offset)) continue;
    report.damages.push_back({damage.offset, damage.length, damage.reason});
  }
  report.sealed = scanner.sealed();
  return report;
}

}  // namespace memoria
