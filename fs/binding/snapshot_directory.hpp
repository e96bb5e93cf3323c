// SPDX-License-Identifier: MIT
// The directory `.snapshots` in the root of a mount, in which each snapshot is a directory. It is
// in no volume: what a handler does for an inode of one, these do for it.
#pragma once

#include <functional>

#include "fs/binding/snapshot_trees.hpp"

namespace memoria {

class Request;

/// Anybody may read it; what is in a snapshot is guarded by the permissions of then.
Result<Attributes> snapshots_attributes(const SnapshotTrees& trees);
/// As Volume::list(): by age, without opening any.
Status list_snapshots(const SnapshotTrees& trees, uint64_t cookie,
                      const std::function<bool(const DirectoryEntry&)>& visit);
/// Answers a lookup of the directory.
Status reply_snapshots(Request& request);
/// Answers a lookup of a name in it. Opens that snapshot.
Status reply_snapshot(Request& request, std::string_view name);

}  // namespace memoria
