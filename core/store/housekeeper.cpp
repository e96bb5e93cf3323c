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

void Housekeeper::set_interval(std::chrono::milliseconds interval) {
  {
    Lock lock(mutex_);
    interval_ = interval;
  }
  changed_.notify_one();
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
  auto last_check = Clock::now();
  while (true) {
    std::shared_ptr<Segment> segment;
    bool merges = true;
    {
      Lock lock(mutex_);
      while (!stopping_ && queue_.empty()) {
        if (interval_.count() == 0) {
          changed_.wait(lock);
          continue;
        }
        const auto next_check = last_check + interval_;
        if (Clock::now() >= next_check) break;
        changed_.wait_until(lock, next_check);
      }
      if (stopping_) return;
      merges = interval_.count() != 0;
      if (!queue_.empty()) {
        segment = std::move(queue_.back());
        queue_.pop_back();
      }
    }
    if (segment) {
      work_.write_hint(*segment);
      if (merges) work_.check_merge(true);
    } else {
      work_.check_merge(false);
      last_check = Clock::now();
    }
  }
}

}  // namespace memoria
