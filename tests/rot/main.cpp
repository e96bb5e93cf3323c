// SPDX-License-Identifier: MIT
// rotten_stores [--seed N] [--stores M] [--save DIRECTORY]
// rotten_volumes, the same
// Makes stores or volumes with seeded workloads (merges, snapshots, patches, batches), damages
// their files at random, one to four times each, and opens, reads, verifies, repairs and goes on
// with what is left. What must hold is in bounds.hpp and volume_check.hpp. Goes on from seed to
// seed until M were damaged. Without arguments: MEMORIA_TEST_SEED, and 300 times
// MEMORIA_TEST_ITERATIONS. Ends with code 1 at the first broken promise, and saves that store.
#include <iostream>

#include "tests/crash/recording.hpp"
#include "tests/rot/rot.hpp"
#include "tests/rot/subject.hpp"
#include "tests/support/seeded_run.hpp"

namespace memoria::test {
namespace {

constexpr int kRotsPerSubject = 20;

/// One store, damaged several times anew. False: a promise was broken.
bool run_seed(const SeededRun& run, uint64_t seed, RotTally& tally) {
  std::vector<std::string> done;
  Image after;
  try {
    const auto subject = make_subject(seed);
    Random random(seed);
    for (int i = 0; i < kRotsPerSubject && tally.stores < run.count; ++i) {
      done.clear();
      after = subject->image();
      done = rot(after, random);
      ++tally.stores;
      tally.damages += done.size();
      subject->check(after, random, tally);
    }
    return true;
  } catch (const Broken& broken) {
    std::cerr << "--seed " << seed << ": " << broken.what() << '\n';
    for (const auto& damage : done) std::cerr << "  " << damage << '\n';
    if (!done.empty()) run.keep(after);
    return false;
  }
}

int run(const SeededRun& run) {
  RotTally tally;
  uint64_t seed = run.seed;
  for (; tally.stores < run.count; ++seed) {
    if (!run_seed(run, seed, tally)) return 1;
  }
  std::cout << tally.stores << " rotten " << kSubjects << " with " << tally.damages
            << " damages, seeds " << run.seed << " to " << seed - 1 << ", " << tally.refused
            << " refused, " << tally.unreadable << " of " << tally.values << " values unreadable, "
            << tally.listed << " places named, " << run.seconds() << " s: every promise kept\n";
  return 0;
}

}  // namespace
}  // namespace memoria::test

int main(int argc, char** argv) {
  using namespace memoria::test;
  const std::span<char* const> arguments(argv, size_t(argc));
  const auto settings = parse_seeded_run(arguments.subspan(1), "--stores", 300);
  if (settings) return run(*settings);
  std::cerr << "usage: rotten_" << kSubjects << " [--seed N] [--stores M] [--save DIRECTORY]\n";
  return 2;
}
