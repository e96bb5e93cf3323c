// SPDX-License-Identifier: MIT
#include <cerrno>

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(file_cache)

BOOST_AUTO_TEST_CASE(every_size_from_one_on_reads_everything) {
  for (const size_t size : {1, 2, 3, 100}) {
    const auto environment = SimulatedEnvironment::make();
    auto options = quiet_options(8 << 10);
    options.file_cache.max_size = size;
    auto store = open_store(environment, options);
    Random random(base_seed());
    Contents expected;
    for (int i = 0; i < 100; ++i) {
      const auto key = numbered("key", i);
      expected[key] = random.bytes(1000);
      REQUIRE_OK(store->put(key, expected[key]));
    }
    check_contents(*store, expected);
    reopen(store, environment, options);
    BOOST_TEST(store->stats().segments.size() > 10u);
    for (int i = 0; i < 200; ++i) {
      const auto key = numbered("key", random.below(100));
      BOOST_REQUIRE(unwrap(store->get(key)) == expected[key]);
    }
    unwrap(store->merge({.all = true}));
    check_contents(*store, expected);
  }
}

BOOST_AUTO_TEST_CASE(a_value_of_pieces_in_many_segments_is_read_through_a_cache_of_one) {
  const auto environment = SimulatedEnvironment::make();
  auto options = quiet_options(8 << 10);
  options.file_cache.max_size = 1;
  auto store = open_store(environment, options);
  Random random(base_seed());
  std::string expected;
  for (int i = 0; i < 60; ++i) {
    const auto piece = random.bytes(1000);
    REQUIRE_OK(store->write_at("key", expected.size(), piece));
    expected += piece;
  }
  BOOST_TEST((unwrap(store->get("key")) == expected));
  reopen(store, environment, options);
  BOOST_TEST((unwrap(store->get("key")) == expected));
  BOOST_TEST((read_range(*store, "key", 500, 50000) == expected.substr(500, 50000)));
}

BOOST_AUTO_TEST_CASE(a_hit_opens_no_file_and_a_miss_opens_one) {
  const auto environment = SimulatedEnvironment::make();
  auto options = quiet_options(4 << 10);
  options.file_cache.max_size = 1;
  auto store = open_store(environment, options);
  for (int i = 0; i < 10; ++i) REQUIRE_OK(store->put(numbered("key", i), std::string(3000, 'x')));
  reopen(store, environment, options);  // so that no hints are left to write beside the measurement
  unwrap(store->get("key00000"));
  const auto before = store->stats();
  const auto opens = environment->calls(kCallOpen);
  for (int i = 0; i < 5; ++i) unwrap(store->get("key00000"));
  BOOST_TEST(environment->calls(kCallOpen) == opens);
  BOOST_TEST(store->stats().file_cache_hits - before.file_cache_hits == 5u);
  BOOST_TEST(store->stats().file_cache_misses == before.file_cache_misses);
  unwrap(store->get("key00003"));
  unwrap(store->get("key00000"));
  BOOST_TEST(environment->calls(kCallOpen) == opens + 2);
  BOOST_TEST(store->stats().file_cache_misses - before.file_cache_misses == 2u);
}

BOOST_AUTO_TEST_CASE(a_failed_open_is_an_error_of_that_read_only) {
  const auto environment = SimulatedEnvironment::make();
  auto options = quiet_options(4 << 10);
  options.file_cache.max_size = 1;
  auto store = open_store(environment, options);
  for (int i = 0; i < 10; ++i) REQUIRE_OK(store->put(numbered("key", i), std::string(3000, 'x')));
  reopen(store, environment, options);  // so that no hint is left to write, which opens files, too
  unwrap(store->get("key00003"));
  environment->inject({.calls = kCallOpen, .error = EACCES});
  CHECK_FAILS(Errc::kIo, store->get("key00000"));
  BOOST_TEST(unwrap(store->get("key00000")).size() == 3000u);
  REQUIRE_OK(store->put("key", "still writable"));
}

BOOST_AUTO_TEST_CASE(without_descriptors_the_cache_gives_way_before_a_read_fails) {
  const auto environment = SimulatedEnvironment::make();
  const auto options = quiet_options(4 << 10);
  auto store = open_store(environment, options);
  for (int i = 0; i < 10; ++i) REQUIRE_OK(store->put(numbered("key", i), std::string(3000, 'x')));
  reopen(store, environment, options);
  for (int i = 0; i < 5; ++i) unwrap(store->get(numbered("key", i)));
  environment->inject({.calls = kCallOpen, .error = EMFILE, .times = 3});  // 5, 2, 1, 0 are open
  BOOST_TEST(unwrap(store->get("key00007")).size() == 3000u);
  environment->inject({.calls = kCallOpen, .error = EMFILE, .times = 0});
  const auto read = store->get("key00008");
  BOOST_REQUIRE(!read.has_value());
  BOOST_TEST(read.error().system == EMFILE);
  environment->clear_faults();
  // What is closed is opened again; until somebody says otherwise, only one file stays open.
  for (int i = 0; i < 10; ++i) BOOST_TEST(unwrap(store->get(numbered("key", i))).size() == 3000u);
  const auto misses = store->stats().file_cache_misses;
  for (int i = 0; i < 10; ++i) unwrap(store->get(numbered("key", i)));
  BOOST_TEST(store->stats().file_cache_misses == misses + 10);
  REQUIRE_OK(store->change_settings(options));
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 10; ++i) unwrap(store->get(numbered("key", i)));
  }
  BOOST_TEST(store->stats().file_cache_misses <= misses + 20);
  REQUIRE_OK(store->put("key", "still writable"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
