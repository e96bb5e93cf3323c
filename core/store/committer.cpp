// SPDX-License-Identifier: MIT
#include "core/store/committer.hpp"

#include <algorithm>

#include "core/base/signals.hpp"

namespace memoria {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLongestGathering{5};
constexpr unsigned kMostDisappointments = 6;  // then one sync of 64 tries again

}  // namespace

Committer::Committer(Health& health, std::function<LogTail()> tail,
                     std::chrono::milliseconds interval)
    : health_(health), tail_(std::move(tail)), interval_(interval) {
  thread_ = thread_without_signals([this] { run(); });
}

void Committer::stop() {
  {
    Lock lock(queue_mutex_);
    stopping_ = true;
  }
  queued_.notify_all();
  if (thread_.joinable()) thread_.join();
}

/// One shared sync; `reached` is what it made durable.
Status Committer::lead(uint64_t& reached) {
  const auto tail = tail_();
  reached = tail.position;
  if (tail.files.empty()) return ok();
  const auto begin = Clock::now();
  Status result = ok();
  for (const auto& file : tail.files) {
    if (!result.has_value()) break;
    result = file->sync();
    syncs_.fetch_add(1, std::memory_order_relaxed);
  }
  // The kernel reports a failed write-back once and then forgets it: a later success would be a
  // lie.
  if (!result.has_value()) return health_.latch(result.error(), "a sync failed");
  on_sync_();
  Lock lock(mutex_);
  note_latency(Clock::now() - begin);
  return result;
}

void Committer::arrive(uint64_t requests) {
  const bool came = arrived_ < awaited_ && arrived_ + requests >= awaited_;
  arrived_ += requests;
  if (came) gathered_.notify_one();
}

/// The leader waits for those who were just answered, if they are worth it.
void Committer::gather(Lock& lock) {
  const auto begin = Clock::now();
  const uint64_t before = arrived_, awaited = covered_ + company_;
  if (before >= awaited || begin - last_end_ > usual_) return;
  if (pause_ > 0) {
    --pause_;
    return;
  }
  awaited_ = awaited;
  const auto until = begin + std::min<std::chrono::nanoseconds>(usual_ / 2, kLongestGathering);
  while (arrived_ < awaited && gathered_.wait_until(lock, until) != std::cv_status::timeout) {
  }
  awaited_ = UINT64_MAX;
  const bool came = 4 * (arrived_ - before) >= 3 * (awaited - before);
  disappointments_ = came ? 0 : std::min(disappointments_ + 1, kMostDisappointments);
  pause_ = (1u << disappointments_) - 1;
}

/// Those of waiting_ that need not wait any longer.
void Committer::take_finished(const Status& result, std::vector<Request*>& finished) {
  const uint64_t durable = result.has_value() ? durable_ : UINT64_MAX;
  const auto waits = [durable](const Request* r) { return r->position_ > durable; };
  const auto first = std::stable_partition(waiting_.begin(), waiting_.end(), waits);
  finished.assign(first, waiting_.end());
  waiting_.erase(first, waiting_.end());
}

/// Wakes them. Not under the lock: what they do next may need it.
void Committer::finish_all(const std::vector<Request*>& finished, const Status& result) {
  for (Request* r : finished) {
    const auto parking = r->parking_;
    r->result_ = result;
    r->state_.store(Request::State::kDone, std::memory_order_release);  // and then it may be gone
    parking->wake();
  }
}

void Committer::request(std::span<Request* const> requests, uint64_t position) {
  requests_.fetch_add(requests.size(), std::memory_order_relaxed);
  enter(requests, position, requests.size());
}

/// `arriving` of them were not counted yet.
void Committer::enter(std::span<Request* const> requests, uint64_t position, uint64_t arriving) {
  std::vector<Request*> finished;
  Status result = ok();
  std::shared_ptr<Parking> leader;
  {
    Lock lock(mutex_);
    // Also when all is durable: after a sync that failed none succeeds.
    result = health_.check();
    if (durable_ < position) arrive(arriving);
    if (durable_ >= position || !result.has_value()) {
      finished.assign(requests.begin(), requests.end());
    } else {
      for (Request* r : requests) r->position_ = position;
      waiting_.insert(waiting_.end(), requests.begin(), requests.end());
      leader = appoint();
    }
  }
  if (leader) leader->wake();
  finish_all(finished, result);
}

/// The first of those who wait syncs next, if nobody does. To be woken without the lock.
std::shared_ptr<Parking> Committer::appoint() {
  if (leading_ || waiting_.empty()) return nullptr;
  leading_ = true;
  Request* const next = waiting_.front();
  waiting_.erase(waiting_.begin());
  auto parking = next->parking_;
  next->state_.store(Request::State::kLeads, std::memory_order_release);
  return parking;
}

Status Committer::finish(Request& request) {
  using enum Request::State;
  while (request.state_.load(std::memory_order_acquire) == kWaits) request.parking_->wait();
  if (request.state_.load(std::memory_order_acquire) == kLeads) lead_for(request);
  return request.result_;
}

/// One sync, whose leader is the request's thread.
void Committer::lead_for(Request& request) {
  std::vector<Request*> finished;
  std::shared_ptr<Parking> next;
  Lock lock(mutex_);
  Status result = ok();
  if (durable_ < request.position_) {
    gather(lock);
    const uint64_t covered = arrived_;  // they had appended before they came
    lock.unlock();
    uint64_t reached = 0;
    result = health_.check();
    if (result.has_value()) result = lead(reached);
    lock.lock();
    company_ = arrived_ - covered_;
    covered_ = covered;
    last_end_ = Clock::now();
    if (result.has_value()) durable_ = std::max(durable_, reached);
  }
  leading_ = false;
  take_finished(result, finished);
  next = appoint();
  lock.unlock();
  request.result_ = result;
  if (next) next->wake();
  finish_all(finished, result);
}

Status Committer::sync(uint64_t position) {
  Request request;
  Request* const requests[] = {&request};
  this->request(requests, position);
  return finish(request);
}

void Committer::sync_async(uint64_t position, Done done) {
  {
    Lock lock(mutex_);
    if (durable_ >= position && !health_.latched()) {
      lock.unlock();
      done(ok());
      return;
    }
    arrive(1);
  }
  {
    Lock lock(queue_mutex_);
    if (!stopping_) {
      queue_.push_back({position, std::move(done)});
      queued_.notify_one();
      return;
    }
  }
  done(sync(position));
}

void Committer::set_interval(std::chrono::milliseconds interval) {
  {
    Lock lock(queue_mutex_);
    interval_ = interval;
  }
  queued_.notify_all();  // what waits may wait too long
}

void Committer::durable_up_to(uint64_t position) {
  std::vector<Request*> finished;
  {
    Lock lock(mutex_);
    durable_ = std::max(durable_, position);
    take_finished(ok(), finished);
  }
  finish_all(finished, ok());
}

void Committer::answer(const std::vector<Waiting>& batch) {
  uint64_t position = 0;
  for (const auto& waiting : batch) position = std::max(position, waiting.position);
  requests_.fetch_add(batch.size(), std::memory_order_relaxed);
  Request request;
  Request* const requests[] = {&request};
  enter(requests, position, 0);  // they were counted when they came
  const auto result = finish(request);
  for (const auto& waiting : batch) waiting.done(result);
}

void Committer::run() {
  while (true) {
    std::vector<Waiting> batch;
    {
      Lock lock(queue_mutex_);
      while (queue_.empty() && !stopping_) {
        if (interval_.count() == 0) {
          queued_.wait(lock);
        } else if (queued_.wait_for(lock, interval_) == std::cv_status::timeout) {
          break;
        }
      }
      batch.swap(queue_);
      if (batch.empty() && stopping_) return;
    }
    if (!batch.empty()) {
      answer(batch);
    } else if (!health_.latched()) {
      (void)sync(tail_().position);  // a failure latches, and that is reported everywhere
    }
  }
}

void Committer::note_latency(std::chrono::nanoseconds duration) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  recent_us_[recent_count_++ % recent_us_.size()] = uint32_t(us);
  all_ns_ += uint64_t(duration.count());
  usual_ = usual_.count() == 0 ? duration : (7 * usual_ + duration) / 8;
}

Committer::Latency Committer::latency() const {
  std::vector<uint32_t> sorted;
  Latency out;
  {
    Lock lock(mutex_);
    out.all = all_ns_ / 1000;
    sorted.assign(recent_us_.begin(),
                  recent_us_.begin() + long(std::min(recent_count_, recent_us_.size())));
  }
  if (sorted.empty()) return out;
  std::sort(sorted.begin(), sorted.end());
  out.p50 = sorted[sorted.size() / 2];
  out.p99 = sorted[sorted.size() * 99 / 100];
  return out;
}

}  // namespace memoria
