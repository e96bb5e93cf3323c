// SPDX-License-Identifier: MIT
// put, get, erase, contains, count: whole values.
#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(value)

struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  StorePtr store = open_store(environment);
};

BOOST_FIXTURE_TEST_CASE(put_value_is_read_back_before_and_after_reopening, Fixture) {
  REQUIRE_OK(store->put("key", "value"));
  BOOST_TEST(unwrap(store->get("key")) == "value");
  reopen(store, environment);
  BOOST_TEST(unwrap(store->get("key")) == "value");
  BOOST_TEST(store->count() == 1u);
}

BOOST_FIXTURE_TEST_CASE(missing_key_is_not_found_everywhere, Fixture) {
  REQUIRE_OK(store->put("other", "value"));
  char buffer[4];
  CHECK_FAILS(Errc::kNotFound, store->get("key"));
  CHECK_FAILS(Errc::kNotFound, store->read_at("key", 0, std::span<char>(buffer)));
  CHECK_FAILS(Errc::kNotFound, store->punch("key", 0, 1));
  CHECK_FAILS(Errc::kNotFound, store->locate("key"));
  BOOST_TEST(!store->contains("key"));
  BOOST_TEST(!store->size("key").has_value());
  BOOST_TEST(!store->info("key").has_value());
  BOOST_TEST(!store->seek_data("key", 0).has_value());
  BOOST_TEST(!store->seek_hole("key", 0).has_value());
}

BOOST_FIXTURE_TEST_CASE(newer_value_replaces_older_of_any_size, Fixture) {
  Random random(base_seed());
  std::string value;
  for (const size_t size : {10, 300, 0, 70000, 1, 256, 257, 16384}) {
    value = random.bytes(size);
    REQUIRE_OK(store->put("key", value));
    BOOST_TEST((unwrap(store->get("key")) == value));
    BOOST_TEST(*store->size("key") == size);
  }
  reopen(store, environment);
  BOOST_TEST((unwrap(store->get("key")) == value));
}

BOOST_FIXTURE_TEST_CASE(erased_key_is_gone_also_after_reopening, Fixture) {
  REQUIRE_OK(store->put("key", "value"));
  REQUIRE_OK(store->erase("key"));
  CHECK_FAILS(Errc::kNotFound, store->get("key"));
  BOOST_TEST(store->count() == 0u);
  reopen(store, environment);
  CHECK_FAILS(Errc::kNotFound, store->get("key"));
  REQUIRE_OK(store->put("key", "again"));
  reopen(store, environment);
  BOOST_TEST(unwrap(store->get("key")) == "again");
}

BOOST_FIXTURE_TEST_CASE(erasing_a_missing_key_is_no_error_and_writes_nothing, Fixture) {
  REQUIRE_OK(store->put("other", "value"));
  const auto before = store->stats().bytes_written;
  REQUIRE_OK(store->erase("key"));
  REQUIRE_OK(store->erase("key"));
  BOOST_TEST(store->stats().bytes_written == before);
}

BOOST_FIXTURE_TEST_CASE(empty_key_is_an_invalid_argument_to_every_change, Fixture) {
  CHECK_FAILS(Errc::kInvalidArgument, store->put("", "value"));
  CHECK_FAILS(Errc::kInvalidArgument, store->erase(""));
  CHECK_FAILS(Errc::kInvalidArgument, store->write_at("", 0, "x"));
  CHECK_FAILS(Errc::kInvalidArgument, store->truncate("", 1));
  CHECK_FAILS(Errc::kInvalidArgument, store->punch("", 0, 1));
  Batch batch;
  batch.put("good", "1");
  batch.put("", "2");
  CHECK_FAILS(Errc::kInvalidArgument, store->apply(batch));
  BOOST_TEST(store->count() == 0u);
  BOOST_TEST(!store->get("").has_value());
}

BOOST_FIXTURE_TEST_CASE(empty_value_is_a_value, Fixture) {
  REQUIRE_OK(store->put("key", ""));
  BOOST_TEST(store->contains("key"));
  BOOST_TEST(unwrap(store->get("key")).empty());
  BOOST_TEST(*store->size("key") == 0u);
  BOOST_TEST(read_range(*store, "key", 0, 10).empty());
  reopen(store, environment);
  BOOST_TEST(store->contains("key"));
  BOOST_TEST(unwrap(store->get("key")).empty());
}

BOOST_FIXTURE_TEST_CASE(longest_key_works_and_one_byte_more_is_too_large, Fixture) {
  const std::string longest(kMaxKeySize, 'k'), longer(kMaxKeySize + 1, 'k');
  REQUIRE_OK(store->put(longest, "value"));
  CHECK_FAILS(Errc::kTooLarge, store->put(longer, "value"));
  CHECK_FAILS(Errc::kTooLarge, store->write_at(longer, 0, "value"));
  CHECK_FAILS(Errc::kTooLarge, store->truncate(longer, 4));
  Batch batch;
  batch.put(longer, "value");
  CHECK_FAILS(Errc::kTooLarge, store->apply(batch));
  reopen(store, environment);
  BOOST_TEST(unwrap(store->get(longest)) == "value");
  BOOST_TEST(store->count() == 1u);
}

BOOST_FIXTURE_TEST_CASE(emoji_and_binary_keys_are_just_bytes, Fixture) {
  Contents expected;
  expected["\xf0\x9f\xa6\x9d\xf0\x9f\x92\xbe"] = "\xf0\x9f\x8e\x89";
  expected[std::string("\0", 1)] = "zero";
  expected[std::string("\0\0", 2)] = "two zeros";
  expected[std::string("a\0b", 3)] = "zero inside";
  expected["a"] = "prefix of another";
  expected["\xff\xfe\xff"] = "not UTF-8";
  expected["\xff"] = std::string("\0\xff\0", 3);
  for (int i = 0; i < 256; ++i)
    expected["byte " + std::string(1, char(i))] = std::string(1, char(i));
  for (const auto& [key, value] : expected) REQUIRE_OK(store->put(key, value));
  check_contents(*store, expected);
  reopen(store, environment);
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(one_mebibyte_and_larger_values_round_trip, Fixture) {
  Random random(base_seed());
  Contents expected;
  for (const size_t size : {1u << 20, (1u << 20) + 1, 5u << 20}) {
    const auto key = std::to_string(size);
    expected[key] = random.bytes(size);
    REQUIRE_OK(store->put(key, expected[key]));
  }
  check_contents(*store, expected);
  reopen(store, environment);
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(largest_value_round_trips_and_one_byte_more_is_too_large, Fixture) {
  std::string value(kMaxValueSize + 1, 'v');
  CHECK_FAILS(Errc::kTooLarge, store->put("key", value));
  CHECK_FAILS(Errc::kTooLarge, store->write_at("key", 0, value));
  BOOST_TEST(!store->contains("key"));
  value.pop_back();
  value.back() = 'e';
  REQUIRE_OK(store->put("key", value));
  reopen(store, environment);
  BOOST_TEST((unwrap(store->get("key")) == value));
}

BOOST_FIXTURE_TEST_CASE(values_up_to_the_inline_limit_are_read_without_any_io, Fixture) {
  auto options = quiet_options();
  options.inline_limit = 100;
  reopen(store, environment, options);
  const std::string inside(100, 'i'), outside(101, 'o');
  REQUIRE_OK(store->put("inside", inside));
  REQUIRE_OK(store->put("outside", outside));
  REQUIRE_OK(store->put("empty", ""));
  for (int round = 0; round < 2; ++round) {
    const auto reads = environment->calls(kCallRead);
    BOOST_TEST(unwrap(store->get("inside")) == inside);
    BOOST_TEST(read_range(*store, "inside", 90, 20) == std::string(10, 'i'));
    BOOST_TEST(unwrap(store->get("empty")).empty());
    BOOST_TEST(environment->calls(kCallRead) == reads);
    BOOST_TEST(unwrap(store->get("outside")) == outside);
    BOOST_TEST(environment->calls(kCallRead) > reads);
    reopen(store, environment, options);
  }
  uint64_t found = 0;
  REQUIRE_OK(store->scan("", "", [&](const KeyInfo& info) {
    found += info.is_inline ? 1 : 0;
    if (info.key == "inside") BOOST_TEST(info.value == inside);
    return true;
  }));
  BOOST_TEST(found == 2u);
}

BOOST_FIXTURE_TEST_CASE(a_get_costs_one_read, Fixture) {
  REQUIRE_OK(store->put("short", std::string(200, 's')));
  REQUIRE_OK(store->put("long", std::string(30000, 'l')));
  REQUIRE_OK(store->put("longer", std::string(500000, 'l')));
  const auto reads_of = [&](std::string_view key) {
    const auto reads = environment->calls(kCallRead);
    unwrap(store->get(key));
    return environment->calls(kCallRead) - reads;
  };
  unwrap(store->get("short"));
  BOOST_TEST(reads_of("short") == 1u);
  BOOST_TEST(reads_of("long") == 1u);
  // The head with the block table first, then the blocks straight into the caller's buffer.
  BOOST_TEST(reads_of("longer") <= 2u);
}

BOOST_FIXTURE_TEST_CASE(a_common_prefix_is_told_from_few_records, Fixture) {
  const std::string value = Random(base_seed()).bytes(1000);
  BOOST_TEST(store->common_prefix("key", 0, value, 9) == 0u);  // no such key
  REQUIRE_OK(store->put("key", value.substr(0, 700)));
  BOOST_TEST(store->common_prefix("key", 0, value, 1) == 0u);  // put there whole
  REQUIRE_OK(store->write_at("key", 0, value.substr(0, 700)));
  BOOST_TEST(store->common_prefix("key", 0, value, 0) == 0u);
  BOOST_TEST(store->common_prefix("key", 0, value, 1) == 700u);
  BOOST_TEST(store->common_prefix("key", 600, value.substr(600), 1) == 100u);
  BOOST_TEST(store->common_prefix("key", 600, value.substr(600, 50), 1) == 50u);
  BOOST_TEST(store->common_prefix("key", 600, value, 1) == 0u);
  BOOST_TEST(store->common_prefix("key", 700, value, 1) == 0u);
  REQUIRE_OK(store->write_at("key", 800, value.substr(800)));
  BOOST_TEST(store->common_prefix("key", 0, value, 1) == 0u);  // there are two
  BOOST_TEST(store->common_prefix("key", 0, value, 2) == 700u);
  auto holed = value;
  holed.replace(700, 100, 100, '\0');
  BOOST_TEST(store->common_prefix("key", 0, holed + "more", 2) == 1000u);
  auto options = quiet_options(64 << 10);
  options.inline_limit = 200;
  reopen(store, environment, options);
  REQUIRE_OK(store->put("inline", value.substr(0, 200)));
  BOOST_TEST(store->common_prefix("inline", 0, value, 0) == 200u);

  const auto file = environment->files(".data").front();
  environment->flip_bit(file, 8 * environment->contents(file).rfind(value.substr(0, 700)));
  BOOST_TEST(store->common_prefix("key", 0, holed, 2) == 0u);
  BOOST_TEST(store->common_prefix("key", 800, value.substr(800), 2) == 200u);
}

BOOST_FIXTURE_TEST_CASE(timestamps_increase_with_every_change_whatever_the_clock_does, Fixture) {
  uint64_t last = store->last_timestamp();
  for (int i = 0; i < 50; ++i) {
    if (i == 20) environment->set_clock(1000);
    REQUIRE_OK(store->put("key", std::to_string(i)));
    BOOST_TEST(store->info("key")->timestamp > last);
    BOOST_TEST(store->last_timestamp() >= store->info("key")->timestamp);
    last = store->info("key")->timestamp;
    if (i % 20 == 19) reopen(store, environment);
  }
  BOOST_TEST(unwrap(store->get("key")) == "49");
}

BOOST_FIXTURE_TEST_CASE(a_closed_store_says_so, Fixture) {
  REQUIRE_OK(store->put("key", "value"));
  REQUIRE_OK(store->close());
  CHECK_FAILS(Errc::kClosed, store->put("key", "value"));
  CHECK_FAILS(Errc::kClosed, store->erase("key"));
  CHECK_FAILS(Errc::kClosed, store->get("key"));
  CHECK_FAILS(Errc::kClosed, store->sync());
  CHECK_FAILS(Errc::kClosed, store->merge({}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
