// SPDX-License-Identifier: MIT
#include "core/store/inventory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "core/base/coding.hpp"
#include "core/io/whole_file.hpp"
#include "core/log/scan.hpp"
#include "core/store/failed_sync.hpp"
#include "core/store/hint_file.hpp"
#include "core/store/rollback.hpp"
#include "core/store/settings_file_name.hpp"
#include "core/store/snapshots.hpp"

namespace memoria {
namespace {

/// Files that a store may have beside segments and that say nothing about whether it is one.
bool neutral(std::string_view name) {
  return name.starts_with('.') || name == "lost+found" || name == "lock" || name == "control" ||
         name == kSnapshotsDirectory || name == kManifestFile || name == kRollbackFile ||
         name == kSettingsFile || name == kFailedSyncFile;
}

/// What tells, beside segments, that there was a store once; empty: nothing does. No crash leaves a
/// store without its manifest.
Result<std::string> sign_of_store(Environment& environment, const std::vector<std::string>& names) {
  std::string sign;
  for (const auto& name : names) {
    if (name == kManifestFile || segment_id(name, kHintSuffix)) sign = name;
  }
  if (std::count(names.begin(), names.end(), kSnapshotsDirectory) == 0) return sign;
  MEMORIA_TRY(const auto snapshots, environment.directory(kSnapshotsDirectory));
  MEMORIA_TRY(const auto inside, snapshots->list());
  for (const auto& name : inside) {
    if (!name.starts_with('.')) sign = fmt::format("{}/{}", kSnapshotsDirectory, name);
  }
  return sign;
}

std::string missing_but_hinted(const std::vector<uint64_t>& ids) {
  const bool one = ids.size() == 1;
  return fmt::format("{} {} missing; what {} of {} cannot be read", name_segments(ids),
                     one ? "is" : "are", one ? "its hint names" : "their hints name",
                     one ? "it" : "them");
}

StoreUuid random_uuid() {
  std::random_device random;
  StoreUuid uuid;
  for (size_t i = 0; i < uuid.size(); i += 4) store_le<uint32_t>(uuid.data() + i, random());
  return uuid;
}

}  // namespace

Result<bool> holds_store(Environment& environment) {
  MEMORIA_TRY(const auto names, environment.list());
  for (const auto& name : names) {
    if (segment_id(name, kDataSuffix)) return true;
  }
  MEMORIA_TRY(const std::string sign, sign_of_store(environment, names));
  return !sign.empty();
}

void Inventory::log(Severity severity, const std::string& text) const {
  if (options_.logger) options_.logger(severity, text);
}

Status Inventory::take() {
  MEMORIA_TRY(load_manifest());
  MEMORIA_TRY(list());
  if (found_.empty() && listed_.empty()) {
    uuid_ = has_manifest_ ? manifest_.uuid : random_uuid();
    return ok();
  }
  MEMORIA_TRY(settle_headers());
  MEMORIA_TRY(finish_merges());
  MEMORIA_TRY(compare_with_manifest());
  return drop_unmade();
}

Status Inventory::load_manifest() {
  auto manifest = read_manifest(environment_);
  if (!manifest.has_value() && manifest.error().code != Errc::kCorrupt) return manifest.error();
  if (!manifest.has_value()) {
    log(Severity::kError,
        manifest.error().describe() +
            "; it is written anew, and whether a segment is missing is not known");
  } else if (manifest.value() && manifest.value()->unfinished) {
    return Error{Errc::kNotAStore,
                 fmt::format("{} is a backup or a restored store that was never completed: run the "
                             "command that made it again",
                             environment_.describe())};
  } else if (manifest.value()) {
    has_manifest_ = true;
    manifest_ = std::move(*manifest.value());
    for (const auto& entry : manifest_.segments) listed_[entry.id] = &entry;
    timeline_.advance(manifest_.written_ns);
  }
  return ok();
}

Status Inventory::list() {
  MEMORIA_TRY(const auto names, environment_.list());
  std::string stranger;
  for (const auto& name : names) {
    if (const auto id = segment_id(name, kDataSuffix)) {
      MEMORIA_TRY(auto found, inspect(*id));
      // The manifest of a snapshot or a backup is complete. What else is there belongs to a later
      // backup that is not done.
      if (manifest_.snapshot && listed(found) == nullptr) continue;
      found_.push_back(std::move(found));
    } else if (const auto hint = segment_id(name, kHintSuffix)) {
      hints_.insert(*hint);
    } else if (!segment_id(name, kMergeSuffix) && !name.ends_with(kTemporarySuffix) &&
               !neutral(name)) {
      stranger = name;
    }
  }
  if (found_.empty() && !has_manifest_ && !stranger.empty()) {
    return Error{
        Errc::kNotAStore,
        fmt::format("{} is not a Memoria store: it has no segments, and holds {}; name the "
                    "directory of a store, or to make one an empty or a new directory",
                    environment_.describe(), stranger)};
  }
  if (found_.empty() && !has_manifest_) MEMORIA_TRY(check_is_new(names));
  std::sort(found_.begin(), found_.end(),
            [](const FoundSegment& a, const FoundSegment& b) { return a.name_id < b.name_id; });
  return options_.read_only ? ok() : remove_leftovers(names);
}

/// Of a directory without segments: that it is not what is left of a store.
Status Inventory::check_is_new(const std::vector<std::string>& names) const {
  MEMORIA_TRY(const std::string sign, sign_of_store(environment_, names));
  if (sign.empty()) return ok();
  return Error{Errc::kCorrupt,
               fmt::format("{}: all segments (*.data) are missing, but {} tells that there was a "
                           "store; nothing can be saved without them: put them back (a backup has "
                           "them, and each snapshot those of its moment)",
                           environment_.describe(), sign)};
}

Status Inventory::remove_leftovers(const std::vector<std::string>& names) {
  for (const auto& name : names) {
    const bool temporary = segment_id(name, kMergeSuffix) || name.ends_with(kTemporarySuffix);
    const auto hint = segment_id(name, kHintSuffix);
    // The hint of a segment that is missing tells what was in it.
    const bool orphaned =
        hint && !listed_.contains(*hint) &&
        std::none_of(found_.begin(), found_.end(),
                     [&](const FoundSegment& found) { return found.name_id == *hint; });
    if (!temporary && !orphaned) continue;
    log(Severity::kInfo, "removing leftover " + name);
    MEMORIA_TRY(environment_.remove(name));
  }
  return ok();
}

/// Reads a segment's header and its end.
Result<FoundSegment> Inventory::inspect(uint64_t name_id) {
  const auto name = segment_file(name_id, kDataSuffix);
  MEMORIA_TRY(const auto file, environment_.open(name, Environment::Access::kRead));
  FoundSegment found;
  found.name_id = name_id;
  MEMORIA_TRY(found.size, file->size());
  char raw[kSegmentHeaderSize];
  MEMORIA_TRY(const size_t got, file->read(0, raw));
  auto header = decode_segment_header({raw, got}, environment_.describe() + "/" + name);
  if (!header.has_value()) {
    if (header.error().code == Errc::kNewerFormat) return std::move(header).error();
    found.problem = header.error().message;
    return found;
  }
  found.header = header.value();
  MEMORIA_TRY(look_for_seal(found, *file));
  return found;
}

Status Inventory::look_for_seal(FoundSegment& found) const {
  MEMORIA_TRY(const auto file, environment_.open(segment_file(found.name_id, kDataSuffix),
                                                 Environment::Access::kRead));
  return look_for_seal(found, *file);
}

Status Inventory::look_for_seal(FoundSegment& found, const File& file) {
  // The number of records that a closing record tells; nothing: it is none of that kind.
  const auto records_by = [&](Kind kind, uint64_t at) -> Result<std::optional<uint64_t>> {
    char bytes[kSealSize];
    MEMORIA_TRY(const size_t got, file.read(at, bytes));
    const auto decoded = decode_record({bytes, got}, {found.header->seed(), at});
    const bool is = decoded.has_value() && decoded.value().kind == kind;
    return is ? std::optional(decoded.value().offset) : std::nullopt;
  };
  found.sealed = false;
  found.closing = found.records = 0;
  if (found.size < kSegmentHeaderSize + kSealSize) return ok();
  MEMORIA_TRY(const auto records, records_by(Kind::kSeal, found.size - kSealSize));
  found.sealed = records.has_value();
  if (!found.sealed) return ok();
  found.records = *records;
  found.closing = kSealSize;
  if (found.size < kSegmentHeaderSize + kSealSize + kEndSize) return ok();
  MEMORIA_TRY(const auto ended, records_by(Kind::kEnd, found.size - kSealSize - kEndSize));
  if (ended) found.closing += kEndSize;
  return ok();
}

/// Finds the store's id, drops what a crash left of a segment's creation, and copies of segments.
Status Inventory::settle_headers() {
  const auto with_header =
      std::find_if(found_.begin(), found_.end(),
                   [](const FoundSegment& found) { return found.header.has_value(); });
  if (with_header == found_.end() && has_manifest_) {
    uuid_ = manifest_.uuid;
  } else if (with_header == found_.end()) {
    // A crash may leave the very first segment without its header.
    for (const auto& found : found_) {
      if (!is_of_a_crash(found)) return Error{Errc::kCorrupt, found.problem};
    }
    uuid_ = random_uuid();
  } else {
    uuid_ = with_header->header->uuid;
    if (!listed_.empty() && manifest_.uuid != uuid_) forget_foreign_manifest();
  }
  std::set<uint64_t> seen, claimed;
  for (const auto& found : found_) {
    if (!found.header) continue;
    claimed.insert(found.header->id);
    if (found.header->id == found.name_id) seen.insert(found.name_id);
  }
  std::vector<FoundSegment> kept;
  for (auto& found : found_) {
    found.unmade = is_of_a_crash(found);
    if (found.unmade && !has_manifest_) {
      MEMORIA_TRY(remove_found(found.name_id));
      continue;
    }
    if (!found.header && claimed.contains(found.name_id)) {
      log(Severity::kError, found.problem +
                                "; another file says that it is this segment, and this "
                                "one is ignored: move it away");
      copied_.insert(found.name_id);
      continue;
    }
    if (!found.header) {
      // The name tells the id; records are still bound to it by their checksums.
      if (!found.unmade) {
        log(is_new(found) ? Severity::kInfo : Severity::kError,
            found.problem + "; its records are read nevertheless");
      }
      found.header = SegmentHeader{found.name_id, Origin::kLog, uuid_};
      MEMORIA_TRY(look_for_seal(found));
    } else if (found.header->uuid != uuid_) {
      // Nobody can tell which of the two this store is: what is ignored might be all of it.
      return Error{
          Errc::kCorrupt,
          fmt::format("{} holds segments of two stores: {} and {} do not belong together; "
                      "move one of them to a directory of its own",
                      environment_.describe(), segment_file(with_header->name_id, kDataSuffix),
                      segment_file(found.name_id, kDataSuffix))};
    } else if (found.header->id != found.name_id && !seen.insert(found.header->id).second) {
      log(Severity::kWarning,
          fmt::format("{} is a copy of another segment and is ignored; move it away, it keeps the "
                      "other from being merged",
                      segment_file(found.name_id, kDataSuffix)));
      copied_.insert(found.header->id);
      continue;
    }
    kept.push_back(std::move(found));
  }
  found_ = std::move(kept);
  return ok();
}

/// Nothing of it was ever told to be durable. One with a hint was complete once.
bool Inventory::is_new(const FoundSegment& found) const {
  return has_manifest_ && listed(found) == nullptr && !hints_.contains(found.name_id);
}

/// What a crash leaves when it comes while a segment is made.
bool Inventory::is_of_a_crash(const FoundSegment& found) const {
  return !found.header && found.size <= kSegmentHeaderSize && listed(found) == nullptr &&
         !hints_.contains(found.name_id);
}

Status Inventory::remove_found(uint64_t name_id, bool with_hint) {
  if (options_.read_only) return ok();
  log(Severity::kInfo, "removing leftover " + segment_file(name_id, kDataSuffix));
  if (with_hint && hints_.contains(name_id))
    MEMORIA_TRY(environment_.remove(segment_file(name_id, kHintSuffix)));
  return environment_.remove(segment_file(name_id, kDataSuffix));
}

/// A file that somebody renamed is known by its header.
const ManifestEntry* Inventory::listed(const FoundSegment& found) const {
  const auto it = listed_.find(found.header ? found.header->id : found.name_id);
  return it == listed_.end() ? nullptr : it->second;
}

void Inventory::forget_foreign_manifest() {
  log(Severity::kError, fmt::format("{}/{} belongs to another store; it is written anew, and "
                                    "whether a segment is missing is not known",
                                    environment_.describe(), kManifestFile));
  manifest_ = {};
  has_manifest_ = false;
  listed_.clear();
}

void Inventory::doom(const FoundSegment& found) {
  (listed(found) != nullptr ? doomed_later_ : doomed_).push_back(found.name_id);
}

Result<std::vector<uint64_t>> Inventory::remove_doomed(bool saved) {
  for (const uint64_t id : doomed_) MEMORIA_TRY(remove_found(id));
  if (!saved) return doomed_later_;
  for (const uint64_t id : doomed_later_) MEMORIA_TRY(remove_found(id));
  for (const uint64_t id : markers_) MEMORIA_TRY(remove_found(id));
  return std::vector<uint64_t>();
}

/// Removes the inputs of merges that were complete.
Status Inventory::finish_merges() {
  std::set<uint64_t> own;  // the markers' ids
  for (const auto& found : found_) {
    if (found.header->origin != Origin::kMerge || !found.sealed) continue;
    MEMORIA_TRY(const auto file, environment_.open(segment_file(found.name_id, kDataSuffix),
                                                   Environment::Access::kRead));
    char head[kHeadSize];
    MEMORIA_TRY(const size_t got, file->read(kSegmentHeaderSize, head));
    if (got < kHeadSize || (uint8_t(head[16]) & kKindMask) != uint8_t(Kind::kReplaces)) continue;
    SegmentScanner scanner(*file, found.header->seed(), kSegmentHeaderSize, found.size,
                           SegmentScanner::Mode::kTail);
    MEMORIA_TRY(const auto* scanned, scanner.next());
    if (scanned == nullptr || scanned->record.kind != Kind::kReplaces) continue;
    for (Decoder in(scanned->value); !in.rest().empty() && in.ok();) {
      replaced_.insert(in.le<uint64_t>());
    }
    markers_.insert(found.name_id);
    own.insert(found.header->id);
  }
  if (markers_.empty()) return ok();
  for (const uint64_t id : own) replaced_.erase(id);
  const auto gone = [&](const FoundSegment& found) { return replaced_.contains(found.header->id); };
  for (const auto& found : found_) {
    // Under another one's name there may be the other one's hint.
    const bool with_hint = found.header->id == found.name_id;
    if (gone(found)) MEMORIA_TRY(remove_found(found.name_id, with_hint));
  }
  std::erase_if(found_, gone);
  if (!options_.read_only) MEMORIA_TRY(environment_.sync_directory());
  std::erase_if(found_,
                [&](const FoundSegment& found) { return markers_.contains(found.name_id); });
  return ok();
}

/// Notices segments that are missing, or that are longer or shorter than when they were sealed.
Status Inventory::compare_with_manifest() {
  std::set<const ManifestEntry*> there;
  for (auto& found : found_) {
    const auto* entry = listed(found);
    there.insert(entry);
    MEMORIA_TRY(found.expected, sealed_length(found, entry));
    if (found.expected == 0 || found.expected == found.size) continue;
    log(Severity::kError,
        fmt::format("{} has {} bytes; it was sealed with {}",
                    segment_file(found.name_id, kDataSuffix), found.size, found.expected));
    found.size = std::min(found.size, found.expected);  // what is behind it is not ours
    if (found.header) MEMORIA_TRY(look_for_seal(found));
  }
  std::vector<uint64_t> missing, hinted;
  for (const auto& entry : manifest_.segments) {
    if (there.contains(&entry) || replaced_.contains(entry.id)) continue;
    if (hints_.contains(entry.id) && entry.length != 0 && !found_.empty()) {
      hinted.push_back(entry.id);
      for (auto& other : found_) other.squats |= other.name_id == entry.id;
      FoundSegment found;
      found.name_id = entry.id;
      found.header = SegmentHeader{entry.id, Origin::kLog, uuid_};
      found.expected = entry.length;
      found.missing = true;
      found_.push_back(std::move(found));
    } else {
      missing.push_back(entry.id);
    }
  }
  if (!hinted.empty()) log(Severity::kError, missing_but_hinted(hinted));
  return missing.empty() ? ok() : Status(refuse_without(missing));
}

/// A name without a segment is only of interest where it ends the log.
Status Inventory::drop_unmade() {
  MEMORIA_TRY(const auto in_tail, tail());
  std::vector<FoundSegment> kept;
  for (size_t i = 0; i < found_.size(); ++i) {
    const bool counts = std::find(in_tail.begin(), in_tail.end(), i) != in_tail.end();
    if (found_[i].unmade && !counts) {
      doom(found_[i]);
    } else {
      kept.push_back(std::move(found_[i]));
    }
  }
  found_ = std::move(kept);
  return ok();
}

/// Opening is refused: nobody knows what was in these segments.
Error Inventory::refuse_without(const std::vector<uint64_t>& missing) const {
  const bool one = missing.size() == 1;
  if (found_.empty()) {
    return Error{Errc::kCorrupt,
                 fmt::format("{}: {} {} missing, and there is no other segment, so nothing can be "
                             "saved; put {} back (a snapshot or a backup may have {})",
                             environment_.describe(), name_segments(missing), one ? "is" : "are",
                             one ? "it" : "them", one ? "it" : "them")};
  }
  return Error{Errc::kCorrupt,
               fmt::format("{}: {} {} missing, so files could show older contents; put {} back (a "
                           "snapshot or a backup may have {}), or accept the loss by removing the "
                           "file \"{}\"",
                           environment_.describe(), name_segments(missing), one ? "is" : "are",
                           one ? "it" : "them", one ? "it" : "them", kManifestFile)};
}

/// The newest segments of the log, as far as a crash left them without a seal.
Result<std::vector<size_t>> Inventory::tail() const {
  std::vector<size_t> tail;
  for (size_t i = found_.size(); i-- > 0;) {
    if (found_[i].header->origin != Origin::kLog || found_[i].missing) continue;
    if (found_[i].sealed || found_[i].cut() || has_hint_of_its_length(found_[i])) break;
    // Without a manifest nobody knows whether one before the newest was sealed and is damaged; then
    // nothing behind it must be dropped.
    if (!has_manifest_ && !tail.empty()) break;
    // One that the manifest knows as sealed has lost its seal to damage, not to a crash: when
    // nothing else is lost it gets a new one, and otherwise nothing must be cut off.
    if (found_[i].expected != 0) {
      if (!tail.empty()) break;
      MEMORIA_TRY(const bool only_seal, has_lost_only_its_seal(found_[i]));
      if (only_seal) tail.push_back(i);
      break;
    }
    tail.push_back(i);
  }
  std::reverse(tail.begin(), tail.end());
  return tail;
}

/// By the manifest; without it by the hint, if it knows of more than is there: hints are written of
/// what is sealed and durable. 0: not known. The only error: there are no descriptors to ask the
/// hint.
Result<uint64_t> Inventory::sealed_length(const FoundSegment& found,
                                          const ManifestEntry* entry) const {
  if (entry != nullptr && entry->length != 0) return entry->length;
  if (!hints_.contains(found.name_id)) return uint64_t{0};
  const auto file =
      environment_.open(segment_file(found.name_id, kHintSuffix), Environment::Access::kRead);
  if (!file.has_value() && file.error().lacks_descriptors()) return file.error();
  if (!file.has_value()) return uint64_t{0};
  const ReadHint read = [&](uint64_t offset, std::span<char> out) {
    return file.value()->read(offset, out);
  };
  const uint64_t hinted = hinted_length(read, found.header->id).value_or(0);
  return hinted > found.size ? hinted : 0;
}

/// Hints are written of what is sealed and durable, so damage took the seal, and not a crash.
bool Inventory::has_hint_of_its_length(const FoundSegment& found) const {
  if (!hints_.contains(found.name_id) || found.expected != 0) return false;
  Segment segment;
  segment.header = *found.header;
  segment.name_id = found.name_id;
  segment.file_bytes = found.size;
  return check_hint(environment_, segment);
}

Result<bool> Inventory::has_lost_only_its_seal(const FoundSegment& found) const {
  MEMORIA_TRY(const auto file, environment_.open(segment_file(found.name_id, kDataSuffix),
                                                 Environment::Access::kRead));
  SegmentScanner scanner(*file, found.header->seed(), kSegmentHeaderSize, found.size,
                         SegmentScanner::Mode::kTail);
  while (true) {
    MEMORIA_TRY(const auto* scanned, scanner.next());
    if (scanned == nullptr) return scanner.good_end() + kSealSize == found.size;
  }
}

}  // namespace memoria
