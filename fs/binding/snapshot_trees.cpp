// SPDX-License-Identifier: MIT
#include "fs/binding/snapshot_trees.hpp"

#include <cerrno>
#include <utility>

#include "core/base/signals.hpp"

namespace memoria {
namespace {

Error stale() {
  return Error::posix(ESTALE, "the snapshot was removed");
}

}  // namespace

SnapshotTrees::SnapshotTrees(Volume& volume, const Limits& limits)
    : volume_(volume), limits_(limits), closer_(thread_without_signals([this] { close_idle(); })) {}

SnapshotTrees::~SnapshotTrees() {
  {
    Lock lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  closer_.join();
}

Result<TreeNumber> SnapshotTrees::find(std::string_view snapshot) {
  // Asked each time, although the kernel remembers: it is what tells of a snapshot's end.
  MEMORIA_TRY(const bool exists, volume_.store().has_snapshot(snapshot));
  if (!exists) return Error::posix(ENOENT);
  Lock lock(mutex_);
  const auto [it, is_new] = numbers_.try_emplace(std::string(snapshot));
  if (is_new) {
    if (trees_.size() + 1 >= kSnapshotsTree) {
      numbers_.erase(it);
      return Error::posix(ENFILE, "too many snapshots were looked into: mount again");
    }
    trees_.push_back(std::make_unique<Tree>(snapshot));
    it->second = TreeNumber(trees_.size());
  }
  return it->second;
}

SnapshotTrees::Tree* SnapshotTrees::tree_at(TreeNumber tree) const {
  return tree == kVolumeTree || tree > trees_.size() ? nullptr : trees_[tree - 1].get();
}

std::string SnapshotTrees::name(TreeNumber number) const {
  Lock lock(mutex_);
  const Tree* tree = tree_at(number);
  return tree == nullptr ? std::string() : tree->name;
}

std::shared_ptr<Volume> SnapshotTrees::use(Tree& tree) {
  tree.last_use = Clock::now();
  return tree.volume;
}

Result<std::shared_ptr<Volume>> SnapshotTrees::open(TreeNumber number) {
  Tree* tree = nullptr;
  {
    Lock lock(mutex_);
    tree = tree_at(number);
    if (tree == nullptr || tree->gone) return stale();
    if (tree->volume) return use(*tree);
  }
  Lock opening(tree->opening);
  {
    Lock lock(mutex_);
    if (tree->volume) return use(*tree);
  }
  auto opened = volume_.open_snapshot(tree->name);
  if (!opened) {
    // Removed meanwhile, perhaps file by file under the opening: then it is no longer there.
    const auto exists = volume_.store().has_snapshot(tree->name);
    return exists.has_value() && !exists.value() ? stale() : opened.error();
  }
  std::shared_ptr<Volume> surplus;  // closed without the lock
  Lock lock(mutex_);
  if (tree->gone) return stale();
  surplus = take_oldest();
  tree->volume = std::move(opened).value();
  changed_.notify_all();
  return use(*tree);
}

/// The volume that was not used for the longest time, when there are as many as there may be.
std::shared_ptr<Volume> SnapshotTrees::take_oldest() {
  size_t open = 0;
  Tree* oldest = nullptr;
  for (const auto& tree : trees_) {
    if (!tree->volume) continue;
    ++open;
    if (oldest == nullptr || tree->last_use < oldest->last_use) oldest = tree.get();
  }
  return open < limits_.max_open ? nullptr : std::exchange(oldest->volume, nullptr);
}

void SnapshotTrees::forget(std::string_view snapshot) {
  std::shared_ptr<Volume> closing;
  Lock lock(mutex_);
  const auto it = numbers_.find(snapshot);
  if (it == numbers_.end()) return;
  Tree& tree = *trees_[it->second - 1];
  tree.gone = true;
  closing = std::exchange(tree.volume, nullptr);
  numbers_.erase(it);
}

size_t SnapshotTrees::open_count() const {
  Lock lock(mutex_);
  size_t count = 0;
  for (const auto& tree : trees_) count += tree->volume != nullptr;
  return count;
}

/// Runs in a thread of its own, which sleeps as long as nothing is open.
void SnapshotTrees::close_idle() {
  Lock lock(mutex_);
  while (!ending_) {
    std::vector<std::shared_ptr<Volume>> idle;
    auto next = Clock::time_point::max();
    const auto now = Clock::now();
    for (const auto& tree : trees_) {
      if (!tree->volume) continue;
      if (now - tree->last_use >= limits_.idle) {
        idle.push_back(std::exchange(tree->volume, nullptr));
      } else {
        next = std::min(next, tree->last_use + limits_.idle);
      }
    }
    if (!idle.empty()) {
      lock.unlock();
      idle.clear();
      lock.lock();
    } else if (next == Clock::time_point::max()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, next);
    }
  }
}

}  // namespace memoria
