// SPDX-License-Identifier: MIT
// A merge that is interrupted at every step: by a crash, or by a call that fails.
#include <cerrno>
#include <utility>

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(merge_crash)

Options merge_options(uint64_t seed = 0) {
  auto options = quiet_options(3 << 10);
  options.inline_limit = 30;
  // Half of the merges ask for each record, and half walk.
  if (seed / 2 % 2 != 0) options.merge.walked_keys_per_record = 0;
  return options;
}

/// A closed store with dead, patched and erased values in several segments, the newest one sealed.
struct Prepared {
  Image image;
  Contents expected;
};

Prepared prepare(uint64_t seed) {
  Random random(seed);
  const auto environment = SimulatedEnvironment::make();
  auto store = open_store(environment, merge_options());
  for (int i = 0; i < 60; ++i) {
    const auto key = numbered("key", random.below(10));
    switch (random.below(6)) {
      case 0:
        REQUIRE_OK(store->erase(key));
        break;
      case 1:
        REQUIRE_OK(store->truncate(key, random.below(400)));
        break;
      case 2:
        if (store->contains(key)) REQUIRE_OK(store->punch(key, random.below(200), 100));
        break;
      case 3:
        REQUIRE_OK(store->write_at(key, random.below(500), random.bytes(200)));
        break;
      default:
        REQUIRE_OK(store->put(key, random.bytes(random.below(500))));
        break;
    }
  }
  Prepared out;
  out.expected = contents_of(*store);
  REQUIRE_OK(store->close());
  out.image = environment->image();
  return out;
}

MergeRequest request_for(uint64_t seed) {
  return seed % 2 == 0 ? MergeRequest{.all = true} : MergeRequest{.min_dead = 0.4};
}

void check_survivor(const Image& image, const Contents& expected) {
  const auto environment = SimulatedEnvironment::make(image);
  auto store = open_store(environment, merge_options());
  check_contents(*store, expected);
  unwrap(store->merge({.all = true}));
  check_contents(*store, expected);
  reopen(store, environment, merge_options());
  check_contents(*store, expected);
  BOOST_REQUIRE(unwrap(store->verify()).clean());
  BOOST_REQUIRE(environment->files(".merge").empty());
}

BOOST_AUTO_TEST_CASE(a_crash_at_any_step_of_a_merge_changes_nothing) {
  for (uint64_t round = 0; round < rounds(4); ++round) {
    const uint64_t seed = base_seed() + round;
    WITH_SEED(seed) {
      const auto prepared = prepare(seed);
      const auto environment = SimulatedEnvironment::make(prepared.image);
      environment->start_trace();
      {
        const auto store = open_store(environment, merge_options(seed));
        const auto report = unwrap(store->merge(request_for(seed)));
        BOOST_REQUIRE(!report.inputs.empty());
        REQUIRE_OK(store->close());
      }
      Random random(seed);
      SimulatedDisk disk(prepared.image);
      for (size_t length = 0; length <= environment->trace().size(); ++length) {
        if (length > 0) disk.apply(environment->trace()[length - 1]);
        for (const auto loss :
             {Loss::kNothing, Loss::kUnsynced, Loss::kLatestOnly, Loss::kRandom}) {
          BOOST_TEST_CONTEXT("crash after " << length << " operations, loss " << int(loss)) {
            check_survivor(disk.after_crash(loss, random), prepared.expected);
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_call_that_fails_at_any_step_of_a_merge_loses_nothing) {
  // All and some segments, walking and asking.
  for (const auto& [error, seed] :
       {std::pair(EIO, 0), {ENOSPC, 0}, {EIO, 1}, {EIO, 2}, {ENOSPC, 3}}) {
    const auto prepared = prepare(base_seed());
    for (uint64_t n = 1;; ++n) {
      BOOST_TEST_CONTEXT("call " << n << ", errno " << error << ", options of seed " << seed) {
        const auto environment = SimulatedEnvironment::make(prepared.image);
        auto store = open_store(environment, merge_options(uint64_t(seed)));
        environment->inject({.calls = kAllCalls, .nth = n, .error = error, .partial = true});
        const auto result = store->merge(request_for(uint64_t(seed)));
        const bool hit = environment->faults_hit() > 0;
        environment->clear_faults();
        check_contents(*store, prepared.expected);
        if (!result && error == ENOSPC && !store->stats().read_only) {
          // After a full disk the merge can simply be tried again.
          unwrap(store->merge({.all = true}));
          check_contents(*store, prepared.expected);
        }
        (void)store->close();
        store.reset();
        check_survivor(environment->image(), prepared.expected);
        Random random(n);
        check_survivor(environment->after_crash(Loss::kRandom, random), prepared.expected);
        if (!hit) break;
      }
    }
  }
}

/// A merge writes a value's size down when the records that gave it are dead; what killed them may
/// be unsynced.
BOOST_AUTO_TEST_CASE(an_output_is_never_durable_before_the_changes_that_it_knows_of) {
  const auto environment = SimulatedEnvironment::make();
  environment->start_trace();
  const Contents before = {{"other", "old"}, {"value", std::string(100, 'v')}};
  Contents after = before;
  {
    const auto store = open_store(environment, merge_options());
    for (const auto& [key, bytes] : before) REQUIRE_OK(store->put(key, bytes));
    unwrap(store->create_snapshot("rotates"));
    REQUIRE_OK(store->put("other", "new"));
    REQUIRE_OK(store->write_at("value", 100, std::string(50, 'w')));
    REQUIRE_OK(store->punch("value", 100, 50));
    after["other"] = "new";
    after["value"].resize(150, '\0');
    unwrap(store->merge({.min_dead = 0}));
  }
  SimulatedDisk disk;
  Random random(base_seed());
  for (const auto& operation : environment->trace()) {
    disk.apply(operation);
    if (operation.type != Operation::Type::kSyncDirectory || disk.find("snapshots/rotates/") == 0) {
      continue;
    }
    const auto image = disk.after_crash(Loss::kUnsynced, random);
    const auto found = contents_of(*open_store(SimulatedEnvironment::make(image), merge_options()));
    BOOST_TEST((found == before || found == after));
  }
}

/// An output that has its name when the merge fails must not be forgotten: a later merge would drop
/// the tombstones that hide what is in it.
BOOST_AUTO_TEST_CASE(a_merge_that_fails_leaves_no_output_that_brings_erased_keys_back) {
  for (const uint32_t calls : {kCallSyncDirectory | 0, kCallSyncDirectory | kCallRemove}) {
    for (uint64_t n = 1; n <= 6; ++n) {
      BOOST_TEST_CONTEXT("call " << n << " of kinds " << calls) {
        const auto environment = SimulatedEnvironment::make();
        auto store = open_store(environment, merge_options());
        REQUIRE_OK(store->put("erased", std::string(100, 'e')));
        REQUIRE_OK(store->put("kept", "value"));
        REQUIRE_OK(store->create_snapshot("rotates"));
        environment->inject({.calls = calls, .nth = n, .error = ENOSPC, .times = 0});
        (void)store->merge({.min_dead = 0});
        environment->clear_faults();
        REQUIRE_OK(store->erase("erased"));
        unwrap(store->merge({.all = true}));
        unwrap(store->merge({.all = true}));
        check_contents(*store, {{"kept", "value"}});
        reopen(store, environment, merge_options());
        check_contents(*store, {{"kept", "value"}});
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_snapshot_behind_a_failed_removal_brings_nothing_back_that_was_erased) {
  for (uint64_t n = 1; n <= 6; ++n) {
    BOOST_TEST_CONTEXT("removal " << n) {
      const auto environment = SimulatedEnvironment::make();
      auto store = open_store(environment, merge_options());
      REQUIRE_OK(store->put("erased", std::string(100, 'e')));
      REQUIRE_OK(store->put("kept", "value"));
      unwrap(store->create_snapshot("sealing"));
      REQUIRE_OK(store->erase("erased"));
      REQUIRE_OK(store->remove_snapshot("sealing"));
      environment->inject({.calls = kCallRemove, .nth = n, .error = EIO});
      (void)store->merge({.all = true});
      environment->clear_faults();
      BOOST_TEST(!store->contains("erased"));
      unwrap(store->create_snapshot("s"));
      check_contents(*unwrap(store->open_snapshot("s")), {{"kept", "value"}});
    }
  }
}

BOOST_AUTO_TEST_CASE(a_snapshot_behind_a_merge_that_failed_is_the_store) {
  for (const auto& [error, seed] : {std::pair(EIO, 0), {ENOSPC, 1}, {EIO, 2}}) {
    const auto prepared = prepare(base_seed());
    bool was_hit = true;
    for (uint64_t n = 1; was_hit; ++n) {
      BOOST_TEST_CONTEXT("error " << error << " at call " << n) {
        const auto environment = SimulatedEnvironment::make(prepared.image);
        auto store = open_store(environment, merge_options(uint64_t(seed)));
        environment->inject({.calls = kAllCalls, .nth = n, .error = error, .partial = true});
        (void)store->merge(request_for(uint64_t(seed)));
        was_hit = environment->faults_hit() > 0;
        environment->clear_faults();
        if (store->create_snapshot("s").has_value()) {
          check_contents(*unwrap(store->open_snapshot("s")), prepared.expected);
        }
        check_contents(*store, prepared.expected);
        (void)store->close();
        check_survivor(environment->image(), prepared.expected);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(inputs_are_deleted_only_when_outputs_are_durable) {
  const auto prepared = prepare(base_seed());
  const auto environment = SimulatedEnvironment::make(prepared.image);
  environment->start_trace();
  {
    const auto store = open_store(environment, merge_options());
    unwrap(store->merge({.all = true}));
  }
  SimulatedDisk disk(prepared.image);
  Random random(1);
  bool removed = false;
  for (const auto& operation : environment->trace()) {
    const bool removes_data =
        operation.type == Operation::Type::kRemove && operation.name.ends_with(".data");
    if (removes_data && !removed) {
      removed = true;
      // What is durable at this moment must hold everything even if the inputs were gone.
      auto image = disk.after_crash(Loss::kUnsynced, random);
      image.erase(operation.name);
      image.erase(operation.name.substr(0, operation.name.size() - 5) + ".hint");
      check_survivor(image, prepared.expected);
    }
    disk.apply(operation);
  }
  BOOST_TEST(removed);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
