// SPDX-License-Identifier: MIT
// Carries a store to another directory: a backup, which takes only what it has not yet, and back.
// Layout and identity: core/FORMAT.md, "Backup".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/environment.hpp"
#include "core/store/reports.hpp"

namespace memoria {

struct CopyOptions {
  /// Reads again what is there already, and copies anew what rotted.
  bool recheck = false;
  /// Snapshots whose names begin so are not carried; "": all are.
  std::string skipped_snapshots{};
  /// What the programs' file memoria.toml shall hold there; nothing: there shall be none.
  std::optional<std::string> settings{};
  /// Left free on the destination's disk, as Options::reserve_bytes and reserve_files: it may be
  /// that of the store, where something must be removed then.
  uint64_t reserve_bytes = 16 << 20;
  uint64_t reserve_files = 8;
};

/// What is to be carried: a directory that nobody changes, and the one with the snapshots.
struct CopySource {
  /// A snapshot or a backup, or a store that was closed, on a disk on which nobody can change it.
  std::shared_ptr<Environment> frozen;
  /// Has a directory "snapshots" to be carried, too. May be null: those of the destination stay.
  std::shared_ptr<Environment> snapshots;
};

/// Brings the backup in `to` up to date; makes it in an empty directory. What `to` held before
/// stays complete until the new state is, so a crash leaves one or the other, and the next call
/// goes on from there. A backup opens as a read-only store. One call for a destination at a time
/// (kLocked). Damage of the source is copied as such, unless what is there is no worse, and
/// reported, on every call until it is gone.
///
/// Errors: kNotAStore (`to` is neither empty nor a backup, or the source no complete store),
/// kExists
/// (`to` is the backup of another store), kConflict (the source was removed meanwhile), kCorrupt (a
/// segment is missing and nobody knows what it held: the copy could not be opened), kCancelled,
/// kNoSpace, kIo ...: `to` is as good as before.
Result<CopyReport> back_up(const CopySource& source, Environment& to, const CopyOptions& options,
                           const ProgressFn& progress = {});

/// Makes a store that can be written to in `to`, an empty directory, or one that an interrupted
/// call left. Until it is complete it does not open. The store keeps its identity. Errors as above.
Result<CopyReport> restore(const CopySource& source, Environment& to, const CopyOptions& options,
                           const ProgressFn& progress = {});

}  // namespace memoria
