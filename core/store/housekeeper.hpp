// SPDX-License-Identifier: MIT
// The background thread: hints for segments that were just sealed, and merges when they are due.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "core/base/mutex.hpp"
#include "core/store/segments.hpp"

namespace memoria {

/// Thread-safe.
class Housekeeper {
 public:
  struct Work {
    std::function<void(Segment&)> write_hint;
    /// `urgent`: it is not time yet, but a segment was sealed.
    std::function<void(bool urgent)> check_merge;
  };
  /// check_merge is called every `interval`, and behind each hint as urgent; 0: never.
  Housekeeper(Work work, std::chrono::milliseconds interval);
  ~Housekeeper() { stop(); }

  /// Finishes the work at hand and stops; hints still queued are written by the next open or close.
  void stop();

  /// From now on; 0: never.
  void set_interval(std::chrono::milliseconds interval);
  void queue_hint(std::shared_ptr<Segment> segment);

 private:
  void run();

  const Work work_;
  Mutex mutex_;  // not held while working
  Condition changed_;
  std::vector<std::shared_ptr<Segment>> queue_ GUARDED_BY(mutex_);
  std::chrono::milliseconds interval_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace memoria
