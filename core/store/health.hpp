// SPDX-License-Identifier: MIT
// Whether the store may still be changed. After a failed write or sync nobody knows what the disk
// holds, so nothing is claimed any more: the state latches until the store is opened anew.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "core/base/mutex.hpp"
#include "core/base/result.hpp"
#include "core/store/options.hpp"

namespace memoria {

/// Thread-safe.
class Health {
 public:
  explicit Health(const Logger& logger) : logger_(logger) {}

  /// Called once, when it latches, before it does. Set before other threads are there.
  void on_latch(std::function<void()> f) { on_latch_ = std::move(f); }

  /// Success, or why there are no more changes.
  Status check() const {
    if (!latched_.load(std::memory_order_acquire)) return ok();
    Lock lock(mutex_);
    return error_;
  }

  bool latched() const { return latched_.load(std::memory_order_acquire); }
  std::string reason() const {
    Lock lock(mutex_);
    return reason_;
  }

  /// Latches. The first reason stays. Returns the error that callers should see.
  Error latch(const Error& cause, const std::string& what) {
    if (on_latch_ && !is_noted_.exchange(true)) on_latch_();
    {
      Lock lock(mutex_);
      if (latched_) return error_;
      reason_ = what + ": " + cause.describe();
      error_ =
          Error(Errc::kReadOnly, 0,
                "the store is read-only since " + reason_ + "; check the disk, then open it again");
      latched_.store(true, std::memory_order_release);
    }
    if (logger_) logger_(Severity::kError, "store is now read-only: " + reason());
    return cause;
  }

 private:
  const Logger& logger_;
  std::function<void()> on_latch_;
  std::atomic<bool> is_noted_{false}, latched_{false};
  mutable Mutex mutex_;
  std::string reason_ GUARDED_BY(mutex_);
  Error error_ GUARDED_BY(mutex_){Errc::kReadOnly};
};

}  // namespace memoria
