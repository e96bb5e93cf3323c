// SPDX-License-Identifier: MIT
#include "core/store/backup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "core/io/whole_file.hpp"
#include "core/store/backup_lock.hpp"
#include "core/store/rollback.hpp"
#include "core/store/segment_carrier.hpp"
#include "core/store/settings_file_name.hpp"
#include "core/store/snapshot_carrier.hpp"
#include "core/store/snapshots.hpp"

namespace memoria {
namespace {

/// What a directory may hold and be empty all the same.
bool counts_as_nothing(std::string_view name) {
  return name == "lock" || name == "lost+found" || name == "manifest.tmp";
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
        segments_(to, is_backup ? "backup" : "restore", options, progress) {}

  Result<CopyReport> run() {
    MEMORIA_TRY(load_source());
    MEMORIA_TRY(check_destination());
    MEMORIA_TRY(const auto lock, to_.lock(LockMode::kExclusive));
    MEMORIA_TRY(check_destination());  // nobody was faster
    MEMORIA_TRY(claim_destination());
    std::optional<SnapshotCarrier> snapshots;
    if (source_.snapshots) {
      snapshots.emplace(*source_.snapshots, to_, manifest_.uuid, options_, segments_);
      MEMORIA_TRY(snapshots->plan(manifest_));
    }
    MEMORIA_TRY(copy_present());
    if (snapshots) MEMORIA_TRY(snapshots->carry(present_));
    MEMORIA_TRY(to_.sync_directory());
    MEMORIA_TRY(segments_.save_damaged(!is_backup_));
    MEMORIA_TRY(write_settings());
    MEMORIA_TRY(finish());
    return std::move(segments_.report());
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
    auto& report = segments_.report();
    report.segments = manifest_.segments.size();
    for (const auto& entry : manifest_.segments) report.bytes += entry.length;
    segments_.expect(report.bytes);
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
    segments_.say_when_it_ends_early(
        was_complete_ ? fmt::format("what {} held before is untouched", to_.describe())
                      : fmt::format("{} is no complete {} yet", to_.describe(),
                                    is_backup_ ? "backup" : "store"));
    segments_.load_damaged();
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
      MEMORIA_TRY(segments_.bring(from_, segment, to_));
      MEMORIA_TRY(check_is_known(segment));
      present_[entry.id] = segment.name_id;
    }
    return ok();
  }

  /// A store opens without a segment when its hint tells what is missing.
  Status check_is_known(const SealedSegment& segment) {
    const auto file = segment_file(segment.name_id, kDataSuffix);
    if (to_.open(file, Environment::Access::kRead).has_value()) return ok();
    if (has_good_hint(to_, segment)) return ok();
    return Error{
        Errc::kCorrupt,
        fmt::format("{}/{} is missing, and its hint, so that nobody knows what it held and "
                    "a copy could not be opened; put it back, or `memoria-ctl repair` "
                    "makes a store of what there is",
                    from_.describe(), file)};
  }

  Status write_settings() {
    if (!options_.settings) return remove_if_there(to_, kSettingsFile);
    return replace_file(to_, kSettingsFile, *options_.settings);
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
      segments_.report().removed_segments += data;
    }
    return to_.sync_directory();
  }

  const CopySource& source_;
  Environment& from_;
  Environment& to_;
  const bool is_backup_;
  const CopyOptions& options_;
  SegmentCarrier segments_;
  Manifest manifest_;  // of the source
  std::shared_ptr<void> from_lock_;
  bool claimed_ = false;       // it is to be seen what is made there
  bool was_complete_ = false;  // and something is there already
  SegmentNames present_;       // what the present of the copy has
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
