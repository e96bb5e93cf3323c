// SPDX-License-Identifier: MIT
// Segment names and headers, and rotation at the maximum size.
#include "core/log/segment.hpp"

#include "core/log/active_segment.hpp"
#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(segment)

BOOST_AUTO_TEST_CASE(names_are_digits_that_sort_by_age) {
  BOOST_TEST(segment_file(5, kDataSuffix) == "0000000000000000005.data");
  BOOST_TEST(segment_file(1'600'000'000'000'000'000, kHintSuffix) == "1600000000000000000.hint");
  BOOST_TEST(*segment_id("1600000000000000000.data", kDataSuffix) == 1'600'000'000'000'000'000u);
  for (const std::string_view name :
       {"160.data", "1600000000000000000.dat", "1600000000000000000.data.tmp", ".data",
        "x600000000000000000.data", "-600000000000000000.data", "99999999999999999999.data",
        "1600000000000000000.hint"}) {
    BOOST_TEST(!segment_id(name, kDataSuffix).has_value(), name);
  }
}

/// The committer and whoever seals a segment may sync it at the same time, and the disk tells of a
/// failure once.
BOOST_AUTO_TEST_CASE(a_sync_that_failed_fails_for_everybody) {
  const auto environment = SimulatedEnvironment::make();
  SegmentHeader header;
  header.id = 1'500'000'000'000'000'000;
  const auto active = unwrap(ActiveSegment::create(*environment, header));
  REQUIRE_OK(active->file()->sync());
  environment->inject({.calls = kCallSync});
  BOOST_TEST(!active->file()->sync().has_value());
  BOOST_TEST(!active->file()->sync().has_value());
  BOOST_TEST(!active->seal(0, 1'500'000'000'000'000'001).has_value());
}

BOOST_AUTO_TEST_CASE(header_round_trips_and_every_flipped_bit_is_refused) {
  SegmentHeader header;
  header.id = 0x123456789abcdef;
  header.origin = Origin::kMerge;
  header.uuid.fill('u');
  auto bytes = encode_segment_header(header);
  BOOST_TEST(bytes.size() == 44u);
  const auto back = unwrap(decode_segment_header(bytes, "x"));
  BOOST_TEST(back.id == header.id);
  BOOST_TEST(int(back.origin) == 2);
  BOOST_TEST((back.uuid == header.uuid));
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] = char(bytes[bit / 8] ^ (1 << bit % 8));
    BOOST_TEST(!decode_segment_header(bytes, "x").has_value(), "bit " << bit);
    bytes[bit / 8] = char(bytes[bit / 8] ^ (1 << bit % 8));
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FAILS(Errc::kCorrupt, decode_segment_header(bytes.substr(0, size), "x"));
  }
}

BOOST_AUTO_TEST_CASE(a_segment_is_full_in_front_of_the_record_that_would_pass_the_maximum) {
  const auto environment = SimulatedEnvironment::make();
  constexpr uint64_t kMaximum = 64 << 10;
  auto store = open_store(environment, quiet_options(kMaximum));
  Random random(base_seed());
  Contents expected;
  for (int i = 0; i < 200; ++i) {
    const auto key = numbered("key", i);
    expected[key] = random.bytes(random.below(6000));
    REQUIRE_OK(store->put(key, expected[key]));
  }
  REQUIRE_OK(store->close());
  const auto log = read_log(environment->image());
  BOOST_TEST(log.size() > 5u);
  for (const auto& s : log) {
    BOOST_TEST(s.sealed);
    BOOST_TEST(s.end == s.file_size);
    BOOST_TEST(s.end - s.top_level.back().second <= kMaximum);
    BOOST_TEST(s.seal_count == s.records.size());
  }
  // No segment was ended early: the first record of the next would not have fitted.
  for (size_t i = 0; i + 1 < log.size(); ++i) {
    const uint64_t used = log[i].end - log[i].top_level.back().second;
    BOOST_TEST(used + log[i + 1].records.front().size > kMaximum);
  }
  store = open_store(environment, quiet_options(kMaximum));
  check_contents(*store, expected);
}

BOOST_AUTO_TEST_CASE(a_segment_is_full_with_the_most_records_but_a_batch_is_not_divided) {
  const auto environment = SimulatedEnvironment::make();
  auto options = quiet_options();
  options.segment.max_records = 10;
  auto store = open_store(environment, options);
  Contents expected;
  const auto put = [&](int i, Batch* batch) {
    const auto key = numbered("key", i);
    expected[key] = std::to_string(i);
    if (batch != nullptr) {
      batch->put(key, expected[key]);
    } else {
      REQUIRE_OK(store->put(key, expected[key]));
    }
  };
  for (int i = 0; i < 95; ++i) put(i, nullptr);
  Batch batch;
  for (int i = 95; i < 120; ++i) put(i, &batch);
  REQUIRE_OK(store->apply(batch));
  for (int i = 120; i < 125; ++i) put(i, nullptr);
  REQUIRE_OK(store->close());
  const auto records = [&] {
    std::vector<size_t> counts;
    for (const auto& segment : read_log(environment->image())) {
      counts.push_back(segment.records.size());
    }
    return counts;
  };
  std::vector<size_t> written(9, 10), merged(12, 10);
  written.insert(written.end(), {30, 5});
  merged.push_back(5);
  BOOST_TEST(records() == written, boost::test_tools::per_element());
  store = open_store(environment, options);
  // They are full, not small, so there is no reason to put them together.
  BOOST_TEST(unwrap(store->merge({})).inputs.size() == 0u);
  unwrap(store->merge({.all = true}));
  reopen(store, environment, options);
  check_contents(*store, expected);
  REQUIRE_OK(store->close());
  BOOST_TEST(records() == merged, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_record_larger_than_a_segment_gets_one_of_its_own) {
  const auto environment = SimulatedEnvironment::make();
  auto store = open_store(environment, quiet_options(64 << 10));
  const std::string large(1 << 20, 'L');
  REQUIRE_OK(store->put("before", "1"));
  REQUIRE_OK(store->put("large", large));
  REQUIRE_OK(store->put("after", "2"));
  reopen(store, environment, quiet_options(64 << 10));
  check_contents(*store, {{"before", "1"}, {"large", large}, {"after", "2"}});
}

BOOST_AUTO_TEST_CASE(segment_ids_are_unique_while_the_clock_stands_still_or_jumps_back) {
  const auto environment = SimulatedEnvironment::make();
  auto store = open_store(environment, quiet_options(64 << 10));
  Contents expected;
  for (int i = 0; i < 60; ++i) {
    environment->set_clock(1'600'000'000'000'000'000u - uint64_t(i) * 1'000'000'000u);
    const auto key = numbered("key", i);
    expected[key] = std::string(10000, char('a' + i % 26));
    REQUIRE_OK(store->put(key, expected[key]));
  }
  reopen(store, environment, quiet_options(64 << 10));
  check_contents(*store, expected);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
