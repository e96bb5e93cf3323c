// SPDX-License-Identifier: MIT
// crash_states store|volume [--seed N] [--states M] [--save DIRECTORY]
// Records seeded workloads on a simulated disk and opens what a crash at every point of them can
// leave: each prefix of what was done to the disk, subsets of what was not synced, out of order,
// writes torn at sectors. Each must be a state that was promised, and work on. Goes on from seed to
// seed until M states were seen. Without arguments: MEMORIA_TEST_SEED, and 20,000 states times
// MEMORIA_TEST_ITERATIONS. Ends with code 1 at the first broken promise, and saves that state, so
// that it can be opened again. SIGINT and SIGTERM end it after the workload that it is at: a long
// run says what it has seen whenever it is told to stop. Hints are written by a thread of the
// store, as are one in four workloads' merges: where their writes fall among the others is decided
// anew in each run.
#include <csignal>
#include <iostream>
#include <string_view>

#include "tests/crash/explorer.hpp"
#include "tests/support/seeded_run.hpp"

namespace memoria::test {
namespace {

volatile std::sig_atomic_t stopping = 0;

int run(std::string_view subject, const SeededRun& run) {
  uint64_t states = 0, again = 0, operations = 0, seed = run.seed;
  for (; states < run.count && stopping == 0; ++seed) {
    Explored explored;
    try {
      const auto recording = subject == "store" ? record_store(seed) : record_volume(seed);
      explored = explore(*recording, seed, run.count - states);
    } catch (const Broken& broken) {
      std::cerr << "--seed " << seed << ": the workload itself: " << broken.what() << '\n';
      return 1;
    }
    states += explored.states;
    again += explored.again;
    operations += explored.operations;
    if (explored.finding) {
      std::cerr << "--seed " << seed << ": " << explored.finding->what << '\n';
      run.keep(explored.finding->image);
      return 1;
    }
  }
  std::cout << subject << ": " << states << " crash states and " << again
            << " more after going on, seeds " << run.seed << " to " << seed - 1 << ", "
            << operations << " operations of the disk, " << run.seconds()
            << " s: every promise kept\n";
  return 0;
}

}  // namespace
}  // namespace memoria::test

int main(int argc, char** argv) {
  using namespace memoria::test;
  for (const int number : {SIGINT, SIGTERM}) std::signal(number, [](int) { stopping = 1; });
  const std::span<char* const> arguments(argv, size_t(argc));
  const std::string_view subject = argc < 2 ? "" : argv[1];
  if (subject == "store" || subject == "volume") {
    if (const auto settings = parse_seeded_run(arguments.subspan(2), "--states", 20'000)) {
      return run(subject, *settings);
    }
  }
  std::cerr << "usage: crash_states store|volume [--seed N] [--states M] [--save DIRECTORY]\n";
  return 2;
}
