// SPDX-License-Identifier: MIT
// A lock for work that takes long: who waits for it may give up.
#pragma once

#include <chrono>

#include "core/base/mutex.hpp"

namespace memoria {

class CAPABILITY("mutex") Turn {
 public:
  void lock() ACQUIRE() {
    (void)lock_while([] { return true; });
  }

  /// False: `go_on` said no. It is asked several times a second while somebody else has the turn.
  template <class GoOn>
  bool lock_while(const GoOn& go_on) MEMORIA_ANNOTATION(try_acquire_capability(true)) {
    constexpr std::chrono::milliseconds kTick{100};
    Lock lock(mutex_);
    while (taken_) {
      lock.unlock();  // what it does is its own business
      const bool wanted = go_on();
      lock.lock();
      if (!wanted) return false;
      if (taken_) changed_.wait_for(lock, kTick);
    }
    taken_ = true;
    return true;
  }

  void unlock() RELEASE() {
    {
      Lock lock(mutex_);
      taken_ = false;
    }
    changed_.notify_one();
  }

 private:
  Mutex mutex_;
  Condition changed_;
  bool taken_ GUARDED_BY(mutex_) = false;
};

/// Gives back at the end of the scope a turn that was taken before.
class SCOPED_CAPABILITY TurnTaken {
 public:
  explicit TurnTaken(Turn& turn) REQUIRES(turn) : turn_(turn) {}
  ~TurnTaken() RELEASE() { turn_.unlock(); }
  TurnTaken(const TurnTaken&) = delete;
  TurnTaken& operator=(const TurnTaken&) = delete;

 private:
  Turn& turn_;
};

}  // namespace memoria
