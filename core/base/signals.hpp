// SPDX-License-Identifier: MIT
// Threads of the engine leave signals to the program's own threads.
#pragma once

#include <csignal>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace memoria {

/// Starts a thread with all signals blocked: one that should end the program must not land here.
template <class Function>
std::thread thread_without_signals(Function&& function) {
  const struct Blocked {
    Blocked() {
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, &before);
    }
    ~Blocked() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
    sigset_t before;
  } blocked;  // also until an exception has left: there may be no threads to be had
  return std::thread(std::forward<Function>(function));
}

/// The same, for one that is not indispensable. False: the system gives no more threads.
template <class Function>
bool add_helper(std::vector<std::thread>& helpers, Function&& function) {
  try {
    helpers.push_back(thread_without_signals(std::forward<Function>(function)));
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace memoria
