// SPDX-License-Identifier: MIT
// The snapshots that somebody looks into through the mount.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/base/mutex.hpp"
#include "fs/binding/node_id.hpp"
#include "fs/volume/volume.hpp"

namespace memoria {

/// Numbers trees, and opens them when they are needed. Since a snapshot never changes, a tree can
/// be closed and opened again while the kernel still knows its nodes: so memory is taken for at
/// most `max_open` of them, and for none that has not been used for `idle`. Requests that are under
/// way keep theirs open.
///
/// Thread-safe. Lock order: Tree::opening, then mutex_. Snapshots are opened (I/O) under the first
/// only, which requests for the same snapshot wait for.
class SnapshotTrees {
 public:
  struct Limits {
    size_t max_open = 4;
    std::chrono::milliseconds idle = std::chrono::minutes(1);
  };
  /// `volume` must outlive this.
  explicit SnapshotTrees(Volume& volume) : SnapshotTrees(volume, Limits()) {}
  SnapshotTrees(Volume& volume, const Limits& limits);
  ~SnapshotTrees();
  SnapshotTrees(const SnapshotTrees&) = delete;
  SnapshotTrees& operator=(const SnapshotTrees&) = delete;

  /// The tree of a snapshot, which keeps its number as long as the snapshot exists. kNotFound.
  Result<TreeNumber> find(std::string_view snapshot);
  /// ESTALE: the snapshot is gone. The volume is read-only.
  Result<std::shared_ptr<Volume>> open(TreeNumber tree);
  /// The snapshot's, whether it is still there or not; "" when find() never gave this number.
  std::string name(TreeNumber tree) const;
  /// By age.
  Result<std::vector<SnapshotInfo>> list() const { return volume_.store().snapshots(); }
  /// The snapshot was removed, or made: what was known of that name no longer counts.
  void forget(std::string_view snapshot);

  Volume& volume() const { return volume_; }
  size_t open_count() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Tree {
    explicit Tree(std::string_view n) : name(n) {}
    const std::string name;
    Mutex opening;
    // Under mutex_ of the trees:
    std::shared_ptr<Volume> volume;
    Clock::time_point last_use;
    bool gone = false;
  };

  std::shared_ptr<Volume> use(Tree& tree) REQUIRES(mutex_);
  Tree* tree_at(TreeNumber tree) const REQUIRES(mutex_);
  std::shared_ptr<Volume> take_oldest() REQUIRES(mutex_);
  void close_idle();

  Volume& volume_;
  const Limits limits_;
  mutable Mutex mutex_;
  Condition changed_;
  std::vector<std::unique_ptr<Tree>> trees_ GUARDED_BY(mutex_);  // [tree number - 1]
  std::map<std::string, TreeNumber, std::less<>> numbers_ GUARDED_BY(mutex_);
  bool ending_ GUARDED_BY(mutex_) = false;
  std::thread closer_;
};

}  // namespace memoria
