// SPDX-License-Identifier: MIT
// A crash at every point of a workload, with every kind of loss: the store is then what it was
// after some prefix of its changes, and never less than what was synced.
#include <algorithm>
#include <set>

#include "tests/core/store_helpers.hpp"
#include "tests/support/random_operations.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(crash)

/// A workload that was recorded: the disk's trace, and which promises held when.
class Recording {
 public:
  /// What the store said when the trace was this long.
  struct Promise {
    size_t trace_size;
    size_t returned;  ///< this many changes had returned
    size_t synced;    ///< this many were synced
  };

  Recording(uint64_t seed, int changes) : random_(seed) {
    options_ = quiet_options(random_.between(2 << 10, 8 << 10));
    options_.inline_limit = random_.below(2) * 80;
    if (random_.one_in(3)) options_.sync_policy = SyncPolicy::kAlways;
    environment_->start_trace();
    states_.emplace_back();
    RandomOperations operations(seed + 1, 8);
    auto store = open_store(environment_, options_);
    note();
    for (int i = 0; i < changes; ++i) {
      const auto operation = operations.next(states_.back());
      auto state = states_.back();
      operation.perform(state);
      states_.push_back(std::move(state));
      REQUIRE_OK(operation.perform(*store));
      ++returned_;
      if (options_.sync_policy == SyncPolicy::kAlways) synced_ = returned_;
      note();
      upkeep(store);
    }
    REQUIRE_OK(store->close());
    synced_ = returned_;
    note();
  }

  const std::vector<Operation>& trace() const { return environment_->trace(); }
  const Options& options() const { return options_; }
  const std::vector<Contents>& states() const { return states_; }

  /// The promises that held when `length` operations of the trace had happened, and how many
  /// changes had begun by then.
  Promise at(size_t length) const {
    Promise p{length, 0, 0};
    for (const auto& promise : promises_) {
      if (promise.trace_size > length) break;
      p = promise;
    }
    return p;
  }

 private:
  void note() { promises_.push_back({environment_->trace_size(), returned_, synced_}); }

  void upkeep(StorePtr& store) {
    if (random_.one_in(6)) {
      REQUIRE_OK(store->sync());
      synced_ = returned_;
    }
    if (random_.one_in(20)) unwrap(store->merge({.min_dead = double(random_.below(8)) / 10}));
    if (random_.one_in(30)) unwrap(store->merge({.all = true}));
    if (random_.one_in(30)) unwrap(store->rebuild_hints(true));
    if (random_.one_in(30)) {
      reopen(store, environment_, options_);
      synced_ = returned_;
    }
    note();
  }

  Random random_;
  Options options_;
  std::shared_ptr<SimulatedEnvironment> environment_ = SimulatedEnvironment::make();
  std::vector<Contents> states_;  ///< after 0, 1, 2... changes
  std::vector<Promise> promises_;
  size_t returned_ = 0, synced_ = 0;
};

/// Which keys differ from a state, and how.
std::string difference(const Contents& actual, const Contents& state) {
  std::string out;
  for (const auto& [key, value] : state) {
    const auto it = actual.find(key);
    if (it == actual.end()) out += "\n  " + key + " is missing";
    if (it == actual.end() || it->second == value) continue;
    const auto at = std::mismatch(value.begin(), value.end(), it->second.begin(), it->second.end());
    out += "\n  " + key + " is " + brief(it->second) + ", there " + brief(value) +
           ", different from byte " + std::to_string(at.first - value.begin());
  }
  for (const auto& [key, value] : actual) {
    if (!state.contains(key)) out += "\n  " + key + " should not be there";
  }
  return out;
}

/// Which state this is, from `least` on; fails the test when it is none.
size_t find_state(const Recording& recording, const Contents& contents, size_t least, size_t most) {
  const auto& states = recording.states();
  for (size_t i = least; i <= most && i < states.size(); ++i) {
    if (states[i] == contents) return i;
  }
  for (size_t i = 0; i < states.size(); ++i) {
    BOOST_REQUIRE_MESSAGE(states[i] != contents, "the store is back at change "
                                                     << i << ", promised were " << least << " to "
                                                     << most);
  }
  std::string nearest;
  for (size_t i = least; i <= most && i < states.size(); ++i) {
    const auto text = difference(contents, states[i]);
    if (nearest.empty() || text.size() < nearest.size()) {
      nearest = "; nearest is state " + std::to_string(i) + text;
    }
  }
  BOOST_FAIL("the store is no prefix of its changes; promised were " << least << " to " << most
                                                                     << nearest);
  return 0;
}

/// Opens what a crash left; checks it; goes on working; checks that, too.
void check_image(const Recording& recording, const Image& image, size_t least, size_t most,
                 uint64_t seed) {
  const auto environment = SimulatedEnvironment::make(image);
  auto store = open_store(environment, recording.options());
  const auto contents = contents_of(*store);
  find_state(recording, contents, least, most);
  auto expected = contents;
  RandomOperations operations(seed, 8);
  for (int i = 0; i < 4; ++i) {
    const auto operation = operations.next(expected);
    REQUIRE_OK(operation.perform(*store));
    operation.perform(expected);
  }
  if (seed % 4 == 0) unwrap(store->merge({.all = true}));
  reopen(store, environment, recording.options());
  check_contents(*store, expected);
  for (const auto& [name, bytes] : environment->image()) {
    BOOST_REQUIRE_MESSAGE(!name.ends_with(".merge") && !name.ends_with(".tmp"), name << " is left");
  }
}

void check_every_prefix(uint64_t seed, int changes) {
  const Recording recording(seed, changes);
  Random random(seed);
  SimulatedDisk disk;
  const auto& trace = recording.trace();
  for (size_t length = 0; length <= trace.size(); ++length) {
    if (length > 0) disk.apply(trace[length - 1]);
    const auto promise = recording.at(length);
    // The change under way may be there completely, although it has not returned.
    const size_t most = promise.returned + 1;
    for (const auto loss : {Loss::kNothing, Loss::kUnsynced, Loss::kLatestOnly, Loss::kRandom}) {
      // The extreme losses at every point, the random ones at a third of them.
      const bool chosen = loss == Loss::kUnsynced || loss == Loss::kRandom;
      if (!chosen && !random.one_in(3)) continue;
      BOOST_TEST_CONTEXT("crash after " << length << " of " << trace.size() << " operations, loss "
                                        << int(loss)) {
        const auto image = disk.after_crash(loss, random);
        const size_t least = loss == Loss::kNothing ? promise.returned : promise.synced;
        check_image(recording, image, least, most, random.next());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(every_prefix_of_the_trace_recovers_to_a_prefix_of_the_changes) {
  for (uint64_t round = 0; round < rounds(4); ++round) {
    const uint64_t seed = base_seed() + round;
    WITH_SEED(seed) {
      check_every_prefix(seed, 70);
    }
  }
}

/// A crash while recovering from a crash while recovering.
BOOST_AUTO_TEST_CASE(a_crash_during_recovery_loses_nothing_more) {
  for (uint64_t round = 0; round < rounds(3); ++round) {
    const uint64_t seed = base_seed() + round;
    WITH_SEED(seed) {
      const Recording recording(seed, 40);
      Random random(seed);
      SimulatedDisk disk;
      const auto& trace = recording.trace();
      for (size_t length = 0; length < trace.size(); ++length) {
        disk.apply(trace[length]);
        if (!random.one_in(8)) continue;
        const auto promise = recording.at(length + 1);
        const auto first = disk.after_crash(Loss::kRandom, random);
        // Record the recovery, then cut it anywhere.
        const auto environment = SimulatedEnvironment::make(first);
        environment->start_trace();
        open_store(environment, recording.options());
        SimulatedDisk again(first);
        for (size_t n = 0; n <= environment->trace().size(); ++n) {
          if (n > 0) again.apply(environment->trace()[n - 1]);
          const auto image =
              again.after_crash(n % 2 == 0 ? Loss::kRandom : Loss::kUnsynced, random);
          check_image(recording, image, promise.synced, promise.returned + 1, random.next());
        }
      }
    }
  }
}

/// The process is killed anywhere, a new one opens the store and syncs, and then the power goes:
/// what the first one wrote is as durable as what the second one did.
BOOST_AUTO_TEST_CASE(a_sync_after_a_restart_covers_what_the_killed_process_wrote) {
  for (uint64_t round = 0; round < rounds(3); ++round) {
    const uint64_t seed = base_seed() + round;
    WITH_SEED(seed) {
      const Recording recording(seed, 50);
      Random random(seed);
      SimulatedDisk disk;
      const auto& trace = recording.trace();
      for (size_t length = 0; length < trace.size(); ++length) {
        disk.apply(trace[length]);
        const auto promise = recording.at(length + 1);
        BOOST_TEST_CONTEXT("killed after " << length + 1 << " of " << trace.size()
                                           << " operations") {
          const auto environment = SimulatedEnvironment::restart(disk);
          auto store = open_store(environment, recording.options());
          const auto contents = contents_of(*store);
          find_state(recording, contents, promise.returned, promise.returned + 1);
          REQUIRE_OK(store->sync());
          const auto lost = environment->after_crash(Loss::kUnsynced, random);
          check_contents(*open_store(SimulatedEnvironment::make(lost)), contents);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
