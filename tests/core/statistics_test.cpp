// SPDX-License-Identifier: MIT
// The counts are exact at all times: against an independent count, and against what recovery
// counts.
#include <algorithm>

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(statistics)

using Counts = std::string;

Counts counts_of(const SegmentStats& s) {
  std::string out = "live, dead, erasers:";
  for (const uint64_t n : {s.live_bytes, s.live_records, s.dead_bytes, s.dead_records,
                           s.eraser_bytes, s.eraser_records}) {
    out += " " + std::to_string(n);
  }
  return out;
}

std::map<uint64_t, Counts> counts_of(const StoreStats& stats) {
  std::map<uint64_t, Counts> out;
  for (const auto& s : stats.segments) out[s.id] = counts_of(s);
  return out;
}

/// What must hold always, and what the files themselves say.
void check_sums(const Store& store, const SimulatedEnvironment& environment) {
  const auto stats = store.stats();
  const auto image = environment.image();  // afterwards: a full segment may be sealed meanwhile
  uint64_t live = 0, dead = 0, eraser = 0, disk = 0;
  for (const auto& s : stats.segments) {
    live += s.live_bytes;
    dead += s.dead_bytes;
    eraser += s.eraser_bytes;
    disk += s.file_bytes;
    BOOST_TEST(image.at(segment_file(s.id, kDataSuffix)).size() >= s.file_bytes);
    const auto raw = read_segment(image.at(segment_file(s.id, kDataSuffix)));
    uint64_t records = 0, bytes = 0;
    for (const auto& r : raw.records) {
      ++records;
      bytes += r.size;
    }
    BOOST_TEST(s.live_records + s.dead_records + s.eraser_records == records);
    BOOST_TEST(s.live_bytes + s.dead_bytes + s.eraser_bytes == bytes);
  }
  BOOST_TEST(stats.live_bytes == live);
  BOOST_TEST(stats.dead_bytes == dead);
  BOOST_TEST(stats.eraser_bytes == eraser);
  BOOST_TEST(stats.disk_bytes == disk);
  BOOST_TEST(stats.keys == store.count());
}

/// Whole values only: a record is live when it is the key's newest and no tombstone.
void check_exact(const Store& store, const SimulatedEnvironment& environment) {
  const auto log = read_log(environment.image());
  std::map<std::string, uint64_t> newest;
  for (const auto& s : log) {
    for (const auto& r : s.records) newest[r.key] = std::max(newest[r.key], r.timestamp);
  }
  std::map<uint64_t, std::pair<uint64_t, uint64_t>> live;
  for (const auto& s : log) {
    for (const auto& r : s.records) {
      if (r.kind != Kind::kPut || newest[r.key] != r.timestamp) continue;
      live[s.id].first += r.size;
      live[s.id].second += 1;
    }
  }
  for (const auto& s : store.stats().segments) {
    BOOST_TEST(s.live_bytes == live[s.id].first);
    BOOST_TEST(s.live_records == live[s.id].second);
  }
  check_sums(store, environment);
}

struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  StorePtr store = open_store(environment, quiet_options(16 << 10));
};

BOOST_FIXTURE_TEST_CASE(counts_are_exact_after_every_kind_of_change, Fixture) {
  check_exact(*store, *environment);
  REQUIRE_OK(store->put("a", std::string(100, 'a')));
  check_exact(*store, *environment);
  REQUIRE_OK(store->put("a", std::string(200, 'b')));
  check_exact(*store, *environment);
  auto s = store->stats().segments.back();
  BOOST_TEST(s.live_bytes == record_size(Kind::kPut, 1, 200));
  BOOST_TEST(s.dead_bytes == record_size(Kind::kPut, 1, 100));
  BOOST_TEST(s.dead_records == 1u);
  REQUIRE_OK(store->erase("a"));
  check_exact(*store, *environment);
  s = store->stats().segments.back();
  BOOST_TEST(s.live_bytes == 0u);
  BOOST_TEST(s.eraser_bytes == record_size(Kind::kErase, 1, 0));
  BOOST_TEST(s.eraser_records == 1u);
}

BOOST_FIXTURE_TEST_CASE(random_puts_and_erases_are_counted_exactly_per_segment, Fixture) {
  WITH_SEED(base_seed()) {
    Random random(base_seed());
    for (int i = 0; i < 600; ++i) {
      const auto key = numbered("key", random.below(40));
      if (random.one_in(4)) {
        REQUIRE_OK(store->erase(key));
      } else {
        REQUIRE_OK(store->put(key, random.bytes(random.below(1000))));
      }
      if (i % 30 == 0) check_exact(*store, *environment);
      if (i % 200 == 150) unwrap(store->merge({.all = true}));
    }
    check_exact(*store, *environment);
  }
}

BOOST_FIXTURE_TEST_CASE(recovery_counts_the_same_as_was_counted_all_along, Fixture) {
  WITH_SEED(base_seed()) {
    Random random(base_seed());
    for (int i = 0; i < 1200; ++i) {
      const auto key = numbered("key", random.below(20));
      const uint64_t offset = random.below(2000);
      switch (random.below(7)) {
        case 0:
          REQUIRE_OK(store->put(key, random.bytes(random.below(1500))));
          break;
        case 1:
          REQUIRE_OK(store->erase(key));
          break;
        case 2:
          REQUIRE_OK(store->truncate(key, offset));
          break;
        case 3:
          if (store->contains(key)) REQUIRE_OK(store->punch(key, offset, random.below(500)));
          break;
        default:
          REQUIRE_OK(store->write_at(key, offset, random.bytes(random.below(300))));
          break;
      }
      if (i % 300 != 299) continue;
      check_sums(*store, *environment);
      const auto before = counts_of(store->stats());
      const auto values = store->stats().value_bytes;
      for (const bool with_hints : {true, false}) {
        REQUIRE_OK(store->close());
        if (!with_hints) {
          for (const auto& hint : environment->files(".hint")) environment->delete_file(hint);
        }
        store = open_store(environment, quiet_options(16 << 10));
        auto after = counts_of(store->stats());
        std::erase_if(after, [&](const auto& s) { return !before.contains(s.first); });
        for (const auto& [id, counts] : before) BOOST_TEST(after[id] == counts);
        BOOST_TEST(store->stats().value_bytes == values);
        check_sums(*store, *environment);
      }
    }
  }
}

BOOST_FIXTURE_TEST_CASE(counts_are_exact_after_a_merge_of_patched_values, Fixture) {
  WITH_SEED(base_seed()) {
    Random random(base_seed());
    for (int i = 0; i < 400; ++i) {
      const auto key = numbered("key", random.below(10));
      REQUIRE_OK(store->write_at(key, random.below(3000), random.bytes(random.below(400))));
    }
    unwrap(store->merge({.min_dead = 0.3}));
    check_sums(*store, *environment);
    const auto merged = counts_of(store->stats());
    reopen(store, environment, quiet_options(16 << 10));
    auto after = counts_of(store->stats());
    for (const auto& [id, counts] : merged) BOOST_TEST(after.at(id) == counts);
  }
}

BOOST_FIXTURE_TEST_CASE(value_bytes_are_what_values_hold_without_holes, Fixture) {
  REQUIRE_OK(store->put("a", std::string(100, 'a')));
  REQUIRE_OK(store->write_at("b", 1000, "12345"));
  BOOST_TEST(store->stats().value_bytes == 105u);
  REQUIRE_OK(store->truncate("b", 1002));
  BOOST_TEST(store->stats().value_bytes == 102u);
  REQUIRE_OK(store->erase("a"));
  BOOST_TEST(store->stats().value_bytes == 2u);
}

BOOST_FIXTURE_TEST_CASE(bytes_written_are_those_of_the_log, Fixture) {
  REQUIRE_OK(store->put("first", "makes the segment and its header"));
  const auto before = store->stats().bytes_written;
  REQUIRE_OK(store->put("a", std::string(1000, 'a')));
  BOOST_TEST(store->stats().bytes_written - before == record_size(Kind::kPut, 1, 1000));
  BOOST_TEST(store->stats().appends >= 1u);
}

BOOST_FIXTURE_TEST_CASE(patched_values_and_pieces_are_counted, Fixture) {
  REQUIRE_OK(store->put("whole", "value"));
  BOOST_TEST(store->stats().patched_values == 0u);
  REQUIRE_OK(store->write_at("patched", 0, "a"));
  REQUIRE_OK(store->write_at("patched", 10, "b"));
  REQUIRE_OK(store->write_at("patched", 20, "c"));
  BOOST_TEST(store->stats().patched_values == 1u);
  BOOST_TEST(store->stats().pieces >= 3u);
  REQUIRE_OK(store->put("patched", "whole again"));
  BOOST_TEST(store->stats().patched_values == 0u);
}

BOOST_FIXTURE_TEST_CASE(syncs_merges_and_opening_time_are_reported, Fixture) {
  REQUIRE_OK(store->put("a", "1"));
  const auto before = store->stats();
  BOOST_TEST(before.open_ns > 0u);
  REQUIRE_OK(store->sync());
  BOOST_TEST(store->stats().syncs > before.syncs);
  BOOST_TEST(store->stats().sync_requests > before.sync_requests);
  REQUIRE_OK(store->put("a", "2"));
  unwrap(store->merge({.all = true}));
  const auto after = store->stats();
  BOOST_TEST(after.merges == before.merges + 1);
  BOOST_TEST(after.merge_bytes_written > 0u);
  BOOST_TEST(after.last_merge_ns > 0u);
  BOOST_TEST(!after.merge_running);
  BOOST_TEST(!after.read_only);
}

BOOST_FIXTURE_TEST_CASE(the_last_merge_is_known_after_opening_again, Fixture) {
  REQUIRE_OK(store->put("a", "1"));
  REQUIRE_OK(store->put("a", "2"));
  BOOST_TEST(store->stats().last_merge_ns == 0u);
  unwrap(store->merge({.all = true}));
  const auto ended = store->stats().last_merge_ns;
  reopen(store, environment, quiet_options(16 << 10));
  BOOST_TEST(store->stats().merges == 0u);
  BOOST_TEST(store->stats().last_merge_ns > 0u);
  BOOST_TEST(store->stats().last_merge_ns <= ended);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
