// SPDX-License-Identifier: MIT
// Where a thread sleeps until another one has done something for it.
#pragma once

#include <memory>

#include "core/base/mutex.hpp"

namespace memoria {

/// One for each thread, which refers to it without counting. Who wakes a thread holds a reference,
/// takes none of the locks that the thread needs next, and wakes nobody else: a condition that many
/// share makes all of them run for one, and a notification under a lock makes the woken one sleep
/// again until that is free. Thread-safe, but for wait(), which is its owner's.
class Parking {
 public:
  static const std::shared_ptr<Parking>& of_this_thread() {
    thread_local const auto parking = std::make_shared<Parking>();
    return parking;
  }

  /// Returns when wake() was called since it last returned; that may have been for something that
  /// is over, so callers wait in a loop.
  void wait() {
    Lock lock(mutex_);
    while (!awake_) condition_.wait(lock);
    awake_ = false;
  }

  void wake() {
    {
      const Lock lock(mutex_);
      awake_ = true;
    }
    condition_.notify_one();
  }

 private:
  Mutex mutex_;
  Condition condition_;
  bool awake_ GUARDED_BY(mutex_) = false;
};

}  // namespace memoria
