// SPDX-License-Identifier: MIT
#include "core/store/snapshot_carrier.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/store/snapshots.hpp"

namespace memoria {
namespace {

// Where a snapshot is put together: a name that none can have, hidden or not.
constexpr std::string_view kBuilding = "..carried";

/// Links the files of a segment by `link(file)`, as far as they are there; false: not its data.
template <class Link>
Result<bool> link_files(const SealedSegment& segment, Link&& link) {
  bool has_data = true;
  for (const auto suffix : {kDataSuffix, kHintSuffix}) {
    const Status linked = link(segment_file(segment.name_id, suffix));
    if (linked.has_value() || linked.error().code == Errc::kExists) continue;
    if (linked.error().code != Errc::kNotFound) return linked.error();
    if (suffix == kDataSuffix) has_data = false;
  }
  return has_data;
}

/// From a snapshot of the destination to where another is put together.
Result<bool> link_from(Environment& root, const std::string& snapshot,
                       const SealedSegment& segment) {
  return link_files(segment, [&](const std::string& file) {
    return root.link(fmt::format("{}/{}", snapshot, file), fmt::format("{}/{}", kBuilding, file));
  });
}

}  // namespace

Status SnapshotCarrier::plan(const Manifest& present) {
  MEMORIA_TRY(const auto wanted, this->wanted());
  std::set<uint64_t> counted;
  for (const auto& entry : present.segments) counted.insert(entry.id);
  for (const auto& [name, manifest] : wanted.readable) {
    const bool same = has_same(name, manifest);
    for (const auto& entry : manifest.segments) {
      if (counted.insert(entry.id).second && !same) segments_.expect(entry.length);
    }
  }
  return ok();
}

Status SnapshotCarrier::carry(const SegmentNames& present) {
  MEMORIA_TRY(const auto wanted, this->wanted());
  for (const auto& name : wanted.unreadable) {
    segments_.report().damages.push_back(
        {0, 0, 0, {}, 0, 0, false, fmt::format("snapshot {}: its manifest cannot be read", name)});
  }
  for (const auto& [name, manifest] : wanted.readable) {
    if (!has_same(name, manifest)) {
      auto carried = carry_one(name, manifest, present);
      if (!carried.has_value() && is_gone(name)) {  // which the next run sees
        MEMORIA_TRY(Snapshots(to_).remove_leftovers());
        continue;
      }
      MEMORIA_TRY(carried);
    }
    for (const auto& entry : manifest.segments) carried_.try_emplace(entry.id, name);
    ++segments_.report().snapshots;
  }
  MEMORIA_TRY(const auto held, Snapshots(to_).list({}));
  for (const auto& snapshot : held) {
    // Where the source has lost one, what was carried before is all that there is of it.
    const auto& name = snapshot.name;
    const bool stays = wanted.readable.contains(name) || wanted.unreadable.contains(name);
    if (!stays) MEMORIA_TRY(Snapshots(to_).remove(name));
  }
  return ok();
}

bool SnapshotCarrier::is_gone(const std::string& snapshot) const {
  const auto found = Snapshots(source_).directory(snapshot);
  return !found.has_value() && found.error().code == Errc::kNotFound;
}

Result<SnapshotCarrier::Wanted> SnapshotCarrier::wanted() const {
  Wanted out;
  const Snapshots here(source_);
  MEMORIA_TRY(const auto infos, here.list({}));
  for (const auto& info : infos) {
    const auto& skipped = options_.skipped_snapshots;
    if (!skipped.empty() && info.name.starts_with(skipped)) continue;
    const auto place = here.directory(info.name);
    if (!place.has_value() && place.error().code == Errc::kNotFound) continue;  // meanwhile
    if (!place.has_value()) return place.error();
    auto manifest = read_manifest(*place.value());
    if (manifest.has_value() && manifest.value() && manifest.value()->uuid == uuid_) {
      out.readable.emplace(info.name, std::move(*manifest.value()));
    } else {
      out.unreadable.insert(info.name);
    }
  }
  return out;
}

/// Whether nothing of it has to be looked at. With a recheck all has to be.
bool SnapshotCarrier::has_same(const std::string& name, const Manifest& manifest) const {
  if (options_.recheck) return false;
  const auto place = Snapshots(to_).directory(name);
  if (!place.has_value()) return false;
  const auto there = read_manifest(*place.value());
  return there.has_value() && there.value() &&
         encode_manifest(*there.value()) == encode_manifest(manifest) &&
         std::none_of(manifest.segments.begin(), manifest.segments.end(), [&](const auto& entry) {
           return segments_.was_damaged(entry.id) || segments_.was_copied_now(entry.id);
         });
}

Status SnapshotCarrier::carry_one(const std::string& name, const Manifest& manifest,
                                  const SegmentNames& present) {
  MEMORIA_TRY(to_.make_directory(kSnapshotsDirectory));
  MEMORIA_TRY(const auto root, to_.directory(kSnapshotsDirectory));
  MEMORIA_TRY(root->make_directory(kBuilding));
  MEMORIA_TRY(const auto place, root->directory(kBuilding));
  MEMORIA_TRY(const auto from, Snapshots(source_).directory(name));
  MEMORIA_TRY(const auto names, names_of_segments(*from, manifest));
  for (const auto& entry : manifest.segments) {
    const auto found = names.find(entry.id);
    const SealedSegment segment{manifest.uuid, entry,
                                found == names.end() ? entry.id : found->second};
    MEMORIA_TRY(const bool linked, link_segment(*root, present, segment));
    if (linked) continue;
    // What was carried before may be sound, no worse than what the source has, or all that there
    // is.
    MEMORIA_TRY(link_from(*root, name, segment));
    MEMORIA_TRY(segments_.bring(*from, segment, *place));
  }
  MEMORIA_TRY(write_manifest(*place, manifest));
  return Snapshots(to_).put_in_place(std::string(kBuilding), name);
}

/// From the present or another snapshot of the destination; false: neither has it by this name.
Result<bool> SnapshotCarrier::link_segment(Environment& root, const SegmentNames& present,
                                           const SealedSegment& segment) {
  const auto held = present.find(segment.entry.id);
  if (held != present.end() && held->second == segment.name_id) {
    return link_files(segment, [&](const std::string& file) {
      return to_.link(file, fmt::format("{}/{}/{}", kSnapshotsDirectory, kBuilding, file));
    });
  }
  const auto snapshot = carried_.find(segment.entry.id);
  if (snapshot == carried_.end()) return false;
  return link_from(root, snapshot->second, segment);
}

}  // namespace memoria
