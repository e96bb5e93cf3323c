// SPDX-License-Identifier: MIT
// memoria-bench, the process: standard streams and signals.
#include "tools/bench/run.hpp"

#include <csignal>
#include <iostream>

namespace {

volatile std::sig_atomic_t interrupted = 0;

/// The first signal lets the present run end and clean up, the second ends the process.
void on_signal(int) {
  interrupted = 1;
}

}  // namespace

int main(int argc, char** argv) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = int(SA_RESETHAND | SA_RESTART);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
  return memoria::bench::run(argc, argv, std::cout, std::cerr, [] { return interrupted != 0; });
}
