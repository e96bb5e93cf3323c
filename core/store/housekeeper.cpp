// SPDX-License-Identifier: MIT
#include "core/store/housekeeper.hpp"

#include "core/base/signals.hpp"

namespace memoria {

Housekeeper::Housekeeper(Work work, std::chrono::milliseconds interval)
    : work_(std::move(work)), interval_(interval) {
  thread_ = thread_without_signals([this] { run(); });
}

void Housekeeper::stop() {
  {
    Lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Housekeeper::queue_hint(std::shared_ptr<Segment> segment) {
  {
    Lock lock(mutex_);
    queue_.push_back(std::move(segment));
  }
  changed_.notify_one();
}

void Housekeeper::run() {
  using Clock = std::chrono::steady_clock;
  const bool merges = interval_.count() > 0;
  auto next_check = Clock::now() + interval_;
  while (true) {
    std::shared_ptr<Segment> segment;
    {
      Lock lock(mutex_);
      while (!stopping_ && queue_.empty() && !(merges && Clock::now() >= next_check)) {
        if (merges) {
          changed_.wait_until(lock, next_check);
        } else {
          changed_.wait(lock);
        }
      }
      if (stopping_) return;
      if (!queue_.empty()) {
        segment = std::move(queue_.back());
        queue_.pop_back();
      }
    }
    if (segment) {
      work_.write_hint(*segment);
    } else {
      work_.check_merge();
      next_check = Clock::now() + interval_;
    }
  }
}

}  // namespace memoria
