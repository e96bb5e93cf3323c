// SPDX-License-Identifier: MIT
#include "core/store/backup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "core/io/whole_file.hpp"
#include "core/store/backup_lock.hpp"
#include "core/store/files_left.hpp"
#include "core/store/rollback.hpp"
#include "core/store/segment_copy.hpp"
#include "core/store/settings_file_name.hpp"
#include "core/store/snapshots.hpp"

namespace memoria {
namespace {

constexpr std::string_view kSnapshots = "snapshots";
constexpr std::string_view kDamagedFile = ".damaged";
// Where a snapshot is put together: a name that none can have, hidden or not.
constexpr std::string_view kBuilding = "..carried";
constexpr uint64_t kMaxDamagedFile = 64 << 20;

/// What a directory may hold and be empty all the same.
bool counts_as_nothing(std::string_view name) {
  return name == "lock" || name == "lost+found" || name == "manifest.tmp";
}

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

/// One call of back_up() or restore().
class Copier {
 public:
  Copier(const CopySource& source, Environment& to, bool is_backup, const CopyOptions& options,
         const ProgressFn& progress)
      : source_(source),
        from_(*source.frozen),
        to_(to),
        is_backup_(is_backup),
        options_(options),
        progress_(progress) {}

  Result<CopyReport> run() {
    MEMORIA_TRY(load_source());
    MEMORIA_TRY(check_destination());
    MEMORIA_TRY(const auto lock, to_.lock(LockMode::kExclusive));
    MEMORIA_TRY(check_destination());  // nobody was faster
    MEMORIA_TRY(claim_destination());
    if (source_.snapshots) MEMORIA_TRY(plan_snapshots());
    MEMORIA_TRY(copy_present());
    if (source_.snapshots) MEMORIA_TRY(carry_snapshots());
    MEMORIA_TRY(to_.sync_directory());
    if (!is_backup_) damaged_.clear();  // a store tells of its damage itself
    MEMORIA_TRY(write_damaged(damaged_));
    MEMORIA_TRY(write_settings());
    MEMORIA_TRY(finish());
    return std::move(report_);
  }

 private:
  Status load_source() {
    MEMORIA_TRY(auto manifest, read_manifest(from_));
    const bool is_known = manifest && !manifest->unfinished;
    if (is_known && !manifest->snapshot) {
      MEMORIA_TRY(manifest->snapshot, is_at_rest(*manifest));
    }
    if (is_known && !manifest->snapshot) {
      return Error{Errc::kNotAStore,
                   fmt::format("{0} is a store to be used and can change, neither a backup nor a "
                               "snapshot: `memoria-ctl backup {0} DEST` copies it",
                               from_.describe())};
    }
    if (!is_known) {
      return Error{Errc::kNotAStore, fmt::format("{} is no complete backup and no snapshot: it can "
                                                 "be changing, or parts of it be missing",
                                                 from_.describe())};
    }
    if (manifest->backup && !from_lock_) {
      MEMORIA_TRY(from_lock_, lock_backup(from_));
      if (from_lock_) return load_source();  // nobody brings it up to date any more
    }
    manifest_ = std::move(*manifest);
    for (const auto& entry : manifest_.segments) total_ += entry.length;
    report_.segments = manifest_.segments.size();
    report_.bytes = total_;
    return ok();
  }

  /// Whether the source, which is a store, is as good as a snapshot: it was closed, so that its
  /// manifest tells all, and it lies on a read-only disk.
  Result<bool> is_at_rest(const Manifest& manifest) {
    MEMORIA_TRY(const auto space, from_.space());
    if (!space.read_only) return false;
    MEMORIA_TRY(const auto names, from_.list());
    std::set<uint64_t> listed;
    for (const auto& entry : manifest.segments) {
      if (entry.length != 0) listed.insert(entry.id);
    }
    const bool was_closed = listed.size() == manifest.segments.size() &&
                            std::ranges::all_of(names, [&](const std::string& name) {
                              const auto id = segment_id(name, kDataSuffix);
                              return name != kRollbackFile && (!id || listed.contains(*id));
                            });
    if (was_closed) return true;
    return Error{
        Errc::kNotAStore,
        fmt::format("{} was not closed when its disk became read-only, so that it cannot "
                    "be copied as it is: have the disk mounted for writing, or `memoria-ctl "
                    "repair {} NEWDIR` makes a store of what it holds",
                    from_.describe(), from_.describe())};
  }

  /// Whether something may be written there at all.
  Status check_destination() {
    MEMORIA_TRY(const auto names, to_.list());
    const auto manifest = read_manifest(to_);
    if (!manifest.has_value()) return manifest.error();
    if (!manifest.value()) {
      for (const auto& name : names) {
        if (counts_as_nothing(name)) continue;
        return Error{Errc::kNotAStore,
                     fmt::format("{} holds {} and is not {}: name an empty or a new directory",
                                 to_.describe(), name,
                                 is_backup_ ? "a backup" : "an unfinished restored store")};
      }
      return ok();
    }
    const Manifest& there = *manifest.value();
    if (there.backup != is_backup_ || (!is_backup_ && !there.unfinished)) {
      return Error{Errc::kNotAStore,
                   fmt::format("{} is a store{}: name an empty or a new directory", to_.describe(),
                               there.backup ? "'s backup" : "")};
    }
    if (there.uuid != manifest_.uuid) {
      return Error{Errc::kExists, fmt::format("{} is the backup of another store: name an empty or "
                                              "a new directory",
                                              to_.describe())};
    }
    claimed_ = true;
    was_complete_ = !there.unfinished;
    return ok();
  }

  /// From the first byte on it can be told what is being made here.
  Status claim_destination() {
    damaged_ = damaged_before_ = read_damaged(to_);
    MEMORIA_TRY(Snapshots(to_).remove_leftovers());
    if (claimed_) return ok();
    return write_manifest(
        to_, {.uuid = manifest_.uuid, .backup = is_backup_, .unfinished = true, .segments = {}});
  }

  Status copy_present() {
    MEMORIA_TRY(const auto names, names_of_segments(from_, manifest_));
    for (const auto& entry : manifest_.segments) {
      const auto name = names.find(entry.id);
      const SealedSegment segment{manifest_.uuid, entry,
                                  name == names.end() ? entry.id : name->second};
      MEMORIA_TRY(bring(from_, segment, to_));
      MEMORIA_TRY(check_is_known(segment));
      present_[entry.id] = segment.name_id;
    }
    return ok();
  }

  /// A store opens without a segment when its hint tells what is missing.
  Status check_is_known(const SealedSegment& segment) {
    const auto file = segment_file(segment.name_id, kDataSuffix);
    if (has_file(to_, file) || has_good_hint(to_, segment)) return ok();
    return Error{
        Errc::kCorrupt,
        fmt::format("{}/{} is missing, and its hint, so that nobody knows what it held and "
                    "a copy could not be opened; put it back, or `memoria-ctl repair` "
                    "makes a store of what there is",
                    from_.describe(), file)};
  }

  static bool has_file(Environment& place, const std::string& file) {
    return place.open(file, Environment::Access::kRead).has_value();
  }

  /// Whether what is copied from is still what it was: somebody may have removed a snapshot.
  static bool is_still_there(Environment& from, const SealedSegment& segment) {
    const auto manifest = read_manifest(from);
    if (!manifest.has_value() || !manifest.value()) return false;
    const auto& entries = manifest.value()->segments;
    return manifest.value()->uuid == segment.uuid &&
           std::find(entries.begin(), entries.end(), segment.entry) != entries.end();
  }

  Status check_space(Environment& from, const SealedSegment& segment) {
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

  /// Has the segment in `to` when it returns.
  Status bring(Environment& from, const SealedSegment& segment, Environment& to) {
    const uint64_t id = segment.entry.id;
    const bool was_damaged = damaged_.contains(id) || damaged_before_.contains(id);
    if (!was_damaged && has_same_segment(to, from, segment)) {
      MEMORIA_TRY(const bool sound, is_still_sound(to, segment));
      if (sound) return advance(segment.entry.length) ? Status(ok()) : Status(cancelled());
    }
    MEMORIA_TRY(check_space(from, segment));
    auto copied = copy_segment(
        from, segment, to, [&](uint64_t n) { return advance(n); },
        [&] { return remember_damaged(id); });
    const bool missing = !copied.has_value() && copied.error().code == Errc::kNotFound;
    if (missing && !is_still_there(from, segment)) {
      return Error{Errc::kConflict,
                   fmt::format("{} was removed while it was copied; what {} held before is "
                               "untouched, and the next run goes on from here",
                               from.describe(), to_.describe())};
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
      renewed_.insert(id);
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
  Status remember_damaged(uint64_t id) {
    if (!damaged_.insert(id).second) return ok();
    // What snapshots have is not made anew yet.
    auto all = damaged_before_;
    all.insert(damaged_.begin(), damaged_.end());
    return write_damaged(all);
  }

  Result<bool> is_still_sound(Environment& to, const SealedSegment& segment) {
    if (!options_.recheck) return true;
    MEMORIA_TRY(const auto damages, check_segment(to, segment));
    return damages.empty();
  }

  // ---- Snapshots. Each comes and goes by itself, whole: its directory gets its name at the end.

  /// Adds to the total what snapshots will bring. Some may come and go until they are carried.
  Status plan_snapshots() {
    MEMORIA_TRY(const auto wanted, wanted_snapshots());
    std::set<uint64_t> counted;
    for (const auto& entry : manifest_.segments) counted.insert(entry.id);
    for (const auto& [name, manifest] : wanted.readable) {
      const bool same = has_same_snapshot(name, manifest);
      for (const auto& entry : manifest.segments) {
        if (counted.insert(entry.id).second && !same) total_ += entry.length;
      }
    }
    return ok();
  }

  Status carry_snapshots() {
    const Snapshots there(to_);
    MEMORIA_TRY(const auto wanted, wanted_snapshots());
    for (const auto& name : wanted.unreadable) {
      report_.damages.push_back({0,
                                 0,
                                 0,
                                 {},
                                 0,
                                 0,
                                 false,
                                 fmt::format("snapshot {}: its manifest cannot be read", name)});
    }
    for (const auto& [name, manifest] : wanted.readable) {
      if (!has_same_snapshot(name, manifest)) {
        auto carried = carry_snapshot(name, manifest);
        if (!carried.has_value() && is_gone(name)) {  // which the next run sees
          MEMORIA_TRY(Snapshots(to_).remove_leftovers());
          continue;
        }
        MEMORIA_TRY(carried);
      }
      for (const auto& entry : manifest.segments) in_snapshots_.try_emplace(entry.id, name);
      ++report_.snapshots;
    }
    MEMORIA_TRY(const auto held, there.list({}));
    for (const auto& snapshot : held) {
      // Where the source has lost one, what was carried before is all that there is of it.
      const auto& name = snapshot.name;
      const bool stays = wanted.readable.contains(name) || wanted.unreadable.contains(name);
      if (!stays) MEMORIA_TRY(Snapshots(to_).remove(name));
    }
    return ok();
  }

  bool is_gone(const std::string& snapshot) const {
    const auto found = Snapshots(*source_.snapshots).directory(snapshot);
    return !found.has_value() && found.error().code == Errc::kNotFound;
  }

  /// The source's snapshots that are to be carried, and those that cannot be.
  struct Wanted {
    std::map<std::string, Manifest> readable;
    std::set<std::string> unreadable;
  };
  Result<Wanted> wanted_snapshots() const {
    Wanted out;
    const Snapshots here(*source_.snapshots);
    MEMORIA_TRY(const auto infos, here.list({}));
    for (const auto& info : infos) {
      const auto& skipped = options_.skipped_snapshots;
      if (!skipped.empty() && info.name.starts_with(skipped)) continue;
      const auto place = here.directory(info.name);
      if (!place.has_value() && place.error().code == Errc::kNotFound) continue;  // meanwhile
      if (!place.has_value()) return place.error();
      auto manifest = read_manifest(*place.value());
      if (manifest.has_value() && manifest.value() && manifest.value()->uuid == manifest_.uuid) {
        out.readable.emplace(info.name, std::move(*manifest.value()));
      } else {
        out.unreadable.insert(info.name);
      }
    }
    return out;
  }

  /// Whether nothing of it has to be looked at. With a recheck all has to be.
  bool has_same_snapshot(const std::string& name, const Manifest& manifest) const {
    if (options_.recheck) return false;
    const auto place = Snapshots(to_).directory(name);
    if (!place.has_value()) return false;
    const auto there = read_manifest(*place.value());
    return there.has_value() && there.value() &&
           encode_manifest(*there.value()) == encode_manifest(manifest) &&
           std::none_of(manifest.segments.begin(), manifest.segments.end(),
                        // Also one that is sound in the present by now.
                        [&](const auto& entry) {
                          return damaged_.contains(entry.id) ||
                                 damaged_before_.contains(entry.id) || renewed_.contains(entry.id);
                        });
  }

  Status carry_snapshot(const std::string& name, const Manifest& manifest) {
    const std::string hidden(kBuilding);
    MEMORIA_TRY(to_.make_directory(kSnapshots));
    MEMORIA_TRY(const auto root, to_.directory(kSnapshots));
    MEMORIA_TRY(root->make_directory(hidden));
    MEMORIA_TRY(const auto place, root->directory(hidden));
    MEMORIA_TRY(const auto from, Snapshots(*source_.snapshots).directory(name));
    MEMORIA_TRY(const auto names, names_of_segments(*from, manifest));
    for (const auto& entry : manifest.segments) {
      const auto found = names.find(entry.id);
      const SealedSegment segment{manifest.uuid, entry,
                                  found == names.end() ? entry.id : found->second};
      MEMORIA_TRY(const bool linked, link_segment(*root, hidden, segment));
      if (linked) continue;
      MEMORIA_TRY(const bool kept, keep_sound(*root, name, hidden, segment, *from));
      if (kept) continue;
      // What was carried before is no worse than a copy with the same damage, and may be all that
      // there is.
      MEMORIA_TRY(link_from(*root, name, hidden, segment));
      MEMORIA_TRY(bring(*from, segment, *place));
    }
    MEMORIA_TRY(write_manifest(*place, manifest));
    return Snapshots(to_).put_in_place(hidden, name);
  }

  /// From the snapshot as it was carried before, if that has the segment sound: the source may have
  /// lost it since.
  Result<bool> keep_sound(Environment& root, const std::string& name, const std::string& hidden,
                          const SealedSegment& segment, Environment& from) {
    const auto id = segment.entry.id;
    if (damaged_.contains(id) || damaged_before_.contains(id)) return false;
    const auto before = Snapshots(to_).directory(name);
    if (!before.has_value() || !has_same_segment(*before.value(), from, segment)) return false;
    MEMORIA_TRY(const bool sound, is_still_sound(*before.value(), segment));
    if (!sound) return false;
    if (!advance(segment.entry.length)) return cancelled();
    return link_from(root, name, hidden, segment);
  }

  /// Links the files of a segment by `link(file)`; false: there are none. A missing hint is none.
  template <class Link>
  static Result<bool> link_files(const SealedSegment& segment, Link&& link) {
    for (const auto suffix : {kDataSuffix, kHintSuffix}) {
      const Status linked = link(segment_file(segment.name_id, suffix));
      if (linked.has_value() || linked.error().code == Errc::kExists) continue;
      if (linked.error().code != Errc::kNotFound) return linked.error();
      if (suffix == kDataSuffix) return false;
    }
    return true;
  }

  /// From a snapshot of the destination to where another is put together.
  static Result<bool> link_from(Environment& root, const std::string& snapshot,
                                const std::string& hidden, const SealedSegment& segment) {
    return link_files(segment, [&](const std::string& file) {
      return root.link(fmt::format("{}/{}", snapshot, file), fmt::format("{}/{}", hidden, file));
    });
  }

  /// From the present or another snapshot of the destination; false: neither has it by this name.
  Result<bool> link_segment(Environment& root, const std::string& hidden,
                            const SealedSegment& segment) {
    const auto held = present_.find(segment.entry.id);
    if (held != present_.end() && held->second == segment.name_id) {
      return link_files(segment, [&](const std::string& file) {
        return to_.link(file, fmt::format("{}/{}/{}", kSnapshots, hidden, file));
      });
    }
    const auto snapshot = in_snapshots_.find(segment.entry.id);
    if (snapshot == in_snapshots_.end()) return false;
    return link_from(root, snapshot->second, hidden, segment);
  }

  // ---- The end

  Status write_damaged(const std::set<uint64_t>& ids) {
    if (ids.empty()) return remove_if_there(kDamagedFile);
    std::string text;
    for (const auto id : ids) text += fmt::format("{}\n", id);
    return replace_file(to_, kDamagedFile, text);
  }

  Status write_settings() {
    if (!options_.settings) return remove_if_there(kSettingsFile);
    return replace_file(to_, kSettingsFile, *options_.settings);
  }

  Status remove_if_there(std::string_view name) {
    auto removed = to_.remove(name);
    if (!removed.has_value() && removed.error().code == Errc::kNotFound) return ok();
    return removed;
  }

  /// The moment at which the new state takes the place of the old one is that of the manifest. In a
  /// backup only what it names counts; in a store everything does, so there the rest goes before.
  Status finish() {
    Manifest manifest = manifest_;
    manifest.snapshot = manifest.backup = is_backup_;
    if (!is_backup_) MEMORIA_TRY(remove_rest());
    MEMORIA_TRY(write_manifest(to_, manifest));
    return is_backup_ ? remove_rest() : ok();
  }

  Status remove_rest() {
    std::set<uint64_t> kept;
    for (const auto& [id, name_id] : present_) kept.insert(name_id);
    MEMORIA_TRY(const auto names, to_.list());
    for (const auto& name : names) {
      auto id = segment_id(name, kDataSuffix);
      const bool data = id.has_value();
      if (!id) id = segment_id(name, kHintSuffix);
      const bool ours = id.has_value() || name.ends_with(kTemporarySuffix);
      if (!ours || (id && kept.contains(*id))) continue;
      MEMORIA_TRY(to_.remove(name));
      report_.removed_segments += data;
    }
    return to_.sync_directory();
  }

  bool advance(uint64_t bytes) {
    done_ += bytes;
    total_ = std::max(total_, done_);  // more may come than was planned, as damaged segments again
    return !progress_ || progress_({is_backup_ ? "backup" : "restore", done_, total_});
  }

  Error cancelled() const {
    const auto state = was_complete_
                           ? fmt::format("what {} held before is untouched", to_.describe())
                           : fmt::format("{} is no complete {} yet", to_.describe(),
                                         is_backup_ ? "backup" : "store");
    return {Errc::kCancelled,
            fmt::format("stopped on request; {}, and the next run goes on from here", state)};
  }

  const CopySource& source_;
  Environment& from_;
  Environment& to_;
  const bool is_backup_;
  const CopyOptions& options_;
  const ProgressFn& progress_;
  Manifest manifest_;  // of the source
  std::shared_ptr<void> from_lock_;
  bool claimed_ = false;                          // it is to be seen what is made there
  bool was_complete_ = false;                     // and something is there already
  std::set<uint64_t> damaged_, damaged_before_;   // copied with damage; as the last call left it
  std::set<uint64_t> renewed_;                    // copied by this call
  SegmentNames present_;                          // what the present of the copy has
  std::map<uint64_t, std::string> in_snapshots_;  // and which of its snapshots has what
  uint64_t done_ = 0, total_ = 0;
  CopyReport report_;
};

}  // namespace

Result<CopyReport> back_up(const CopySource& source, Environment& to, const CopyOptions& options,
                           const ProgressFn& progress) {
  return Copier(source, to, true, options, progress).run();
}

Result<CopyReport> restore(const CopySource& source, Environment& to, const CopyOptions& options,
                           const ProgressFn& progress) {
  return Copier(source, to, false, options, progress).run();
}

}  // namespace memoria
