// SPDX-License-Identifier: MIT
#include "core/store/segment_copy.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "core/io/whole_file.hpp"
#include "core/log/hint.hpp"
#include "core/log/scan.hpp"
#include "core/store/entries.hpp"

namespace memoria {
namespace {

constexpr size_t kPieceSize = 1 << 20;
constexpr size_t kUnit = 4096;  // what a disk loses at once

Status write_all(File& file, uint64_t offset, std::string_view bytes) {
  const iovec parts[] = {{const_cast<char*>(bytes.data()), bytes.size()}};
  return file.write(offset, parts);
}

/// As File::read(), but what the disk refuses is zeros and noted.
size_t read_what_can_be(const File& file, uint64_t segment, uint64_t offset, std::span<char> out,
                        std::vector<Damage>& damages) {
  if (const auto got = file.read(offset, out); got.has_value()) return got.value();
  size_t filled = 0;
  while (filled < out.size()) {
    const auto unit = out.subspan(filled, std::min(kUnit, out.size() - filled));
    const auto got = file.read(offset + filled, unit);
    if (!got.has_value()) {
      std::fill(unit.begin(), unit.end(), '\0');
      damages.push_back(
          {segment, offset + filled, unit.size(), {}, 0, 0, true, got.error().describe()});
    }
    const size_t n = got.has_value() ? got.value() : unit.size();
    filled += n;
    if (n < unit.size()) break;
  }
  return filled;
}

/// What a scan finds wrong in the `size` bytes of the file.
Status scan(const File& file, const SealedSegment& segment, uint64_t size,
            std::vector<Damage>& damages) {
  const SegmentHeader header{segment.entry.id, Origin::kLog, segment.uuid};
  const uint64_t id = segment.name_id;
  SegmentScanner scanner(file, header.seed(), std::min<uint64_t>(kSegmentHeaderSize, size), size,
                         SegmentScanner::Mode::kSealed);
  while (true) {
    MEMORIA_TRY(const auto* scanned, scanner.next());
    if (scanned == nullptr) break;
    const Record& r = scanned->record;
    if (scanned->intact || !describes_a_key(r.kind)) continue;
    damages.push_back({id, scanned->offset, r.size(), std::string(r.key),
                       r.kind == Kind::kPiece ? r.offset : 0, r.value_size, true,
                       scanned->suspect ? "the record is damaged" : "the value is damaged"});
  }
  for (const auto& range : scanner.damages()) {
    const bool known = std::any_of(damages.begin(), damages.end(), [&](const Damage& damage) {
      return damage.offset == range.offset;
    });
    if (!known) damages.push_back({id, range.offset, range.length, {}, 0, 0, true, range.reason});
  }
  if (size < segment.entry.length || !scanner.sealed()) {
    damages.push_back(
        {id, size, segment.entry.length - size, {}, 0, 0, true, "the end is missing"});
  }
  return ok();
}

Status check(const File& file, const SealedSegment& segment, std::vector<Damage>& damages) {
  char raw[kSegmentHeaderSize];
  MEMORIA_TRY(const size_t got, file.read(0, raw));
  const auto name = segment_file(segment.name_id, kDataSuffix);
  const auto header = decode_segment_header({raw, got}, name);
  if (!header.has_value() && header.error().code == Errc::kNewerFormat) return header.error();
  const bool right = header.has_value() && header.value().id == segment.entry.id &&
                     header.value().uuid == segment.uuid;
  if (!right) {
    damages.push_back({segment.name_id,
                       0,
                       kSegmentHeaderSize,
                       {},
                       0,
                       0,
                       true,
                       "the segment's header is damaged"});
  }
  MEMORIA_TRY(const uint64_t size, file.size());
  return scan(file, segment, std::min(size, segment.entry.length), damages);
}

/// The segment's hint when it checks out. Nothing: there is none, or none that does. Errors of
/// reading but kNotFound.
Result<std::optional<std::string>> good_hint(Environment& place, const SealedSegment& segment) {
  auto bytes = read_file(place, segment_file(segment.name_id, kHintSuffix),
                         max_hint_size(segment.entry.length));
  if (!bytes.has_value() && bytes.error().code == Errc::kNotFound) {
    return std::optional<std::string>();
  }
  if (!bytes.has_value()) return std::move(bytes).error();
  if (!HintReader::open(bytes.value(), segment.entry.id, segment.entry.length)) {
    return std::optional<std::string>();
  }
  return std::optional(std::move(bytes).value());
}

/// A hint is a courtesy, but for a damaged segment, where it knows what is lost. One that does not
/// check out is left behind, and one that does stays where it is: a sealed segment never changes.
Status copy_hint(Environment& from, const SealedSegment& segment, Environment& to) {
  const auto name = segment_file(segment.name_id, kHintSuffix);
  const auto there = good_hint(to, segment);
  if (there.has_value() && there.value()) return ok();
  const auto here = good_hint(from, segment);
  if (here.has_value() && here.value()) return replace_file(to, name, *here.value());
  if (!there.has_value()) return ok();  // it may be good
  return remove_if_there(to, name);
}

uint64_t bytes_of(const std::vector<Damage>& damages) {
  uint64_t bytes = 0;
  for (const auto& damage : damages) bytes += damage.length;
  return bytes;
}

/// Whether the copy that there is stays, as no worse than one with `damages`, which become its own.
Result<bool> stays(Environment& place, const SealedSegment& segment, std::vector<Damage>& damages) {
  auto there = check_segment(place, segment);
  if (!there.has_value() && there.error().code == Errc::kNotFound) return false;
  if (!there.has_value()) return std::move(there).error();
  if (bytes_of(there.value()) > bytes_of(damages)) return false;
  damages = std::move(there).value();
  return true;
}

Status copy_bytes(const File& in, const SealedSegment& segment, File& out, const Advance& advance,
                  std::vector<Damage>& damages) {
  std::string piece(kPieceSize, '\0');
  for (uint64_t at = 0; at < segment.entry.length;) {
    const auto want = size_t(std::min<uint64_t>(kPieceSize, segment.entry.length - at));
    const size_t got =
        read_what_can_be(in, segment.name_id, at, std::span(piece).first(want), damages);
    MEMORIA_TRY(write_all(out, at, std::string_view(piece).substr(0, got)));
    at += got;
    if (!advance(got)) return Error{Errc::kCancelled};
    if (got < want) break;  // it was cut; the check says so
  }
  return out.sync();
}

struct Ends {
  uint64_t size = 0;
  std::string header, seal;
  bool operator==(const Ends&) const = default;
};

Result<Ends> ends_of(Environment& place, const SealedSegment& segment) {
  MEMORIA_TRY(const auto file,
              place.open(segment_file(segment.name_id, kDataSuffix), Environment::Access::kRead));
  Ends ends;
  MEMORIA_TRY(ends.size, file->size());
  ends.header.resize(kSegmentHeaderSize);
  MEMORIA_TRY(const size_t head, file->read(0, ends.header));
  ends.header.resize(head);
  ends.seal.resize(kSealSize);
  const uint64_t seal_at = segment.entry.length - std::min(segment.entry.length, kSealSize);
  MEMORIA_TRY(const size_t tail, file->read(seal_at, ends.seal));
  ends.seal.resize(tail);
  return ends;
}

}  // namespace

Result<SegmentNames> names_of_segments(Environment& place, const Manifest& manifest) {
  MEMORIA_TRY(const auto files, place.list());
  std::set<uint64_t> wanted;
  for (const auto& entry : manifest.segments) wanted.insert(entry.id);
  SegmentNames names;
  std::vector<uint64_t> strangers;
  for (const auto& file : files) {
    const auto id = segment_id(file, kDataSuffix);
    if (!id) continue;
    if (wanted.contains(*id)) {
      names[*id] = *id;
    } else {
      strangers.push_back(*id);
    }
  }
  if (names.size() == wanted.size()) return names;
  for (const auto id : strangers) {
    const auto file = segment_file(id, kDataSuffix);
    MEMORIA_TRY(const auto opened, place.open(file, Environment::Access::kRead));
    char raw[kSegmentHeaderSize];
    MEMORIA_TRY(const size_t got, opened->read(0, raw));
    const auto header = decode_segment_header({raw, got}, file);
    if (header.has_value() && wanted.contains(header.value().id)) {
      names.try_emplace(header.value().id, id);
    }
  }
  return names;
}

Result<std::vector<Damage>> check_segment(Environment& place, const SealedSegment& segment) {
  std::vector<Damage> damages;
  MEMORIA_TRY(const auto file,
              place.open(segment_file(segment.name_id, kDataSuffix), Environment::Access::kRead));
  MEMORIA_TRY(check(*file, segment, damages));
  return damages;
}

Result<std::vector<Damage>> copy_segment(Environment& from, const SealedSegment& segment,
                                         Environment& to, const Advance& advance,
                                         const std::function<Status()>& before_damaged) {
  const auto name = segment_file(segment.name_id, kDataSuffix);
  const auto temporary = name + std::string(kTemporarySuffix);
  auto in = from.open(name, Environment::Access::kRead);
  if (!in.has_value() && in.error().code == Errc::kNotFound) {
    MEMORIA_TRY(copy_hint(from, segment, to));
  }
  if (!in.has_value()) return std::move(in).error();
  (void)to.remove(temporary);  // of a copy that was interrupted
  MEMORIA_TRY(const auto out, to.create(temporary));
  std::vector<Damage> damages;
  auto copied = copy_bytes(*in.value(), segment, *out, advance, damages);
  // What was written is read again: the check is of the copy.
  if (copied.has_value()) copied = check(*out, segment, damages);
  if (copied.has_value()) copied = copy_hint(from, segment, to);
  bool kept = false;
  if (copied.has_value() && !damages.empty()) {
    const auto old = stays(to, segment, damages);
    if (!old.has_value()) copied = old.error();
    kept = old.has_value() && old.value();
  }
  if (copied.has_value() && !damages.empty()) copied = before_damaged();
  if (copied.has_value() && !kept) copied = to.rename(temporary, name);
  if (kept || !copied.has_value()) (void)to.remove(temporary);
  if (!copied.has_value()) return std::move(copied).error();
  return damages;
}

bool has_good_hint(Environment& place, const SealedSegment& segment) {
  const auto hint = good_hint(place, segment);
  return hint.has_value() && hint.value().has_value();
}

bool has_same_segment(Environment& place, Environment& original, const SealedSegment& segment) {
  const auto there = ends_of(place, segment);
  if (!there.has_value() || there.value().size != segment.entry.length) return false;
  const uint64_t seal_at = segment.entry.length - std::min(segment.entry.length, kSealSize);
  const SegmentHeader header{segment.entry.id, Origin::kLog, segment.uuid};
  const auto seal = decode_record(there.value().seal, {header.seed(), seal_at});
  if (!seal.has_value() || seal.value().kind != Kind::kSeal) return false;
  const auto found = decode_segment_header(there.value().header, {});
  if (!found.has_value() || found.value().id != segment.entry.id) return false;
  // The original may be damaged, cut or gone since: then this copy is the better one.
  const auto here = ends_of(original, segment);
  const bool comparable = here.has_value() && here.value().size == segment.entry.length &&
                          decode_record(here.value().seal, {header.seed(), seal_at}).has_value() &&
                          decode_segment_header(here.value().header, {}).has_value();
  return !comparable || here.value() == there.value();
}

}  // namespace memoria
