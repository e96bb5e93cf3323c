// SPDX-License-Identifier: MIT
#include "tools/bench/engine_measure.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

namespace memoria::bench {
namespace {

constexpr uint64_t kTurnsPerLook = 16;  // at the clock

}  // namespace

double Latencies::percentile_us(double part) {
  if (us_.empty()) return 0;
  const auto at = us_.begin() + std::min<std::ptrdiff_t>(std::ptrdiff_t(double(us_.size()) * part),
                                                         std::ptrdiff_t(us_.size()) - 1);
  std::nth_element(us_.begin(), at, us_.end());
  return *at;
}

Result<double> us_per_call(uint64_t count, double seconds, const Call& call) {
  Timer watch;
  uint64_t turn = 0;
  while (turn < count && (turn % kTurnsPerLook != 0 || watch.seconds() < seconds)) {
    MEMORIA_TRY(call(turn++));
  }
  return watch.seconds() * 1e6 / double(std::max<uint64_t>(turn, 1));
}

Result<double> calls_per_second(unsigned threads, double seconds, const Call& call) {
  std::atomic<uint64_t> done{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;  // guards failure
  std::optional<Error> failure;
  auto work = [&](unsigned which) {
    uint64_t mine = 0;
    for (; !stop.load(std::memory_order_relaxed); ++mine) {
      if (auto status = call(mine * threads + which); !status.has_value()) {
        std::lock_guard lock(mutex);
        failure = std::move(status).error();
        stop = true;
      }
    }
    done += mine;
  };
  Timer watch;
  std::vector<std::thread> workers;
  for (unsigned i = 0; i < threads; ++i) workers.emplace_back(work, i);
  while (watch.seconds() < seconds && !stop) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  stop = true;
  for (auto& worker : workers) worker.join();
  if (failure) return std::move(*failure);
  return double(done) / watch.seconds();
}

Result<Latencies> latencies_beside(const std::function<Status()>& work, const Call& call) {
  std::atomic<bool> stop{false};
  std::optional<Error> failure;
  Latencies latencies;
  std::thread beside([&] {
    for (uint64_t turn = 0; !failure && (turn == 0 || !stop); ++turn) {
      Timer watch;
      auto status = call(turn);
      latencies.add(watch.seconds());
      if (!status.has_value()) failure = std::move(status).error();
    }
  });
  const Status worked = work();
  stop = true;
  beside.join();
  MEMORIA_TRY(worked);
  if (failure) return std::move(*failure);
  return latencies;
}

Status expect_value(Engine& engine, std::string_view key, std::string_view value,
                    std::string& scratch) {
  MEMORIA_TRY(const bool found, engine.get(key, scratch));
  if (!found) return Error(Errc::kCorrupt, "a key that was put is not there");
  if (scratch != value) return Error(Errc::kCorrupt, "a value is not what was put");
  return ok();
}

Status load(Engine& engine, const Values& values, uint64_t count, size_t value_bytes,
            uint64_t version) {
  for (uint64_t i = 0; i < count; ++i) {
    MEMORIA_TRY(engine.put(view(spread_key(i)), values.at(i, value_bytes, version)));
  }
  return ok();
}

}  // namespace memoria::bench
