// SPDX-License-Identifier: MIT
// Tells whether an object is still in the process that made it: behind fork() there are two.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

namespace memoria {

/// Made where the object is made. Thread-safe, and as cheap as reading a variable.
class ProcessMark {
 public:
  ProcessMark() {
    [[maybe_unused]] static const int registered =
        ::pthread_atfork(nullptr, nullptr, [] { forks_.fetch_add(1, std::memory_order_relaxed); });
    made_ = forks_.load(std::memory_order_relaxed);
  }

  bool is_of_this_process() const { return made_ == forks_.load(std::memory_order_relaxed); }

 private:
  static inline std::atomic<uint32_t> forks_{0};  ///< between the first process and this one
  uint32_t made_ = 0;
};

}  // namespace memoria
