// SPDX-License-Identifier: MIT
#include "core/store/segment_carrier.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/io/whole_file.hpp"
#include "core/log/manifest.hpp"
#include "core/store/files_left.hpp"

namespace memoria {
namespace {

constexpr std::string_view kDamagedFile = ".damaged";
constexpr uint64_t kMaxDamagedFile = 64 << 20;
constexpr uint64_t kDiskBlock = 4096;

/// Bytes of the hint that comes along, if there is one.
uint64_t hint_length(Environment& from, const SealedSegment& segment) {
  const auto file =
      from.open(segment_file(segment.name_id, kHintSuffix), Environment::Access::kRead);
  if (!file.has_value()) return 0;
  const auto size = file.value()->size();
  return size.has_value() ? size.value() : 0;
}

/// Segments that were copied with damage in them: the next backup looks at them again. Lost with
/// the file is only that, so what cannot be read counts as empty.
std::set<uint64_t> read_damaged(Environment& place) {
  std::set<uint64_t> ids;
  const auto bytes = read_file(place, kDamagedFile, kMaxDamagedFile);
  if (!bytes.has_value()) return ids;
  const char* at = bytes.value().data();
  const char* end = at + bytes.value().size();
  while (at < end) {
    uint64_t id = 0;
    const auto [next, error] = std::from_chars(at, end, id);
    if (error != std::errc{}) break;
    ids.insert(id);
    at = next + 1;
  }
  return ids;
}

/// Whether what is copied from is still what it was: somebody may have removed a snapshot.
bool is_still_there(Environment& from, const SealedSegment& segment) {
  const auto manifest = read_manifest(from);
  if (!manifest.has_value() || !manifest.value()) return false;
  const auto& entries = manifest.value()->segments;
  return manifest.value()->uuid == segment.uuid &&
         std::find(entries.begin(), entries.end(), segment.entry) != entries.end();
}

}  // namespace

void SegmentCarrier::load_damaged() {
  damaged_ = damaged_before_ = read_damaged(to_);
}

Status SegmentCarrier::save_damaged(bool is_store) {
  return write_damaged(is_store ? std::set<uint64_t>() : damaged_);
}

Status SegmentCarrier::check_space(Environment& from, const SealedSegment& segment) {
  MEMORIA_TRY(const Space space, to_.space());
  MEMORIA_TRY(const auto files, files_left(to_));
  // Each of the two files may take a part of a block more.
  const uint64_t size = segment.entry.length + hint_length(from, segment) + 2 * kDiskBlock;
  const bool room = space.free_bytes >= options_.reserve_bytes + size;
  if (room && (!files || *files >= options_.reserve_files)) return ok();
  return Error{Errc::kNoSpace, 0,
               fmt::format("{}: on its disk {} are kept for removing and merging; make room, and "
                           "the next run goes on from here",
                           to_.describe(),
                           room ? fmt::format("{} files", options_.reserve_files)
                                : fmt::format("{} MiB", options_.reserve_bytes >> 20))};
}

Status SegmentCarrier::bring(Environment& from, const SealedSegment& segment, Environment& place) {
  const uint64_t id = segment.entry.id;
  if (!was_damaged(id) && has_same_segment(place, from, segment)) {
    MEMORIA_TRY(const bool sound, is_still_sound(place, segment));
    if (sound) return advance(segment.entry.length);
  }
  MEMORIA_TRY(check_space(from, segment));
  auto copied = copy_segment(
      from, segment, place, [&](uint64_t n) { return tell(n); },
      [&] { return remember_damaged(id); });
  const bool missing = !copied.has_value() && copied.error().code == Errc::kNotFound;
  if (missing && !is_still_there(from, segment)) {
    return Error{Errc::kConflict,
                 fmt::format("{} was removed while it was copied; {}, and the next run goes on "
                             "from here",
                             from.describe(), state_)};
  }
  if (missing) {
    MEMORIA_TRY(remember_damaged(id));
    copied = std::vector<Damage>{
        {segment.name_id, 0, segment.entry.length, {}, 0, 0, true, "the file is missing"}};
  }
  if (!copied.has_value()) {
    return copied.error().code == Errc::kCancelled ? cancelled() : copied.error();
  }
  if (!missing) {
    ++report_.copied_segments;
    report_.copied_bytes += segment.entry.length;
    copied_.insert(id);
  }
  if (copied.value().empty()) {
    damaged_.erase(id);
  } else {
    damaged_.insert(id);
  }
  for (auto& damage : copied.value()) report_.damages.push_back(std::move(damage));
  return ok();
}

/// Before the copy counts: should this call end early, the next one has to know.
Status SegmentCarrier::remember_damaged(uint64_t id) {
  if (!damaged_.insert(id).second) return ok();
  // What snapshots have is not made anew yet.
  auto all = damaged_before_;
  all.insert(damaged_.begin(), damaged_.end());
  return write_damaged(all);
}

Result<bool> SegmentCarrier::is_still_sound(Environment& place,
                                            const SealedSegment& segment) const {
  if (!options_.recheck) return true;
  MEMORIA_TRY(const auto damages, check_segment(place, segment));
  return damages.empty();
}

Status SegmentCarrier::write_damaged(const std::set<uint64_t>& ids) {
  if (ids.empty()) return remove_if_there(to_, kDamagedFile);
  std::string text;
  for (const auto id : ids) text += fmt::format("{}\n", id);
  return replace_file(to_, kDamagedFile, text);
}

bool SegmentCarrier::tell(uint64_t bytes) {
  done_ += bytes;
  total_ = std::max(total_, done_);  // more may come than was planned, as damaged segments again
  return !progress_ || progress_({phase_, done_, total_});
}

Status SegmentCarrier::advance(uint64_t bytes) {
  return tell(bytes) ? Status(ok()) : cancelled();
}

Error SegmentCarrier::cancelled() const {
  return {Errc::kCancelled,
          fmt::format("stopped on request; {}, and the next run goes on from here", state_)};
}

}  // namespace memoria
