// SPDX-License-Identifier: MIT
// The merge that starts by itself, by the triggers of the original engine.
#include <cerrno>
#include <chrono>
#include <ctime>
#include <thread>

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(merge_background)

using std::chrono::milliseconds;

Options triggered_options() {
  auto options = quiet_options(16 << 10);
  options.segment.merge_check_interval = milliseconds(20);
  return options;
}

Contents make_garbage(Store& store, int versions = 20) {
  Contents expected;
  for (int v = 0; v < versions; ++v) {
    for (int k = 0; k < 10; ++k) {
      expected[numbered("key", k)] = std::string(500, char('a' + v));
      REQUIRE_OK(store.put(numbered("key", k), expected[numbered("key", k)]));
    }
  }
  return expected;
}

bool merged_within(const Store& store, milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < end) {
    if (store.stats().merges > 0) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return false;
}

BOOST_AUTO_TEST_CASE(fragmentation_above_the_threshold_starts_a_merge) {
  const auto environment = SimulatedEnvironment::make();
  auto options = triggered_options();
  options.segment.fragmentation_threshold = 0.6;
  auto store = open_store(environment, options);
  const auto expected = make_garbage(*store);
  BOOST_TEST(merged_within(*store, milliseconds(10000)));
  check_contents(*store, expected);
  reopen(store, environment, options);
  check_contents(*store, expected);
}

BOOST_AUTO_TEST_CASE(dead_bytes_above_the_threshold_start_a_merge) {
  auto options = triggered_options();
  options.segment.fragmentation_threshold = 1.0;
  options.segment.dead_bytes_threshold = 30'000;
  const auto store = open_store(SimulatedEnvironment::make(), options);
  const auto expected = make_garbage(*store);
  BOOST_TEST(merged_within(*store, milliseconds(10000)));
  check_contents(*store, expected);
}

BOOST_AUTO_TEST_CASE(below_both_thresholds_nothing_happens) {
  const auto store = open_store(SimulatedEnvironment::make(), triggered_options());
  for (int k = 0; k < 200; ++k) REQUIRE_OK(store->put(numbered("key", k), std::string(500, 'x')));
  for (int k = 0; k < 200; k += 10) REQUIRE_OK(store->put(numbered("key", k), "y"));
  BOOST_TEST(!merged_within(*store, milliseconds(300)));
}

Options seldom_options() {
  auto options = triggered_options();
  options.segment.merge_check_interval = std::chrono::hours(1);
  return options;
}

BOOST_AUTO_TEST_CASE(what_is_overwritten_all_the_time_does_not_grow_until_the_next_check) {
  const auto store = open_store(SimulatedEnvironment::make(), seldom_options());
  Contents expected;
  for (int i = 0; i < 4000; ++i) {
    const std::string key = numbered("key", (i * 73) % 200);
    expected[key] = std::string(500, char('a' + i / 200));
    REQUIRE_OK(store->put(key, expected[key]));
  }
  BOOST_TEST(merged_within(*store, milliseconds(10000)));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const auto grown = [&] {
    const auto stats = store->stats();
    return stats.live_bytes + stats.dead_bytes > 2 * stats.live_bytes;
  };
  while (grown() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  BOOST_TEST(!grown());
  check_contents(*store, expected);
}

BOOST_AUTO_TEST_CASE(what_would_free_nothing_is_not_urgent) {
  const auto store = open_store(SimulatedEnvironment::make(), seldom_options());
  for (int k = 0; k < 200; ++k) REQUIRE_OK(store->put(numbered("key", k), std::string(500, 'x')));
  unwrap(store->create_snapshot("all"));
  for (int k = 0; k < 100; ++k) REQUIRE_OK(store->put(numbered("key", k), std::string(500, 'y')));
  BOOST_TEST(!merged_within(*store, milliseconds(300)));
}

BOOST_AUTO_TEST_CASE(an_interval_of_zero_switches_it_off) {
  const auto store = open_store(SimulatedEnvironment::make(), quiet_options(16 << 10));
  make_garbage(*store);
  BOOST_TEST(!merged_within(*store, milliseconds(200)));
}

BOOST_AUTO_TEST_CASE(outside_the_permitted_hours_it_waits) {
  auto options = triggered_options();
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  // An hour's window twelve hours away.
  options.merge.from_hour = (local.tm_hour + 12) % 24;
  options.merge.until_hour = options.merge.from_hour + 1;
  const auto store = open_store(SimulatedEnvironment::make(), options);
  make_garbage(*store);
  BOOST_TEST(!merged_within(*store, milliseconds(300)));
  // On demand it runs at any hour.
  BOOST_TEST(!unwrap(store->merge({.all = true})).inputs.empty());
}

BOOST_AUTO_TEST_CASE(closing_stops_a_merge_under_way) {
  const auto environment = SimulatedEnvironment::make();
  auto options = triggered_options();
  options.merge.rate_bytes_per_second = 2000;  // would take minutes
  auto store = open_store(environment, options);
  const auto expected = make_garbage(*store, 40);
  std::this_thread::sleep_for(milliseconds(100));
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE_OK(store->close());
  BOOST_TEST((std::chrono::steady_clock::now() - begin < std::chrono::seconds(5)));
  store = open_store(environment, quiet_options());
  check_contents(*store, expected);
}

BOOST_AUTO_TEST_CASE(a_failing_merge_is_logged_and_the_store_goes_on) {
  const auto environment = SimulatedEnvironment::make();
  auto options = triggered_options();
  auto store = open_store(environment, options);
  environment->inject({.calls = kCallCreate, .error = EACCES, .times = 0, .name_part = ".merge"});
  auto expected = make_garbage(*store);
  std::this_thread::sleep_for(milliseconds(150));
  expected["after"] = "value";
  REQUIRE_OK(store->put("after", "value"));
  check_contents(*store, expected);
  environment->clear_faults();
  reopen(store, environment, options);
  check_contents(*store, expected);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
