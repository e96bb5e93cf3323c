// SPDX-License-Identifier: MIT
// Snapshots: directories `snapshots/NAME/` of hard links to sealed segments and their hints, each a
// store of its own that is only read. Layout: core/FORMAT.md, "Snapshots".
#pragma once

#include <absl/container/flat_hash_set.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/environment.hpp"
#include "core/log/manifest.hpp"
#include "core/store/reports.hpp"
#include "core/store/segments.hpp"

namespace memoria {

inline constexpr std::string_view kSnapshotsDirectory = "snapshots";

/// The snapshots of one data directory. One writer at a time, any number of readers beside it.
class Snapshots {
 public:
  explicit Snapshots(Environment& environment) : environment_(environment) {}

  /// 1 to 200 bytes, without '/' and control characters, not beginning with '.'; kInvalidArgument.
  static Status check_name(std::string_view name);

  /// Links `segments`, which are sealed. Durable when it returns; all or nothing. kExists.
  Result<SnapshotInfo> create(std::string_view name, const StoreUuid& uuid, uint64_t unsure_until,
                              const std::vector<std::shared_ptr<Segment>>& segments);
  /// By age. `live`: the segments of the store itself, to tell what only snapshots still hold.
  Result<std::vector<SnapshotInfo>> list(const std::vector<std::shared_ptr<Segment>>& live) const;
  struct HeldSegments {
    absl::flat_hash_set<uint64_t> ids;  ///< in their headers
    bool complete = true;               ///< false: a snapshot cannot be read
  };
  /// What any of the snapshots has.
  Result<HeldSegments> segments() const;
  /// kNotFound. What is left of it after a crash goes with remove_leftovers().
  Status remove(std::string_view name);
  /// Gives what was put together in the directory `built`, a hidden name, the name of a snapshot,
  /// in the place of one that there is. Durable when it returns; a crash leaves one or the other.
  Status put_in_place(const std::string& built, const std::string& name);
  /// What interrupted calls left.
  Status remove_leftovers();
  /// Its directory; kNotFound.
  Result<std::shared_ptr<Environment>> directory(std::string_view name) const;

 private:
  Result<std::shared_ptr<Environment>> root() const;
  /// Each by its name and manifest; null: it cannot be read.
  Status visit(
      const std::function<void(const std::string& name, const Manifest* manifest)>& visit) const;
  Status link_segments(std::string_view path,
                       const std::vector<std::shared_ptr<Segment>>& segments);

  Environment& environment_;
};

}  // namespace memoria
