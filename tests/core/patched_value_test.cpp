// SPDX-License-Identifier: MIT
// write_at, truncate, punch, read_at, seek_data, seek_hole, against a plain byte string.
#include <algorithm>

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(patched_value)

struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  StorePtr store = open_store(environment);

  /// The same before and after reopening.
  void check(std::string_view key, const std::string& expected) {
    for (int round = 0; round < 2; ++round) {
      BOOST_REQUIRE_EQUAL(brief(unwrap(store->get(key))), brief(expected));
      BOOST_REQUIRE(unwrap(store->get(key)) == expected);
      BOOST_REQUIRE_EQUAL(*store->size(key), expected.size());
      reopen(store, environment);
    }
  }
};

BOOST_FIXTURE_TEST_CASE(writing_at_an_offset_makes_the_key_and_zeros_in_front, Fixture) {
  REQUIRE_OK(store->write_at("key", 5, "abc"));
  check("key", std::string(5, '\0') + "abc");
  BOOST_TEST(store->count() == 1u);
}

BOOST_FIXTURE_TEST_CASE(overwriting_the_middle_keeps_both_ends, Fixture) {
  REQUIRE_OK(store->put("key", "0123456789"));
  REQUIRE_OK(store->write_at("key", 3, "xyz"));
  check("key", "012xyz6789");
  REQUIRE_OK(store->write_at("key", 8, "longer"));
  check("key", "012xyz67longer");
  REQUIRE_OK(store->write_at("key", 0, "A"));
  check("key", "A12xyz67longer");
}

BOOST_FIXTURE_TEST_CASE(writing_nothing_changes_nothing_but_makes_no_value_disappear, Fixture) {
  REQUIRE_OK(store->put("key", "value"));
  REQUIRE_OK(store->write_at("key", 2, ""));
  REQUIRE_OK(store->write_at("key", 500, ""));
  check("key", "value");
}

BOOST_FIXTURE_TEST_CASE(truncate_cuts_grows_with_zeros_and_makes_the_key, Fixture) {
  REQUIRE_OK(store->truncate("new", 4));
  check("new", std::string(4, '\0'));
  REQUIRE_OK(store->truncate("empty", 0));
  check("empty", "");
  REQUIRE_OK(store->put("key", "0123456789"));
  REQUIRE_OK(store->truncate("key", 4));
  check("key", "0123");
  REQUIRE_OK(store->truncate("key", 8));
  check("key", std::string("0123\0\0\0\0", 8));
  REQUIRE_OK(store->truncate("key", 0));
  check("key", "");
}

BOOST_FIXTURE_TEST_CASE(bytes_cut_off_do_not_come_back_when_the_value_grows, Fixture) {
  REQUIRE_OK(store->put("key", "secret secret"));
  REQUIRE_OK(store->truncate("key", 3));
  REQUIRE_OK(store->write_at("key", 10, "end"));
  check("key", std::string("sec\0\0\0\0\0\0\0end", 13));
}

BOOST_FIXTURE_TEST_CASE(punch_zeroes_a_range_and_keeps_the_size, Fixture) {
  REQUIRE_OK(store->put("key", "0123456789"));
  REQUIRE_OK(store->punch("key", 2, 3));
  check("key", std::string("01\0\0\0"
                           "56789",
                           10));
  REQUIRE_OK(store->punch("key", 8, 100));
  check("key", std::string("01\0\0\0"
                           "567\0\0",
                           10));
  REQUIRE_OK(store->punch("key", 50, 10));
  REQUIRE_OK(store->punch("key", 5, uint64_t{1} << 62));
  check("key", std::string("01\0\0\0\0\0\0\0\0", 10));
  REQUIRE_OK(store->punch("key", 0, 10));
  check("key", std::string(10, '\0'));
}

BOOST_FIXTURE_TEST_CASE(put_and_erase_start_afresh, Fixture) {
  REQUIRE_OK(store->write_at("key", 100, "old"));
  REQUIRE_OK(store->put("key", "new"));
  check("key", "new");
  REQUIRE_OK(store->write_at("key", 10, "piece"));
  REQUIRE_OK(store->erase("key"));
  REQUIRE_OK(store->write_at("key", 2, "x"));
  check("key", std::string("\0\0x", 3));
}

BOOST_FIXTURE_TEST_CASE(read_at_gives_what_is_there_and_is_short_only_at_the_end, Fixture) {
  REQUIRE_OK(store->put("key", "0123456789"));
  REQUIRE_OK(store->write_at("key", 20, "abc"));
  BOOST_TEST(read_range(*store, "key", 0, 5) == "01234");
  BOOST_TEST(read_range(*store, "key", 8, 14) == std::string("89\0\0\0\0\0\0\0\0\0\0ab", 14));
  BOOST_TEST(read_range(*store, "key", 21, 100) == "bc");
  BOOST_TEST(read_range(*store, "key", 23, 100).empty());
  BOOST_TEST(read_range(*store, "key", ~uint64_t{0}, 1).empty());
  BOOST_TEST(read_range(*store, "key", 4, 0).empty());
}

BOOST_FIXTURE_TEST_CASE(a_read_of_a_part_verifies_only_the_blocks_it_touches, Fixture) {
  Random random(base_seed());
  const auto value = random.bytes(5 * kBlockSize);
  REQUIRE_OK(store->put("key", value));
  const auto extent = unwrap(store->locate("key")).front();
  REQUIRE_OK(store->close());
  // Damage one byte in block 3.
  const uint64_t begin = extent.record_offset + extent.record_length - value.size();
  const auto file = segment_file(extent.segment, kDataSuffix);
  environment->flip_bit(file, 8 * (begin + 3 * kBlockSize + 100));
  store = open_store(environment);
  BOOST_TEST((read_range(*store, "key", 0, 3 * kBlockSize) == value.substr(0, 3 * kBlockSize)));
  BOOST_TEST(
      (read_range(*store, "key", 4 * kBlockSize, kBlockSize) == value.substr(4 * kBlockSize)));
  std::string out(10, '\0');
  CHECK_FAILS(Errc::kCorrupt, store->read_at("key", 3 * kBlockSize, std::span<char>(out)));
  CHECK_FAILS(Errc::kCorrupt, store->get("key"));
  BOOST_TEST(store->stats().read_errors >= 2u);
}

BOOST_FIXTURE_TEST_CASE(offsets_near_the_largest_size_work_and_beyond_are_refused, Fixture) {
  constexpr uint64_t kLargest = (uint64_t{1} << 63) - 1;
  REQUIRE_OK(store->write_at("key", kLargest - 3, "end"));
  BOOST_TEST(*store->size("key") == kLargest);
  CHECK_FAILS(Errc::kTooLarge, store->write_at("key", kLargest - 2, "long"));
  CHECK_FAILS(Errc::kTooLarge, store->write_at("key", ~uint64_t{0} - 1, "wrap"));
  CHECK_FAILS(Errc::kTooLarge, store->truncate("key", kLargest + 1));
  BOOST_TEST(*store->size("key") == kLargest);
  BOOST_TEST(read_range(*store, "key", kLargest - 4, 10) == std::string("\0end", 4));
  CHECK_FAILS(Errc::kTooLarge, store->get("key"));
  reopen(store, environment);
  BOOST_TEST(*store->size("key") == kLargest);
  BOOST_TEST(store->info("key")->allocated == 3u);
}

BOOST_FIXTURE_TEST_CASE(seek_finds_data_and_holes_as_lseek_does, Fixture) {
  REQUIRE_OK(store->write_at("key", 10, "0123456789"));
  REQUIRE_OK(store->write_at("key", 40, "0123456789"));
  REQUIRE_OK(store->truncate("key", 100));
  for (int round = 0; round < 2; ++round) {
    BOOST_TEST(*store->seek_data("key", 0) == 10u);
    BOOST_TEST(*store->seek_data("key", 10) == 10u);
    BOOST_TEST(*store->seek_data("key", 19) == 19u);
    BOOST_TEST(*store->seek_data("key", 20) == 40u);
    BOOST_TEST(!store->seek_data("key", 50).has_value());
    BOOST_TEST(!store->seek_data("key", 100).has_value());
    BOOST_TEST(*store->seek_hole("key", 0) == 0u);
    BOOST_TEST(*store->seek_hole("key", 12) == 20u);
    BOOST_TEST(*store->seek_hole("key", 45) == 50u);
    BOOST_TEST(*store->seek_hole("key", 99) == 99u);
    BOOST_TEST(!store->seek_hole("key", 100).has_value());
    BOOST_TEST(store->info("key")->allocated == 20u);
    reopen(store, environment);
  }
  REQUIRE_OK(store->put("whole", "12345"));
  BOOST_TEST(*store->seek_hole("whole", 0) == 5u);
  BOOST_TEST(*store->seek_data("whole", 4) == 4u);
  REQUIRE_OK(store->put("empty", ""));
  BOOST_TEST(!store->seek_data("empty", 0).has_value());
  BOOST_TEST(!store->seek_hole("empty", 0).has_value());
}

BOOST_FIXTURE_TEST_CASE(locate_covers_exactly_the_data, Fixture) {
  REQUIRE_OK(store->write_at("key", 100, std::string(50, 'a')));
  REQUIRE_OK(store->write_at("key", 120, std::string(10, 'b')));
  REQUIRE_OK(store->truncate("key", 1000));
  std::string covered(1000, '\0');
  uint64_t previous_end = 0;
  for (const auto& extent : unwrap(store->locate("key"))) {
    BOOST_TEST(extent.offset >= previous_end);
    BOOST_TEST(extent.readable);
    previous_end = extent.offset + extent.length;
    BOOST_TEST(extent.timestamp == store->info("key")->timestamp);
    covered.replace(extent.offset, extent.length, std::string(extent.length, 'x'));
    const auto segment = environment->contents(segment_file(extent.segment, kDataSuffix));
    const auto record = read_segment(segment);
    BOOST_TEST(std::ranges::any_of(record.records, [&](const RawRecord& r) {
      return r.at == extent.record_offset && r.size == extent.record_length && r.key == "key";
    }));
  }
  BOOST_TEST((covered == std::string(100, '\0') + std::string(50, 'x') + std::string(850, '\0')));
}

/// A value, the same as plain bytes, and which of them are data.
struct Reference {
  std::string bytes;
  std::vector<bool> data;

  void write(uint64_t offset, const std::string& with) {
    if (with.empty()) return;
    resize(std::max<size_t>(bytes.size(), offset + with.size()));
    bytes.replace(offset, with.size(), with);
    std::fill_n(data.begin() + long(offset), with.size(), true);
  }
  void resize(size_t size) {
    bytes.resize(size, '\0');
    data.resize(size, false);
  }
  void punch(uint64_t offset, uint64_t length) {
    for (uint64_t i = offset; i < bytes.size() && i - offset < length; ++i) {
      bytes[i] = '\0';
      data[i] = false;
    }
  }
  std::optional<uint64_t> seek(uint64_t from, bool wanted) const {
    if (from >= bytes.size()) return std::nullopt;
    for (uint64_t i = from; i < data.size(); ++i) {
      if (data[i] == wanted) return i;
    }
    return wanted ? std::nullopt : std::optional<uint64_t>(bytes.size());
  }
};

void random_change(Store& store, Reference& reference, Random& random) {
  const uint64_t limit = 3000;
  const uint64_t offset = random.below(limit), length = random.below(random.one_in(5) ? 900 : 60);
  switch (random.below(10)) {
    case 0:
      REQUIRE_OK(store.truncate("key", offset));
      reference.resize(offset);
      break;
    case 1:
      REQUIRE_OK(store.punch("key", offset, length));
      reference.punch(offset, length);
      break;
    case 2:
      if (!random.one_in(5)) break;
      reference = {};
      reference.write(0, random.bytes(length));
      REQUIRE_OK(store.put("key", reference.bytes));
      break;
    default: {
      const bool append = random.one_in(3) && reference.bytes.size() < limit;
      const uint64_t at = append ? reference.bytes.size() : offset;
      const auto bytes = random.bytes(length);
      REQUIRE_OK(store.write_at("key", at, bytes));
      reference.write(at, bytes);
    }
  }
}

void check_against(const Store& store, const Reference& reference, Random& random) {
  BOOST_REQUIRE(unwrap(store.get("key")) == reference.bytes);
  for (int i = 0; i < 8; ++i) {
    const uint64_t at = random.below(reference.bytes.size() + 50);
    const size_t length = random.below(700);
    const auto expected =
        at < reference.bytes.size() ? reference.bytes.substr(at, length) : std::string();
    BOOST_REQUIRE(read_range(store, "key", at, length) == expected);
    BOOST_REQUIRE(store.seek_data("key", at) == reference.seek(at, true));
    BOOST_REQUIRE(store.seek_hole("key", at) == reference.seek(at, false));
  }
  const auto allocated = uint64_t(std::count(reference.data.begin(), reference.data.end(), true));
  BOOST_REQUIRE_EQUAL(store.info("key")->allocated, allocated);
}

BOOST_AUTO_TEST_CASE(random_changes_equal_a_plain_byte_string) {
  for (uint64_t round = 0; round < rounds(8); ++round) {
    const uint64_t seed = base_seed() + round;
    WITH_SEED(seed) {
      Random random(seed);
      const auto environment = SimulatedEnvironment::make();
      auto options = quiet_options(64 << 10);
      options.inline_limit = random.below(3) * 50;
      auto store = open_store(environment, options);
      Reference reference;
      REQUIRE_OK(store->truncate("key", 0));
      for (int step = 0; step < 400; ++step) {
        random_change(*store, reference, random);
        if (step % 5 == 0) check_against(*store, reference, random);
        if (random.one_in(60)) reopen(store, environment, options);
        if (random.one_in(60)) unwrap(store->merge({.all = true}));
      }
      reopen(store, environment, options);
      check_against(*store, reference, random);
      BOOST_REQUIRE((replay(read_log(environment->image())) == Contents{{"key", reference.bytes}}));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
