// SPDX-License-Identifier: MIT
// A full disk: a change fails whole, erasing and merging still work, and then there is room again.
#include <cerrno>

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(space)

constexpr uint64_t kCapacity = 2 << 20;

Options full_disk_options() {
  auto options = quiet_options(128 << 10);
  options.reserve_bytes = 512 << 10;
  return options;
}

struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  StorePtr store;
  Contents expected;

  Fixture() {
    environment->set_capacity(kCapacity);
    store = open_store(environment, full_disk_options());
  }

  /// Puts until nothing more fits; the failure is part of the test.
  void fill() {
    Random random(base_seed());
    for (int i = 0; i < 10000; ++i) {
      const auto key = numbered("key", i);
      auto value = random.bytes(random.between(100, 10000));
      const auto done = store->put(key, value);
      if (!done) {
        CHECK_FAILS(Errc::kNoSpace, done);
        return;
      }
      expected[key] = std::move(value);
    }
    BOOST_FAIL("the disk never filled up");
  }

  /// And until nothing small fits either.
  void fill_up() {
    fill();
    for (int i = 0; store->put("last", std::to_string(i)).has_value(); ++i) {
      expected["last"] = std::to_string(i);
    }
  }
};

BOOST_FIXTURE_TEST_CASE(a_change_that_does_not_fit_fails_whole_and_changes_nothing, Fixture) {
  fill();
  BOOST_TEST(expected.size() > 50u);
  const std::string large(200 << 10, 'x');
  CHECK_FAILS(Errc::kNoSpace, store->put("key00000", large));
  CHECK_FAILS(Errc::kNoSpace, store->write_at("key00001", 1000, large));
  Batch batch;
  batch.put("key00002", large);
  batch.put("key00003", "small");
  CHECK_FAILS(Errc::kNoSpace, store->apply(batch));
  check_contents(*store, expected);
  BOOST_TEST(!store->stats().read_only);
  reopen(store, environment, full_disk_options());
  check_contents(*store, expected);
}

BOOST_AUTO_TEST_CASE(what_fits_is_put_also_where_no_space_can_be_prepared_behind_it) {
  auto options = quiet_options(8 << 20);
  options.reserve_bytes = 0;
  auto environment = SimulatedEnvironment::make();
  environment->set_capacity(kCapacity);
  auto store = open_store(environment, options);
  Contents expected;
  const auto put = [&](const std::string& key, size_t size) {
    expected[key] = std::string(size, 'x');
    REQUIRE_OK(store->put(key, expected[key]));
  };
  put("large", kCapacity - (100 << 10));
  for (int i = 0; i < 40; ++i) {  // so many syncs would prepare more than is left
    put(numbered("small", i), 100);
    REQUIRE_OK(store->sync());
  }
  check_contents(*store, expected);
  reopen(store, environment, options);
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(erasing_works_on_a_full_disk_and_a_merge_makes_room, Fixture) {
  fill();
  size_t erased = 0;
  while (expected.size() > 20) {
    REQUIRE_OK(store->erase(expected.begin()->first));
    expected.erase(expected.begin());
    ++erased;
  }
  check_contents(*store, expected);
  const auto used = environment->used_bytes();
  const auto report = unwrap(store->merge({.all = true}));
  BOOST_TEST(report.bytes_freed > 0u);
  BOOST_TEST(environment->used_bytes() < used / 2);
  check_contents(*store, expected);
  for (size_t i = 0; i < erased / 2; ++i) {
    const auto key = numbered("new", i);
    expected[key] = std::string(5000, 'n');
    REQUIRE_OK(store->put(key, expected[key]));
  }
  reopen(store, environment, full_disk_options());
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(a_merge_leaves_the_reserve_when_a_snapshot_keeps_what_it_would_free,
                        Fixture) {
  fill();
  while (unwrap(environment->space()).free_bytes < full_disk_options().reserve_bytes) {
    REQUIRE_OK(store->erase(expected.begin()->first));
    expected.erase(expected.begin());
    unwrap(store->merge({.all = true}));
  }
  unwrap(store->create_snapshot("all"));
  for (auto key = expected.begin(); key != expected.end();) {  // each second one
    REQUIRE_OK(store->erase(key->first));
    key = expected.erase(key);
    if (key != expected.end()) ++key;
  }
  const auto free_bytes = [&] { return unwrap(environment->space()).free_bytes; };
  const auto kept = std::min(free_bytes(), full_disk_options().reserve_bytes);
  unwrap(store->merge({.all = true}));
  BOOST_TEST(free_bytes() + (32 << 10) >= kept);  // a manifest
  check_contents(*store, expected);
  const auto used = environment->used_bytes();
  REQUIRE_OK(store->remove_snapshot("all"));
  BOOST_TEST(unwrap(store->merge({.all = true})).bytes_freed > 0u);
  BOOST_TEST(environment->used_bytes() < used * 3 / 4);
  check_contents(*store, expected);
}

BOOST_AUTO_TEST_CASE(a_merge_takes_what_fits_with_its_hints) {
  auto options = quiet_options(128 << 10);
  options.reserve_bytes = 0;
  for (const uint64_t left : {100, 60'000, 120'000, 300'000}) {
    const auto environment = SimulatedEnvironment::make();
    auto store = open_store(environment, options);
    Contents expected;
    for (int i = 0; i < 20'000; ++i) REQUIRE_OK(store->put(numbered("key", i), "small"));
    for (int i = 0; i < 20'000; ++i) {
      if (i % 3 == 0) {
        expected[numbered("key", i)] = "small";
      } else {
        REQUIRE_OK(store->erase(numbered("key", i)));
      }
    }
    reopen(store, environment, options);  // so that no hint is left to write
    environment->set_capacity(environment->used_bytes() + left);
    const auto used = environment->used_bytes();
    for (int round = 0; round < 20; ++round) unwrap(store->merge({.all = true}));
    if (left >= 120'000) BOOST_TEST(environment->used_bytes() < used / 2);
    BOOST_TEST(!store->stats().read_only);
    check_contents(*store, expected);
    reopen(store, environment, options);
    check_contents(*store, expected);
  }
}

BOOST_AUTO_TEST_CASE(a_merge_that_finds_the_disk_full_tries_with_less) {
  const auto environment = SimulatedEnvironment::make();
  const auto options = quiet_options(64 << 10);
  auto store = open_store(environment, options);
  Random random(base_seed());
  Contents expected;
  for (int i = 0; i < 2000; ++i) {
    const auto key = numbered("key", random.below(500));
    expected[key] = random.bytes(500);
    REQUIRE_OK(store->put(key, expected[key]));
  }
  REQUIRE_OK(store->sync());
  for (int nth = 0; nth < 30; ++nth) {
    environment->inject({.calls = kCallWrite,
                         .nth = uint64_t(nth) + 1,
                         .error = ENOSPC,
                         .name_part = std::string(kMergeSuffix)});
    const auto merged = store->merge({.all = true});
    environment->clear_faults();
    BOOST_TEST(merged.has_value());
    check_contents(*store, expected);
    for (int i = 0; i < 200; ++i) {
      const auto key = numbered("key", random.below(500));
      expected[key] = random.bytes(500);
      REQUIRE_OK(store->put(key, expected[key]));
    }
  }
  reopen(store, environment, options);
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(a_batch_of_erasures_works_on_a_full_disk, Fixture) {
  fill();
  Batch batch;
  for (const auto& [key, value] : expected) batch.erase(key);
  REQUIRE_OK(store->apply(batch));
  BOOST_TEST(store->count() == 0u);
  unwrap(store->merge({.all = true}));
  REQUIRE_OK(store->put("key", std::string(500 << 10, 'x')));
}

BOOST_FIXTURE_TEST_CASE(cutting_and_punching_work_on_a_full_disk_as_far_as_they_free_something,
                        Fixture) {
  REQUIRE_OK(store->put("cut", std::string(20'000, 'c')));
  REQUIRE_OK(store->put("punched", std::string(20'000, 'p')));
  fill_up();
  CHECK_FAILS(Errc::kNoSpace, store->put("small", "value"));
  REQUIRE_OK(store->truncate("cut", 7));
  REQUIRE_OK(store->punch("punched", 1000, 18'000));
  expected["cut"] = std::string(7, 'c');
  expected["punched"] = std::string(1000, 'p') + std::string(18'000, '\0') + std::string(1000, 'p');
  check_contents(*store, expected);

  // What frees nothing has no part in the reserve, or a loop of it could use it up.
  CHECK_FAILS(Errc::kNoSpace, store->truncate("cut", 7000));
  CHECK_FAILS(Errc::kNoSpace, store->truncate("new", 0));
  CHECK_FAILS(Errc::kNoSpace, store->punch("punched", 1000, 18'000));
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(a_batch_that_serves_freeing_may_use_the_reserve, Fixture) {
  fill_up();
  Batch batch;
  batch.put("note", "something is about to be removed");
  CHECK_FAILS(Errc::kNoSpace, store->apply(batch));
  batch.use_reserve();
  REQUIRE_OK(store->apply(batch));
  batch.clear();
  batch.put("other", "value");
  CHECK_FAILS(Errc::kNoSpace, store->apply(batch));
}

BOOST_FIXTURE_TEST_CASE(what_makes_as_many_keys_as_it_erases_has_no_part_in_the_reserve, Fixture) {
  REQUIRE_OK(store->put("old", "value"));
  REQUIRE_OK(store->put("other", "value"));
  fill_up();
  Batch rename;
  rename.erase("old");
  rename.put("new", "value");
  CHECK_FAILS(Errc::kNoSpace, store->apply(rename));
  Batch replace;  // what had the name before is gone
  replace.erase("old");
  replace.put("other", "value");
  REQUIRE_OK(store->apply(replace));
  Batch nothing;
  nothing.erase("never there");
  nothing.put("new", "value");
  CHECK_FAILS(Errc::kNoSpace, store->apply(nothing));
}

BOOST_FIXTURE_TEST_CASE(space_reports_the_disk, Fixture) {
  const auto before = unwrap(store->space());
  BOOST_TEST(before.total_bytes <= kCapacity);
  BOOST_TEST(before.free_bytes <= before.total_bytes);
  REQUIRE_OK(store->put("key", std::string(300 << 10, 'x')));
  BOOST_TEST(unwrap(store->space()).free_bytes < before.free_bytes);
}

BOOST_FIXTURE_TEST_CASE(a_full_disk_opens_and_closes, Fixture) {
  fill();
  for (int round = 0; round < 3; ++round) reopen(store, environment, full_disk_options());
  check_contents(*store, expected);
  Random random(base_seed());
  const auto crashed = SimulatedEnvironment::make(environment->after_crash(Loss::kNothing, random));
  crashed->set_capacity(crashed->used_bytes());
  auto opened = open_store(crashed, full_disk_options());
  check_contents(*opened, expected);
}

BOOST_AUTO_TEST_CASE(an_enospc_of_the_write_itself_fails_that_change_whole) {
  for (const bool partial : {false, true}) {
    const auto environment = SimulatedEnvironment::make();
    auto store = open_store(environment);
    REQUIRE_OK(store->put("a", "1"));
    environment->inject({.calls = kCallWrite, .error = ENOSPC, .partial = partial});
    CHECK_FAILS(Errc::kNoSpace, store->put("b", std::string(1000, 'b')));
    BOOST_TEST(!store->contains("b"));
    REQUIRE_OK(store->put("c", "3"));
    check_contents(*store, {{"a", "1"}, {"c", "3"}});
    Random random(base_seed());
    const auto crashed = environment->after_crash(Loss::kNothing, random);
    check_contents(*open_store(SimulatedEnvironment::make(crashed)), {{"a", "1"}, {"c", "3"}});
    reopen(store, environment);
    check_contents(*store, {{"a", "1"}, {"c", "3"}});
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
