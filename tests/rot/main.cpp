// SPDX-License-Identifier: MIT
// rotten_stores [--seed N] [--stores M] [--save DIRECTORY]
// Makes stores with seeded workloads (merges, snapshots, patches, batches), damages their files at
// random, one to four times each, and opens, reads, verifies, repairs and goes on with what is
// left. What must hold is in bounds.hpp. Goes on from seed to seed until M stores were damaged.
// Without arguments: MEMORIA_TEST_SEED, and 300 stores times MEMORIA_TEST_ITERATIONS. Ends with
// code 1 at the first broken promise, and saves that store.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "tests/rot/rot.hpp"
#include "tests/rot/store_subject.hpp"
#include "tests/support/save_image.hpp"

namespace memoria::test {
namespace {

constexpr int kRotsPerStore = 20;

struct Settings {
  std::string save;
  uint64_t seed = base_seed(), stores = rounds(300);
};

bool parse(int argc, char** argv, Settings& settings) {
  if (argc % 2 != 1) return false;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    const uint64_t number = std::strtoull(argv[i + 1], nullptr, 0);
    if (name == "--seed") {
      settings.seed = number;
    } else if (name == "--stores" && number > 0) {
      settings.stores = number;
    } else if (name == "--save") {
      settings.save = argv[i + 1];
    } else {
      return false;
    }
  }
  return true;
}

/// One store, damaged several times anew. False: a promise was broken.
bool run_seed(const Settings& settings, uint64_t seed, RotTally& tally) {
  std::vector<std::string> done;
  Image after;
  try {
    const StoreSubject subject(seed);
    Random random(seed);
    for (int i = 0; i < kRotsPerStore && tally.stores < settings.stores; ++i) {
      done.clear();
      after = subject.image();
      done = rot(after, random);
      ++tally.stores;
      tally.damages += done.size();
      subject.check(after, random, tally);
    }
    return true;
  } catch (const Broken& broken) {
    std::cerr << "--seed " << seed << ": " << broken.what() << '\n';
    for (const auto& damage : done) std::cerr << "  " << damage << '\n';
    if (!settings.save.empty() && !done.empty()) save_image(after, settings.save);
    return false;
  }
}

int run(const Settings& settings) {
  RotTally tally;
  uint64_t seed = settings.seed;
  const auto begin = std::chrono::steady_clock::now();
  for (; tally.stores < settings.stores; ++seed) {
    if (!run_seed(settings, seed, tally)) return 1;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::cout << tally.stores << " rotten stores with " << tally.damages << " damages, seeds "
            << settings.seed << " to " << seed - 1 << ", " << tally.refused << " refused, "
            << tally.unreadable << " of " << tally.values << " values unreadable, " << tally.listed
            << " places named, " << uint64_t(took.count()) << " s: every promise kept\n";
  return 0;
}

}  // namespace
}  // namespace memoria::test

int main(int argc, char** argv) {
  memoria::test::Settings settings;
  if (!memoria::test::parse(argc, argv, settings)) {
    std::cerr << "usage: rotten_stores [--seed N] [--stores M] [--save DIRECTORY]\n";
    return 2;
  }
  return memoria::test::run(settings);
}
