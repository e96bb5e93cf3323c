// SPDX-License-Identifier: MIT
// crash_states store|volume [--seed N] [--states M] [--save DIRECTORY]
// Records seeded workloads on a simulated disk and opens what a crash at every point of them can
// leave: each prefix of what was done to the disk, subsets of what was not synced, out of order,
// writes torn at sectors. Each must be a state that was promised, and work on. Goes on from seed to
// seed until M states were seen. Without arguments: MEMORIA_TEST_SEED, and 20,000 states times
// MEMORIA_TEST_ITERATIONS. Ends with code 1 at the first broken promise, and saves that state, so
// that it can be opened again.
// Hints are written by a thread of the store, as are one in four workloads' merges: where their
// writes fall among the others is decided anew in each run.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "tests/crash/explorer.hpp"
#include "tests/support/save_image.hpp"

namespace memoria::test {
namespace {

struct Settings {
  std::string subject, save;
  uint64_t seed = base_seed(), states = rounds(20'000);
};

bool parse(int argc, char** argv, Settings& settings) {
  if (argc < 2 || argc % 2 != 0) return false;
  settings.subject = argv[1];
  for (int i = 2; i < argc; i += 2) {
    const std::string_view name = argv[i];
    const uint64_t number = std::strtoull(argv[i + 1], nullptr, 0);
    if (name == "--seed") {
      settings.seed = number;
    } else if (name == "--states" && number > 0) {
      settings.states = number;
    } else if (name == "--save") {
      settings.save = argv[i + 1];
    } else {
      return false;
    }
  }
  return settings.subject == "store" || settings.subject == "volume";
}

int run(const Settings& settings) {
  uint64_t states = 0, again = 0, operations = 0, seed = settings.seed;
  const auto begin = std::chrono::steady_clock::now();
  for (; states < settings.states; ++seed) {
    Explored explored;
    try {
      const auto recording = settings.subject == "store" ? record_store(seed) : record_volume(seed);
      explored = explore(*recording, seed, settings.states - states);
    } catch (const Broken& broken) {
      std::cerr << "--seed " << seed << ": the workload itself: " << broken.what() << '\n';
      return 1;
    }
    states += explored.states;
    again += explored.again;
    operations += explored.operations;
    if (explored.finding) {
      std::cerr << "--seed " << seed << ": " << explored.finding->what << '\n';
      if (!settings.save.empty()) save_image(explored.finding->image, settings.save);
      return 1;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::cout << settings.subject << ": " << states << " crash states and " << again
            << " more after going on, seeds " << settings.seed << " to " << seed - 1 << ", "
            << operations << " operations of the disk, " << uint64_t(took.count())
            << " s: every promise kept\n";
  return 0;
}

}  // namespace
}  // namespace memoria::test

int main(int argc, char** argv) {
  memoria::test::Settings settings;
  if (!memoria::test::parse(argc, argv, settings)) {
    std::cerr << "usage: crash_states store|volume [--seed N] [--states M] [--save DIRECTORY]\n";
    return 2;
  }
  return memoria::test::run(settings);
}
