// SPDX-License-Identifier: MIT
// Options that change while the store is open, and a look into one segment.
#include <thread>

#include "core/store/store.hpp"
#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(settings)

struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  Options options = quiet_options(4 << 10);
  StorePtr store = open_store(environment, options);
};

/// Until `done`, or a long time has passed.
template <class Done>
bool comes_true(Done&& done) {
  for (int i = 0; i < 6000; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

BOOST_FIXTURE_TEST_CASE(background_merges_can_be_switched_on, Fixture) {
  for (int i = 0; i < 60; ++i) REQUIRE_OK(store->put("key", std::string(400, 'x')));
  BOOST_TEST(store->stats().merges == 0u);
  auto wanted = store->settings();
  wanted.segment.merge_check_interval = 10ms;
  REQUIRE_OK(store->change_settings(wanted));
  BOOST_TEST(comes_true([&] { return store->stats().merges > 0; }));
  BOOST_TEST(store->options().segment.merge_check_interval == 0ms);
  BOOST_TEST(store->settings().segment.merge_check_interval == 10ms);
}

BOOST_FIXTURE_TEST_CASE(a_shorter_sync_interval_counts_at_once, Fixture) {
  options.sync_policy = SyncPolicy::kInterval;
  options.sync_interval = std::chrono::hours(1);
  reopen(store, environment, options);
  REQUIRE_OK(store->put("key", "value"));
  const auto before = store->stats().syncs;
  auto wanted = store->settings();
  wanted.sync_interval = 5ms;
  REQUIRE_OK(store->change_settings(wanted));
  BOOST_TEST(comes_true([&] { return store->stats().syncs > before; }));
}

BOOST_FIXTURE_TEST_CASE(a_smaller_file_cache_closes_files, Fixture) {
  for (uint64_t i = 0; i < 40; ++i)
    REQUIRE_OK(store->put(numbered("key", i), std::string(900, 'x')));
  contents_of(*store);
  auto wanted = store->settings();
  wanted.file_cache.max_size = 1;
  REQUIRE_OK(store->change_settings(wanted));
  const auto misses = store->stats().file_cache_misses;
  contents_of(*store);
  BOOST_TEST(store->stats().file_cache_misses > misses + 3);
}

BOOST_FIXTURE_TEST_CASE(beyond_the_memory_limit_only_what_frees_something_is_done, Fixture) {
  auto wanted = store->settings();
  wanted.memory_limit = store->stats().key_directory_bytes + (64 << 10);
  REQUIRE_OK(store->change_settings(wanted));
  int put = 0;
  Status last = ok();
  while (last.has_value() && put < 10'000'000) {
    last = store->put(numbered("key", put++), "");
  }
  CHECK_FAILS(Errc::kNoSpace, last);
  BOOST_TEST(explain(last).find("memory_limit") != std::string::npos);
  BOOST_TEST(store->stats().key_directory_bytes > wanted.memory_limit);
  BOOST_TEST(!store->get(numbered("key", put - 1)).has_value());

  REQUIRE_OK(store->erase(numbered("key", 0)));
  CHECK_FAILS(Errc::kNoSpace, store->put("one more", ""));
  unwrap(store->merge({.all = true}));
  reopen(store, environment, options);  // without a limit
  REQUIRE_OK(store->put("one more", ""));
  options.memory_limit = 1;
  reopen(store, environment, options);
  CHECK_FAILS(Errc::kNoSpace, store->put("and another", ""));
  wanted.memory_limit = 0;
  REQUIRE_OK(store->change_settings(wanted));
  REQUIRE_OK(store->put("and another", ""));
}

BOOST_FIXTURE_TEST_CASE(what_is_out_of_range_changes_nothing, Fixture) {
  auto wanted = store->settings();
  wanted.merge.rate_bytes_per_second = 77;
  wanted.segment.fragmentation_threshold = 2;
  CHECK_FAILS(Errc::kInvalidArgument, store->change_settings(wanted));
  BOOST_TEST(store->settings().merge.rate_bytes_per_second == 0u);
  wanted = store->settings();
  wanted.segment.max_size = 1 << 20;  // not one of those that can be changed
  REQUIRE_OK(store->change_settings(wanted));
  BOOST_TEST(store->settings().segment.max_size == options.segment.max_size);
}

BOOST_FIXTURE_TEST_CASE(the_records_of_a_segment_are_shown_in_their_order, Fixture) {
  REQUIRE_OK(store->put("first", "one"));
  REQUIRE_OK(store->write_at("second", 10, "two"));
  REQUIRE_OK(store->put("first", "three"));
  REQUIRE_OK(store->erase("second"));
  const auto segments = store->stats().segments;
  BOOST_REQUIRE(segments.size() == 1u);
  std::vector<std::string> seen;
  std::vector<bool> live;
  uint64_t last = 0;
  const auto report = unwrap(store->read_segment(segments[0].id, [&](const RecordInfo& record) {
    BOOST_TEST(record.offset > last);
    BOOST_TEST(record.intact);
    last = record.offset;
    seen.push_back(std::string(record.key) + " " + std::to_string(int(record.kind)));
    live.push_back(record.live);
    return true;
  }));
  BOOST_TEST(report.damages.empty());
  BOOST_TEST(!report.sealed);
  BOOST_TEST(seen == (std::vector<std::string>{"first 1", "second 3", "first 1", "second 2"}),
             boost::test_tools::per_element());
  BOOST_TEST((live == std::vector<bool>{false, false, true, true}));
  CHECK_FAILS(Errc::kNotFound, store->read_segment(1, [](const RecordInfo&) { return true; }));
}

BOOST_FIXTURE_TEST_CASE(a_slow_verification_can_be_stopped, Fixture) {
  options.segment.max_size = 8 << 20;
  reopen(store, environment, options);
  for (uint64_t i = 0; i < 3; ++i)
    REQUIRE_OK(store->put(numbered("key", i), std::string(1 << 20, 'x')));
  int asked = 0;
  CHECK_FAILS(Errc::kCancelled, store->verify([&](const Progress&) { return ++asked < 3; }, 1024));
  BOOST_TEST(unwrap(store->verify()).clean());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
