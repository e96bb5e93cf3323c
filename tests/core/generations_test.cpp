// SPDX-License-Identifier: MIT
// Stores written by hand, record by record: the rules of FORMAT.md, "Generations" and "Recovery",
// decide what is in them, whatever the order of the records.
#include <algorithm>

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(generations)

constexpr uint64_t kId = 1'500'000'000'000'000'000;

using Writers = std::vector<RawSegmentWriter>;

Image image_of(const Writers& writers) {
  Image image;
  for (const auto& w : writers) image[w.file_name()] = w.bytes();
  return image;
}

/// The store must say what the format says, by scan, then by hint, then after a merge.
void check_store(const Writers& writers, const Contents& expected) {
  const auto image = image_of(writers);
  BOOST_REQUIRE((replay(read_log(image)) == expected));
  const auto environment = SimulatedEnvironment::make(image);
  auto store = open_store(environment);
  check_contents(*store, expected);
  reopen(store, environment);
  check_contents(*store, expected);
  unwrap(store->merge({.all = true}));
  check_contents(*store, expected);
  reopen(store, environment);
  check_contents(*store, expected);
}

RawSegmentWriter segment(uint64_t n) {
  return RawSegmentWriter(kId + n);
}

BOOST_AUTO_TEST_CASE(timestamps_decide_not_positions) {
  auto a = segment(1).put("key", "newer", 20).put("key", "older", 10).seal(100);
  check_store({a}, {{"key", "newer"}});
  auto b = segment(2).put("key", "oldest", 5).seal(101);
  check_store({a, b}, {{"key", "newer"}});
}

BOOST_AUTO_TEST_CASE(a_tombstone_in_an_older_file_still_hides_an_older_record_in_a_newer_file) {
  auto a = segment(1).erase("key", 20).seal(100);
  auto b = segment(2).put("key", "old", 10).seal(101);
  check_store({a, b}, {});
}

BOOST_AUTO_TEST_CASE(a_put_after_the_tombstone_counts_wherever_it_is) {
  auto a = segment(1).put("key", "new", 30).seal(100);
  auto b = segment(2).erase("key", 20).put("key", "old", 10).seal(101);
  check_store({a, b}, {{"key", "new"}});
}

BOOST_AUTO_TEST_CASE(pieces_of_an_older_generation_do_not_count_even_when_they_are_newer) {
  auto a = segment(1)
               .piece("key", 10, 0, "aaaa", 10)
               .put("key", "bb", 20)
               .piece("key", 10, 1, "xxxx", 30)
               .piece("key", 20, 1, "cc", 25)
               .seal(100);
  check_store({a}, {{"key", "bcc"}});
}

BOOST_AUTO_TEST_CASE(a_generation_older_than_the_tombstone_is_dead_even_with_newer_pieces) {
  auto a =
      segment(1).put("key", "value", 10).erase("key", 20).piece("key", 10, 0, "x", 30).seal(100);
  check_store({a}, {});
}

BOOST_AUTO_TEST_CASE(pieces_truncates_and_punches_apply_in_order_of_time) {
  auto a = segment(1)
               .piece("key", 10, 4, "4567", 14)
               .punch("key", 10, 5, 1, 15)
               .truncate("key", 10, 7, 16)
               .seal(100);
  auto b = segment(2)
               .truncate("key", 10, 10, 17)
               .put("key", "abcdefghij", 10)
               .truncate("key", 10, 5, 12)
               .piece("key", 10, 9, "Z", 18)
               .seal(101);
  // abcdefghij | cut to 5 | 4567 at 4 | hole at 5 | cut to 7 | grow to 10 | Z at 9
  check_store({a, b}, {{"key", std::string("abcd4\0"
                                           "6\0\0Z",
                                           10)}});
}

BOOST_AUTO_TEST_CASE(a_record_that_occurs_twice_makes_no_difference) {
  auto a = segment(1).put("key", "0123456789", 10).piece("key", 10, 2, "ab", 11).seal(100);
  auto b = segment(2)
               .piece("key", 10, 2, "ab", 11)
               .piece("key", 10, 3, "XY", 12)
               .put("key", "0123456789", 10)
               .erase("gone", 20)
               .seal(101);
  auto c =
      segment(3).put("gone", "x", 15).erase("gone", 20).piece("key", 10, 3, "XY", 12).seal(102);
  check_store({a, b, c}, {{"key", "01aXY56789"}});
}

BOOST_AUTO_TEST_CASE(fragments_of_one_record_have_its_timestamp) {
  auto a = segment(1)
               .piece("key", 10, 0, "aaa", 10)
               .piece("key", 10, 7, "zzz", 10)
               .piece("key", 10, 2, "M", 15)
               .seal(100);
  check_store({a}, {{"key", std::string("aaM\0\0\0\0zzz", 10)}});
}

BOOST_AUTO_TEST_CASE(a_punch_of_a_key_without_value_never_counts) {
  auto a = segment(1).punch("key", 0, 0, 10, 20).put("other", "1", 21).seal(100);
  check_store({a}, {{"other", "1"}});
}

BOOST_AUTO_TEST_CASE(batches_are_dissolved) {
  using W = RawSegmentWriter;
  auto a = segment(1)
               .batch(10, {W::change(Kind::kPut, "a", "1"), W::change(Kind::kPut, "b", "2"),
                           W::change(Kind::kErase, "a")})
               .put("a", "old", 5)
               .put("b", "older", 11)
               .seal(100);
  check_store({a}, {{"b", "2"}});
}

/// An interrupted merge: one input, its output, and the small segment that says so.
Writers interrupted_merge(bool marker_sealed, const std::vector<uint64_t>& replaced) {
  auto input = segment(1).put("key", "erased", 10).put("other", "1", 11).seal(100);
  auto rest = segment(2).erase("key", 20).seal(101);
  RawSegmentWriter output(kId + 5, Origin::kMerge), marker(kId + 6, Origin::kMerge);
  output.put("other", "1", 11).seal(200);
  marker.replaces(replaced, 201);
  if (marker_sealed) marker.seal(202);
  return {input, rest, output, marker};
}

BOOST_AUTO_TEST_CASE(a_merge_that_was_complete_is_finished) {
  const auto writers = interrupted_merge(true, {kId + 1, kId + 2});
  const auto environment = SimulatedEnvironment::make(image_of(writers));
  auto store = open_store(environment);
  check_contents(*store, {{"other", "1"}});
  for (const size_t gone : {0, 1, 3}) BOOST_TEST(!environment->exists(writers[gone].file_name()));
  BOOST_TEST(environment->exists(writers[2].file_name()));
  reopen(store, environment);
  check_contents(*store, {{"other", "1"}});
}

BOOST_AUTO_TEST_CASE(a_merge_that_was_not_complete_replaces_nothing) {
  const auto writers = interrupted_merge(false, {kId + 1, kId + 2});
  const auto environment = SimulatedEnvironment::make(image_of(writers));
  auto store = open_store(environment);
  check_contents(*store, {{"other", "1"}});
  BOOST_TEST(environment->exists(writers[0].file_name()));
  reopen(store, environment);
  check_contents(*store, {{"other", "1"}});
}

BOOST_AUTO_TEST_CASE(a_replaces_record_that_names_itself_or_nobody_does_no_harm) {
  auto data = segment(1).put("key", "value", 10).seal(100);
  RawSegmentWriter marker(kId + 5, Origin::kMerge);
  marker.replaces({kId + 99, kId + 5}, 200).seal(201);
  const auto environment = SimulatedEnvironment::make(image_of({data, marker}));
  auto store = open_store(environment);
  check_contents(*store, {{"key", "value"}});
  reopen(store, environment);
  check_contents(*store, {{"key", "value"}});
}

BOOST_AUTO_TEST_CASE(random_logs_in_random_order_over_random_segments_follow_the_rules) {
  for (uint64_t round = 0; round < rounds(60); ++round) {
    const uint64_t seed = base_seed() + round;
    WITH_SEED(seed) {
      Random random(seed);
      Writers writers;
      for (uint64_t i = 0; i < 3; ++i) writers.push_back(segment(i + 1));
      // Generations that exist, by key; records refer to them, to dead ones and to unknown ones.
      uint64_t generations[2] = {0, 0};
      std::vector<std::pair<int, uint64_t>> order;
      for (uint64_t t = 1; t <= 24; ++t) order.emplace_back(0, t);
      for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
      struct Step {
        uint64_t kind, key, generation, offset, length;
      };
      std::map<uint64_t, Step> steps;
      for (uint64_t t = 1; t <= 24; ++t) {
        Step s{random.below(6), random.below(2), 0, random.below(30), random.below(20)};
        if (s.kind == 1 && random.one_in(2)) s.kind = 2;
        if (s.kind == 0) generations[s.key] = t;
        if (s.kind == 1) generations[s.key] = 0;
        if (s.kind >= 2 && generations[s.key] == 0 && s.kind != 5) generations[s.key] = t;
        s.generation = generations[s.key];
        steps[t] = s;
      }
      for (const auto& [unused, t] : order) {
        auto& w = writers[random.below(writers.size())];
        const auto& s = steps[t];
        const std::string key = s.key == 0 ? "a" : "b";
        const std::string bytes(s.length, char('A' + t));
        switch (s.kind) {
          case 0:
            w.put(key, bytes, t);
            break;
          case 1:
            w.erase(key, t);
            break;
          case 4:
            w.truncate(key, s.generation, s.offset, t);
            break;
          case 5:
            w.punch(key, s.generation, s.offset, s.length, t);
            break;
          default:
            w.piece(key, s.generation, s.offset, bytes, t);
            break;
        }
      }
      for (auto& w : writers) w.seal(1000 + uint64_t(&w - writers.data()));
      check_store(writers, replay(read_log(image_of(writers))));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
