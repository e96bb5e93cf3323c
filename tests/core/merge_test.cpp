// SPDX-License-Identifier: MIT
// A merge keeps what is live, drops what is dead, and gives the space back.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(merge)

struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  Options options = quiet_options(16 << 10);
  StorePtr store = open_store(environment, options);
  Contents expected;
  Random random{base_seed()};

  void put(const std::string& key, size_t size) {
    expected[key] = random.bytes(size);
    REQUIRE_OK(store->put(key, expected[key]));
  }
  /// Each of `keys` keys gets `versions` values.
  void overwrite(int keys, int versions, size_t size = 500) {
    for (int v = 0; v < versions; ++v) {
      for (int k = 0; k < keys; ++k) put(numbered("key", k), size);
    }
  }
  void check_everything() {
    check_contents(*store, expected);
    reopen(store, environment, options);
    check_contents(*store, expected);
    for (const auto& hint : environment->files(".hint")) environment->delete_file(hint);
    reopen(store, environment, options);
    check_contents(*store, expected);
    BOOST_REQUIRE((replay(read_log(environment->image())) == expected));
    BOOST_REQUIRE(unwrap(store->verify()).clean());
  }
};

BOOST_FIXTURE_TEST_CASE(live_records_stay_dead_ones_go_and_space_is_freed, Fixture) {
  overwrite(30, 10);
  const auto before = environment->used_bytes();
  const auto dead = store->stats().dead_bytes;
  const auto report = unwrap(store->merge({.all = true}));
  BOOST_TEST(report.inputs.size() > 5u);
  BOOST_TEST(!report.outputs.empty());
  BOOST_TEST(report.records_copied == 30u);
  BOOST_TEST(report.bytes_read > 0u);
  BOOST_TEST(report.bytes_written > 0u);
  BOOST_TEST(report.bytes_freed >= dead / 2);
  BOOST_TEST(environment->used_bytes() < before / 2);
  BOOST_TEST(store->stats().dead_bytes == 0u);
  for (const auto id : report.inputs)
    BOOST_TEST(!environment->exists(segment_file(id, kDataSuffix)));
  for (const auto id : report.outputs)
    BOOST_TEST(environment->exists(segment_file(id, kHintSuffix)));
  BOOST_TEST(environment->files(".merge").empty());
  // A hint that was being written in the background meanwhile is gone at the latest now.
  REQUIRE_OK(store->close());
  for (const auto id : report.inputs) {
    BOOST_TEST(!environment->exists(segment_file(id, kHintSuffix)));
  }
  store = open_store(environment, options);
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(a_store_without_dead_bytes_keeps_its_contents, Fixture) {
  overwrite(40, 1);
  unwrap(store->merge({.all = true}));
  unwrap(store->merge({.all = true}));
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(an_empty_store_can_be_merged, Fixture) {
  unwrap(store->merge({.all = true}));
  unwrap(store->merge({}));
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(when_everything_is_dead_nothing_remains, Fixture) {
  overwrite(20, 3);
  for (int i = 0; i < 20; ++i) REQUIRE_OK(store->erase(numbered("key", i)));
  expected.clear();
  const auto report = unwrap(store->merge({.all = true}));
  BOOST_TEST(report.records_copied == 0u);
  BOOST_TEST(report.erasers_dropped >= 20u);
  BOOST_TEST(store->stats().live_bytes == 0u);
  BOOST_TEST(store->stats().dead_bytes == 0u);
  BOOST_TEST(store->stats().eraser_bytes == 0u);
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(only_segments_with_enough_dead_bytes_are_taken, Fixture) {
  for (int i = 0; i < 60; ++i) put(numbered("stays", i), 900);
  REQUIRE_OK(store->close());
  store = open_store(environment, options);
  overwrite(1, 60, 900);
  finish_hints(*store);  // all full segments are sealed, too
  const auto stats = store->stats();
  std::vector<uint64_t> wanted;
  for (const auto& s : stats.segments) {
    const double dead =
        double(s.dead_bytes) / double(s.dead_bytes + s.live_bytes + s.eraser_bytes + 1);
    if (s.sealed && dead > 0.6) wanted.push_back(s.id);
  }
  BOOST_TEST(wanted.size() >= 2u);
  const auto report = unwrap(store->merge({.min_dead = 0.6}));
  BOOST_TEST((report.inputs == wanted));
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(a_dry_run_tells_and_changes_nothing, Fixture) {
  overwrite(30, 5);
  REQUIRE_OK(store->close());
  store = open_store(environment, options);  // all hints are written, and none will be
  const auto image = environment->image();
  const auto report = unwrap(store->merge({.min_dead = 0.5, .dry_run = true}));
  BOOST_TEST(!report.inputs.empty());
  BOOST_TEST(report.bytes_freed > 0u);
  BOOST_TEST((environment->image() == image));
  const auto real = unwrap(store->merge({.min_dead = 0.5}));
  BOOST_TEST((real.inputs == report.inputs));
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(copies_keep_their_timestamps, Fixture) {
  overwrite(10, 3);
  std::map<std::string, uint64_t> before;
  for (const auto& [key, value] : expected) before[key] = store->info(key)->timestamp;
  unwrap(store->merge({.all = true}));
  for (const auto& [key, timestamp] : before) BOOST_TEST(store->info(key)->timestamp == timestamp);
  reopen(store, environment, options);
  for (const auto& [key, timestamp] : before) BOOST_TEST(store->info(key)->timestamp == timestamp);
}

BOOST_FIXTURE_TEST_CASE(a_value_whose_end_was_punched_keeps_its_size, Fixture) {
  REQUIRE_OK(store->put("put", std::string(1000, 'x')));
  REQUIRE_OK(store->punch("put", 500, 500));
  REQUIRE_OK(store->put("all", std::string(1000, 'x')));
  REQUIRE_OK(store->punch("all", 0, 1000));
  REQUIRE_OK(store->write_at("piece", 5000, std::string(100, 'y')));
  REQUIRE_OK(store->punch("piece", 5050, 50));
  REQUIRE_OK(store->truncate("hole", 70000));
  REQUIRE_OK(store->put("front", std::string(1000, 'x')));
  REQUIRE_OK(store->punch("front", 0, 600));
  expected["put"] = std::string(500, 'x') + std::string(500, '\0');
  expected["all"] = std::string(1000, '\0');
  expected["piece"] = std::string(5000, '\0') + std::string(50, 'y') + std::string(50, '\0');
  expected["hole"] = std::string(70000, '\0');
  expected["front"] = std::string(600, '\0') + std::string(400, 'x');
  for (int round = 0; round < 3; ++round) {
    unwrap(store->merge({.all = true}));
    check_everything();
  }
}

BOOST_FIXTURE_TEST_CASE(a_value_cut_and_grown_again_keeps_its_size_and_its_hole, Fixture) {
  REQUIRE_OK(store->put("key", std::string(1000, 'x')));
  REQUIRE_OK(store->truncate("key", 100));
  REQUIRE_OK(store->truncate("key", 800));
  REQUIRE_OK(store->put("cut", std::string(1000, 'x')));
  REQUIRE_OK(store->truncate("cut", 0));
  expected["key"] = std::string(100, 'x') + std::string(700, '\0');
  expected["cut"] = "";
  for (int round = 0; round < 3; ++round) {
    unwrap(store->merge({.all = true}));
    check_everything();
  }
  REQUIRE_OK(store->write_at("key", 900, "end"));
  expected["key"] += std::string(100, '\0') + "end";
  unwrap(store->merge({.all = true}));
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(of_a_partly_overwritten_value_only_the_live_ranges_are_copied, Fixture) {
  expected["key"] = random.bytes(100 << 10);
  REQUIRE_OK(store->put("key", expected["key"]));
  const std::string patch(90 << 10, 'p');
  REQUIRE_OK(store->write_at("key", 5 << 10, patch));
  expected["key"].replace(5 << 10, patch.size(), patch);
  unwrap(store->merge({.all = true}));
  BOOST_TEST(store->stats().dead_bytes == 0u);
  BOOST_TEST(environment->used_bytes() < 140u << 10);
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(patched_values_survive_repeated_partial_merges, Fixture) {
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 30; ++i) {
      const auto key = numbered("key", random.below(6));
      auto& value = expected[key];
      const auto bytes = random.bytes(random.between(1, 700));
      const auto at = random.below(4000);
      if (value.size() < at + bytes.size()) value.resize(at + bytes.size());
      value.replace(at, bytes.size(), bytes);
      REQUIRE_OK(store->write_at(key, at, bytes));
      if (random.one_in(10)) {
        const auto size = random.below(4500);
        value.resize(size);
        REQUIRE_OK(store->truncate(key, size));
      }
    }
    unwrap(store->merge({.min_dead = double(random.below(8)) / 10}));
    check_contents(*store, expected);
  }
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(a_stale_hint_after_a_merge_brings_nothing_back, Fixture) {
  overwrite(20, 3);
  REQUIRE_OK(store->close());
  const auto before = environment->image();
  store = open_store(environment, options);
  for (int i = 0; i < 20; ++i) REQUIRE_OK(store->erase(numbered("key", i)));
  expected.clear();
  unwrap(store->merge({.all = true}));
  REQUIRE_OK(store->close());
  // The hints of the segments that are gone turn up again, under their own and under new names.
  const auto now = environment->files(".data");
  for (const auto& [name, bytes] : before) {
    if (!name.ends_with(".hint")) continue;
    environment->set_contents(name, bytes);
    for (const auto& data : now) {
      environment->set_contents(data.substr(0, data.size() - 5) + ".hint", bytes);
    }
  }
  store = open_store(environment, options);
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(a_cancelled_merge_leaves_nothing_half_done, Fixture) {
  overwrite(30, 10);
  for (int stop_after = 1; stop_after < 6; ++stop_after) {
    int calls = 0;
    const auto result = store->merge({.all = true}, [&](const Progress& p) {
      BOOST_TEST(p.phase == "merge");
      BOOST_TEST((p.total == 0 || p.done <= p.total));
      return ++calls < stop_after;
    });
    if (!result) CHECK_FAILS(Errc::kCancelled, result);
    BOOST_TEST(environment->files(".merge").empty());
    check_contents(*store, expected);
    overwrite(30, 3);
  }
  check_everything();
  unwrap(store->merge({.all = true}));
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(the_progress_is_that_of_what_is_copied, Fixture) {
  overwrite(30, 10);  // nine of ten are dead
  reopen(store, environment, options);
  const auto before = store->stats();
  uint64_t last = 0, total = 0;
  unwrap(store->merge({.all = true}, [&](const Progress& p) {
    BOOST_TEST(p.done >= last);
    last = p.done;
    total = p.total;
    return true;
  }));
  BOOST_TEST(total > 0u);
  BOOST_TEST(total <= before.live_bytes + before.eraser_bytes);
  BOOST_TEST(last == total);
}

/// Runs `second` while a merge is at work, which ends when it returns.
template <class Second>
void beside_a_merge(Store& store, const Second& second) {
  std::atomic<bool> running = false, done = false;
  std::thread first([&] {
    const auto merged = store.merge({.all = true}, [&](const Progress&) {
      running = true;
      while (!done) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return true;
    });
    (void)merged;
  });
  while (!running) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  second([&] { done = true; });
  done = true;
  first.join();
}

BOOST_FIXTURE_TEST_CASE(who_waits_for_a_merge_is_told_so_and_may_give_up, Fixture) {
  overwrite(30, 10);
  beside_a_merge(*store, [&](const auto&) {
    std::string phase;
    const auto give_up = [&](const Progress& p) {
      phase = p.phase;
      return false;
    };
    CHECK_FAILS(Errc::kCancelled, store->merge({.all = true}, give_up));
    BOOST_TEST(phase == "waiting for a merge that is running");
    phase.clear();
    CHECK_FAILS(Errc::kCancelled, store->rebuild_hints(false, give_up));
    BOOST_TEST(phase == "waiting for a merge that is running");
    // What changes nothing waits for nobody.
    BOOST_TEST(!unwrap(store->merge({.all = true, .dry_run = true})).inputs.empty());
  });
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(who_waits_for_a_merge_has_the_next_turn, Fixture) {
  overwrite(30, 10);
  beside_a_merge(*store, [&](const auto& end_the_first) {
    int waited = 0;
    unwrap(store->merge({.all = true}, [&](const Progress& p) {
      if (p.phase != "merge" && ++waited == 2) end_the_first();
      return true;
    }));
    BOOST_TEST(waited >= 2);
  });
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(a_rate_limit_makes_a_merge_take_its_time, Fixture) {
  overwrite(40, 5, 1000);
  const auto begin = std::chrono::steady_clock::now();
  const auto report = unwrap(store->merge({.all = true, .rate_bytes_per_second = 400'000}));
  const auto took = std::chrono::steady_clock::now() - begin;
  const auto least = double(std::max(report.bytes_read, report.bytes_written)) / 400'000 * 0.4;
  BOOST_TEST(std::chrono::duration<double>(took).count() >= least);
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(reads_and_writes_go_on_during_a_merge_and_none_is_lost, Fixture) {
  overwrite(200, 4, 300);
  std::atomic<bool> stop{false};
  std::atomic<int> errors{0};
  Contents written;
  std::thread writer([&] {
    Random numbers(base_seed() + 1);
    for (int i = 0; !stop || i < 200; ++i) {
      const auto key = numbered("key", numbers.below(200));
      auto value = numbers.bytes(numbers.below(400));
      if (!store->put(key, value)) ++errors;
      const auto back = store->get(key);
      if (!back || back.value() != value) ++errors;
      written[key] = std::move(value);
      if (numbers.one_in(20)) {
        if (!store->erase(key)) ++errors;
        written[key] = "erased";
      }
    }
  });
  for (int i = 0; i < 10; ++i) unwrap(store->merge({.all = true}));
  stop = true;
  writer.join();
  BOOST_TEST(errors == 0);
  for (auto& [key, value] : written) {
    if (value == "erased") {
      expected.erase(key);
    } else {
      expected[key] = value;
    }
  }
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(an_update_inside_a_merge_wins_over_the_copy, Fixture) {
  overwrite(20, 5, 2000);
  int round = 0;
  unwrap(store->merge({.all = true}, [&](const Progress&) {
    // The merge has read some of these and not yet put its copies in place.
    for (int i = 0; i < 20; i += 3) {
      const auto key = numbered("key", (i + round) % 20);
      expected[key] = "updated in round " + std::to_string(round);
      REQUIRE_OK(store->put(key, expected[key]));
    }
    const auto patched = numbered("key", (round + 1) % 20);
    if (expected[patched].size() < 10) expected[patched].resize(10);
    expected[patched].replace(5, 5, "PATCH");
    if (*store->size(patched) < 10) REQUIRE_OK(store->truncate(patched, 10));
    REQUIRE_OK(store->write_at(patched, 5, "PATCH"));
    ++round;
    return true;
  }));
  BOOST_TEST(round > 1);
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(an_erase_inside_a_merge_is_not_undone_by_the_copy, Fixture) {
  overwrite(20, 3, 2000);
  int next = 0;
  unwrap(store->merge({.all = true}, [&](const Progress&) {
    if (next < 20) {
      expected.erase(numbered("key", next));
      REQUIRE_OK(store->erase(numbered("key", next++)));
    }
    return true;
  }));
  BOOST_TEST(next > 1);
  check_everything();
  unwrap(store->merge({.all = true}));
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(two_merges_at_once_do_no_harm, Fixture) {
  overwrite(50, 6);
  std::atomic<int> bad{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      const auto result = store->merge({.all = true});
      if (!result && result.error().code != Errc::kConflict) ++bad;
    });
  }
  for (auto& thread : threads) thread.join();
  BOOST_TEST(bad == 0);
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(a_reader_that_began_before_the_merge_ends_well, Fixture) {
  overwrite(100, 3, 1000);
  int seen = 0;
  REQUIRE_OK(store->scan("", "", [&](const KeyInfo& info) {
    if (seen++ == 10) unwrap(store->merge({.all = true}));
    BOOST_REQUIRE(unwrap(store->get(info.key)) == expected[std::string(info.key)]);
    return true;
  }));
  BOOST_TEST(seen == 100);
}

BOOST_FIXTURE_TEST_CASE(outputs_rotate_at_the_maximum_size, Fixture) {
  for (int i = 0; i < 100; ++i) put(numbered("key", i), 1000);
  const auto report = unwrap(store->merge({.all = true}));
  BOOST_TEST(report.outputs.size() >= 6u);
  for (const auto id : report.outputs) {
    BOOST_TEST(environment->contents(segment_file(id, kDataSuffix)).size() <= (16u << 10) + 200);
  }
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(with_hints_only_what_is_live_is_read, Fixture) {
  reopen(store, environment, options = quiet_options(1 << 20));
  for (int i = 0; i < 40; ++i) put(i % 10 == 0 ? numbered("kept", i) : "changing", 60'000);
  put("last", 1'000'000);  // the others are sealed now
  finish_hints(*store);
  const auto report = unwrap(store->merge({.all = true}));
  BOOST_TEST(report.inputs.size() >= 2u);
  BOOST_TEST(report.records_copied >= 4u);
  BOOST_TEST(report.bytes_read < 1'000'000u + 7 * 60'000u + 1000u);
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(hints_that_are_no_good_go_with_their_segments, Fixture) {
  overwrite(30, 10);
  REQUIRE_OK(store->close());
  for (const auto& hint : environment->files(".hint")) environment->flip_bit(hint, 8 * 8);
  store = open_store(environment, options);
  unwrap(store->merge({.all = true}));
  for (const auto& hint : environment->files(".hint")) {
    BOOST_TEST(environment->exists(hint.substr(0, hint.size() - 5) + ".data"));
  }
}

BOOST_FIXTURE_TEST_CASE(what_a_merge_leaves_gets_its_hint, Fixture) {
  overwrite(30, 10);
  // That of the segment that was written to last has its turn while the merge runs.
  CHECK_FAILS(Errc::kCancelled, store->merge({.all = true}, [](const Progress& p) {
    if (p.phase == "merge") std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return p.phase != "merge";
  }));
  const auto without_hint = [&] {
    size_t count = 0;
    for (const auto& segment : store->stats().segments)
      count += segment.sealed && !segment.has_hint;
    return count;
  };
  for (int i = 0; i < 1000 && without_hint() > 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  BOOST_TEST(without_hint() == 0u);
  BOOST_TEST(store->stats().segments.size() > 5u);
  check_everything();
}

BOOST_FIXTURE_TEST_CASE(without_hints_the_same_is_kept, Fixture) {
  overwrite(30, 10);
  for (int k = 0; k < 10; ++k) {
    REQUIRE_OK(store->erase(numbered("key", k)));
    expected.erase(numbered("key", k));
  }
  finish_hints(*store);
  const auto image = environment->image();
  for (const auto& [with_hints, walks] : {std::pair(true, false), {false, false}, {false, true}}) {
    options.merge.walked_keys_per_record = walks ? 1000 : 0;
    reopen(store, environment = SimulatedEnvironment::make(image), options);
    finish_hints(*store);
    if (!with_hints) {
      for (const auto& hint : environment->files(".hint")) {
        environment->flip_bit(hint, 8 * (environment->contents(hint).size() / 2));
      }
    }
    const auto report = unwrap(store->merge({.all = true}));
    BOOST_TEST(report.records_copied == 20u);
    BOOST_TEST(report.erasers_dropped == 10u);
    check_everything();
  }
}

BOOST_FIXTURE_TEST_CASE(damage_of_what_is_dead_is_no_reason_to_keep_it, Fixture) {
  put("dead", 1000);
  const auto dead = unwrap(store->locate("dead")).at(0);
  put("live", 1000);
  const auto live = unwrap(store->locate("live")).at(0);
  put("dead", 1000);
  overwrite(30, 1, 1000);
  finish_hints(*store);
  const auto file = segment_file(live.segment, kDataSuffix);
  BOOST_REQUIRE(dead.segment == live.segment);
  environment->flip_bit(file, 8 * (live.record_offset + 500));
  environment->flip_bit(file, 8 * (dead.record_offset + 500));
  CHECK_FAILS(Errc::kCorrupt, store->merge({.all = true}));
  BOOST_TEST(environment->exists(file));
  environment->flip_bit(file, 8 * (live.record_offset + 500));
  reopen(store, environment, options);  // it was marked as damaged
  unwrap(store->merge({.all = true}));
  BOOST_TEST(!environment->exists(file));
  check_everything();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
