// SPDX-License-Identifier: MIT
#include "core/store/batch.hpp"

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(batch)

struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  StorePtr store = open_store(environment);
};

BOOST_FIXTURE_TEST_CASE(all_changes_happen, Fixture) {
  REQUIRE_OK(store->put("old", "1"));
  REQUIRE_OK(store->put("file", "0123456789"));
  Batch batch;
  batch.put("new", "2");
  batch.erase("old");
  batch.write_at("file", 2, "xx");
  batch.truncate("file", 6);
  batch.punch("file", 0, 1);
  batch.erase("never there");
  REQUIRE_OK(store->apply(batch));
  const Contents expected = {{"new", "2"},
                             {"file", std::string("\0"
                                                  "1xx45",
                                                  6)}};
  check_contents(*store, expected);
  reopen(store, environment);
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(later_changes_see_earlier_ones, Fixture) {
  Batch batch;
  batch.put("a", "first");
  batch.put("a", "second");
  batch.write_at("a", 6, "!");
  batch.write_at("b", 3, "b");
  batch.punch("b", 3, 1);
  batch.put("c", "gone");
  batch.erase("c");
  batch.erase("d");
  batch.put("d", "there");
  batch.erase("e");
  batch.truncate("e", 2);
  batch.put("f", "x");
  batch.erase("f");
  batch.write_at("f", 1, "y");
  REQUIRE_OK(store->apply(batch));
  const Contents expected = {{"a", "second!"},
                             {"b", std::string(4, '\0')},
                             {"d", "there"},
                             {"e", std::string(2, '\0')},
                             {"f", std::string("\0y", 2)}};
  check_contents(*store, expected);
  reopen(store, environment);
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(an_empty_batch_does_nothing, Fixture) {
  const auto before = store->stats().bytes_written;
  REQUIRE_OK(store->apply(Batch{}));
  BOOST_TEST(store->stats().bytes_written == before);
}

BOOST_FIXTURE_TEST_CASE(a_cleared_batch_can_be_used_again, Fixture) {
  Batch batch;
  batch.put("a", "1");
  batch.clear();
  BOOST_TEST(batch.empty());
  batch.put("b", "2");
  BOOST_TEST(batch.size() == 1u);
  REQUIRE_OK(store->apply(batch));
  check_contents(*store, {{"b", "2"}});
}

BOOST_FIXTURE_TEST_CASE(a_bad_change_refuses_the_whole_batch, Fixture) {
  REQUIRE_OK(store->put("a", "old"));
  Batch batch;
  batch.put("a", "new");
  batch.put(std::string(kMaxKeySize + 1, 'k'), "value");
  CHECK_FAILS(Errc::kTooLarge, store->apply(batch));
  check_contents(*store, {{"a", "old"}});
  reopen(store, environment);
  check_contents(*store, {{"a", "old"}});
}

BOOST_FIXTURE_TEST_CASE(a_punch_of_a_missing_key_in_a_batch_does_nothing, Fixture) {
  Batch batch;
  batch.punch("missing", 0, 4);
  batch.put("a", "1");
  REQUIRE_OK(store->apply(batch));
  check_contents(*store, {{"a", "1"}});
  reopen(store, environment);
  check_contents(*store, {{"a", "1"}});
}

BOOST_FIXTURE_TEST_CASE(a_batch_above_its_limit_is_too_large, Fixture) {
  const std::string large(60 << 20, 'h');
  Batch batch;
  for (const std::string_view key : {"a", "b", "c"}) batch.put(key, large);
  CHECK_FAILS(Errc::kTooLarge, store->apply(batch));
  BOOST_TEST(store->count() == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_batch_of_more_than_a_million_changes_is_too_large, Fixture) {
  Batch batch;
  for (size_t i = 0; i <= kMaxBatchCount; ++i) batch.put("k", "");
  CHECK_FAILS(Errc::kTooLarge, store->apply(batch));
  BOOST_TEST(store->count() == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_batch_is_one_record_and_one_write, Fixture) {
  Batch batch;
  for (int i = 0; i < 50; ++i) batch.put(numbered("key", i), "value");
  REQUIRE_OK(store->put("first", "makes the segment"));
  const auto before = environment->calls(kCallWrite);
  REQUIRE_OK(store->apply(batch));
  BOOST_TEST(environment->calls(kCallWrite) - before == 1u);
  REQUIRE_OK(store->close());
  const auto log = read_log(environment->image());
  BOOST_REQUIRE_EQUAL(log.size(), 1u);
  BOOST_TEST(log[0].top_level.size() == 4u);  // the first, the batch, the end and the seal
  BOOST_TEST(log[0].seal_count == 51u);
}

BOOST_FIXTURE_TEST_CASE(a_batch_torn_at_any_byte_is_no_batch, Fixture) {
  REQUIRE_OK(store->put("before", "1"));
  REQUIRE_OK(store->sync());
  const std::string patch(300, 'x'), long_value(300, 'y');  // a batch does not copy values
  Batch batch;
  batch.put("a", "2");
  batch.write_at("before", 1, patch);
  batch.erase("before");
  batch.put("b", long_value);
  REQUIRE_OK(store->apply(batch));
  Random random(base_seed());
  const auto image = environment->after_crash(Loss::kNothing, random);
  const auto name = environment->files(".data").front();
  const auto segment = read_segment(image.at(name));
  const auto [at, size] = segment.top_level.at(1);
  BOOST_REQUIRE_EQUAL(at + size, segment.end);
  for (uint64_t cut = at; cut < at + size; ++cut) {
    auto torn = image;
    torn[name].resize(cut);
    if (cut % 2 == 0) torn[name].resize(at + size, '\0');
    const auto reopened = open_store(SimulatedEnvironment::make(torn));
    check_contents(*reopened, {{"before", "1"}});
  }
  const auto whole = open_store(SimulatedEnvironment::make(image));
  check_contents(*whole, {{"a", "2"}, {"b", long_value}});
}

BOOST_FIXTURE_TEST_CASE(a_batch_with_a_damaged_inner_record_at_the_tail_is_no_batch, Fixture) {
  REQUIRE_OK(store->put("before", "1"));
  const std::string long_value(300, 'y');
  Batch batch;
  batch.put("a", "2");
  batch.put("b", long_value);
  REQUIRE_OK(store->apply(batch));
  Random random(base_seed());
  const auto image = environment->after_crash(Loss::kNothing, random);
  const auto name = environment->files(".data").front();
  const auto [at, size] = read_segment(image.at(name)).top_level.at(1);
  for (uint64_t byte = at; byte < at + size; ++byte) {
    auto damaged = image;
    damaged[name][byte] = char(damaged[name][byte] ^ 0x20);
    const auto reopened = open_store(SimulatedEnvironment::make(damaged));
    check_contents(*reopened, {{"before", "1"}});
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
