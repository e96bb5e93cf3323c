// SPDX-License-Identifier: MIT
// Threads of the engine leave signals to the program's own threads.
#pragma once

#include <csignal>
#include <thread>
#include <utility>

namespace memoria {

/// Starts a thread with all signals blocked: one that should end the program must not land here.
template <class Function>
std::thread thread_without_signals(Function&& function) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::forward<Function>(function));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace memoria
