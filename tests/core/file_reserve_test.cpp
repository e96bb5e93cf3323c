// SPDX-License-Identifier: MIT
// A disk that can hold no more files: a change fails whole, erasing and merging still work, and
// then there is room again.
#include <chrono>
#include <thread>

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(file_reserve)

struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  Options options = quiet_options(8 << 10);
  StorePtr store;
  Contents expected;
  Random random{base_seed()};
  uint64_t made = 0;

  explicit Fixture(uint64_t files = 60) {
    environment->set_max_files(files);
    store = open_store(environment, options);
  }

  Status put_one() {
    const auto key = numbered("key", made++);
    auto value = random.bytes(random.between(1, 2000));
    auto done = store->put(key, value);
    if (done.has_value()) expected[key] = std::move(value);
    return done;
  }

  /// Puts until there is no room for a new segment, and in the last one not for much.
  void fill() {
    int refused = 0;
    for (int i = 0; i < 10'000 && refused < 20; ++i) {
      const auto done = put_one();
      if (done.has_value()) continue;
      CHECK_FAILS(Errc::kNoSpace, done);
      ++refused;
    }
    BOOST_TEST(refused == 20);
    BOOST_TEST(!store->stats().read_only);
  }

  void erase_first() {
    REQUIRE_OK(store->erase(expected.begin()->first));
    expected.erase(expected.begin());
  }

  void merge_until_done() {
    for (int i = 0; i < 100; ++i) {
      if (unwrap(store->merge({.all = true})).bytes_freed == 0) break;
    }
  }
};

BOOST_AUTO_TEST_CASE(hints_take_no_file_that_erasing_may_need) {
  const auto environment = SimulatedEnvironment::make();
  const auto options = quiet_options(8 << 10);
  const auto store = open_store(environment, options);
  environment->claim_files(1000, options.reserve_files);
  REQUIRE_OK(store->put("a", "1"));
  unwrap(store->create_snapshot("sealing"));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  BOOST_TEST(environment->files(".hint").empty());
}

BOOST_FIXTURE_TEST_CASE(erasing_and_merging_give_files_back_again_and_again, Fixture) {
  for (int round = 0; round < 10; ++round) {
    fill();
    BOOST_TEST(expected.size() > 50u);
    check_contents(*store, expected);
    if (round % 3 == 2) reopen(store, environment, options);
    // Keys of all segments, and more erasures than one of them holds.
    const Contents all = expected;
    int number = 0;
    for (const auto& [key, value] : all) {
      if (number++ % 4 == 0) continue;
      REQUIRE_OK(store->erase(key));
      expected.erase(key);
    }
    check_contents(*store, expected);
    merge_until_done();
    BOOST_TEST(environment->free_files() > 20u);
    check_contents(*store, expected);
    BOOST_TEST(unwrap(store->verify()).clean());
  }
  reopen(store, environment, options);
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(what_is_written_beside_erasures_does_not_use_up_the_reserve, Fixture) {
  fill();
  REQUIRE_OK(store->close());
  store.reset();
  store = open_store(environment, options);  // the next change needs a segment
  for (int i = 0; i < 200; ++i) {
    if (i % 10 == 0) erase_first();
    BOOST_TEST(!put_one().has_value());
  }
  BOOST_TEST(environment->free_files() >= options.reserve_files / 2);
  while (expected.size() > 10) erase_first();
  merge_until_done();
  BOOST_TEST(environment->free_files() > 40u);
  REQUIRE_OK(put_one());
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(many_openings_that_erase_leave_enough_for_a_merge, Fixture) {
  fill();
  int refused = 0;
  for (int i = 0; i < 40; ++i) {
    reopen(store, environment, options);
    const auto key = expected.begin()->first;
    const auto erased = store->erase(key);
    if (erased.has_value()) {
      expected.erase(key);
    } else {
      CHECK_FAILS(Errc::kNoSpace, erased);
      ++refused;
    }
  }
  BOOST_TEST(refused > 0);
  BOOST_TEST(refused < 40);
  check_contents(*store, expected);
  // Nothing but a merge helps now, and it does.
  const auto before = environment->free_files();
  BOOST_TEST(unwrap(store->merge({.all = true})).bytes_freed > 0u);
  BOOST_TEST(environment->free_files() > before);
  while (expected.size() > 10) erase_first();
  merge_until_done();
  REQUIRE_OK(put_one());
  reopen(store, environment, options);
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(erasing_works_also_when_others_took_the_last_file, Fixture) {
  for (int i = 0; i < 30; ++i) REQUIRE_OK(put_one());
  environment->set_max_files(1);
  fill();
  while (expected.size() > 1) erase_first();
  check_contents(*store, expected);
  BOOST_TEST(!store->stats().read_only);
  environment->set_max_files(60);
  merge_until_done();
  REQUIRE_OK(put_one());
  reopen(store, environment, options);
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(a_merge_makes_no_more_files_than_there_can_be, Fixture) {
  // Nearly all is alive, so that a merge of everything would need as many files as there are.
  fill();
  while (expected.size() > 2) {
    erase_first();
    if (random.one_in(4)) unwrap(store->merge({.all = true}));
    check_contents(*store, expected);
  }
  merge_until_done();
  BOOST_TEST(environment->free_files() > 40u);
  reopen(store, environment, options);
  check_contents(*store, expected);
}

BOOST_AUTO_TEST_CASE(a_filesystem_that_does_not_count_files_is_never_without) {
  for (const uint64_t total : {0, 1000}) {
    Fixture store_on(0);
    store_on.environment->claim_files(total, 0);
    for (int i = 0; i < 300; ++i) REQUIRE_OK(store_on.put_one());
    const auto segments = store_on.store->stats().segments.size();
    BOOST_TEST(segments > 20u);
    while (store_on.expected.size() > 100) store_on.erase_first();
    const auto report = unwrap(store_on.store->merge({.all = true}));
    BOOST_TEST(report.inputs.size() >= segments);
    reopen(store_on.store, store_on.environment, store_on.options);
    check_contents(*store_on.store, store_on.expected);
    for (const auto& segment : store_on.store->stats().segments) BOOST_TEST(segment.has_hint);
    BOOST_TEST(!store_on.environment->exists("probe.tmp"));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
