// SPDX-License-Identifier: MIT
#include "tools/bench/directories/timing.hpp"

#include <latch>
#include <thread>
#include <vector>

#include "core/base/signals.hpp"

namespace memoria::bench {

Result<double> seconds_of(const std::function<Status()>& work) {
  Stopwatch watch;
  watch.start();
  MEMORIA_TRY(work());
  watch.stop();
  return watch.seconds();
}

Result<double> seconds_of_threads(unsigned threads, const std::function<Status(unsigned)>& work) {
  if (threads == 1) return seconds_of([&] { return work(0); });
  std::vector<Status> ended(threads, ok());
  std::vector<std::thread> workers;
  std::latch ready(threads), start(1);
  for (unsigned i = 0; i < threads; ++i) {
    workers.push_back(thread_without_signals([&, i] {
      ready.count_down();
      start.wait();
      ended[i] = work(i);
    }));
  }
  ready.wait();
  Stopwatch watch;
  watch.start();
  start.count_down();
  for (auto& worker : workers) worker.join();
  watch.stop();
  for (const auto& end : ended) MEMORIA_TRY(end);
  return watch.seconds();
}

}  // namespace memoria::bench
