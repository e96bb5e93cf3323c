// SPDX-License-Identifier: MIT
// Many small pieces become few: a log file appended to 100,000 times reads like one written at
// once.
#include <algorithm>
#include <chrono>

#include "tests/core/store_helpers.hpp"
#include "tests/support/temporary_directory.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(consolidation)

BOOST_AUTO_TEST_CASE(a_hundred_thousand_appends_of_a_hundred_bytes) {
  const TemporaryDirectory directory;
  const auto environment = unwrap(open_directory(directory.path(), false));
  const auto options = quiet_options(64 << 20);
  auto store = open_store(environment, options);
  constexpr uint64_t kAppends = 100'000;
  constexpr size_t kSize = 100;
  std::string expected;
  expected.reserve(kAppends * kSize);
  uint64_t most_pieces = 0;
  for (uint64_t i = 0; i < kAppends; ++i) {
    auto line = std::to_string(i);
    line.resize(kSize, char('a' + i % 26));
    REQUIRE_OK(store->write_at("log", expected.size(), line));
    expected += line;
    if (i % 5000 == 0) most_pieces = std::max(most_pieces, store->stats().pieces);
  }
  REQUIRE_OK(store->sync());
  const auto stats = store->stats();
  const double amplification = double(stats.bytes_written) / double(expected.size());
  BOOST_TEST_MESSAGE("write amplification " << amplification << ", pieces " << stats.pieces
                                            << ", most " << most_pieces);
  BOOST_TEST(amplification <= 10.0);
  BOOST_TEST(stats.consolidations > 0u);
  BOOST_TEST(stats.pieces <= 2000u);
  BOOST_TEST(most_pieces <= 4000u);
  BOOST_TEST((unwrap(store->get("log")) == expected));
  BOOST_TEST(store->info("log")->allocated == expected.size());

  reopen(store, environment, options);
  BOOST_TEST((unwrap(store->get("log")) == expected));
  unwrap(store->merge({.all = true}));
  BOOST_TEST((unwrap(store->get("log")) == expected));
  BOOST_TEST(store->stats().dead_bytes == 0u);
  BOOST_TEST(double(store->stats().disk_bytes) < 1.5 * double(expected.size()));
  reopen(store, environment, options);
  BOOST_TEST((unwrap(store->get("log")) == expected));
}

struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  StorePtr store = open_store(environment, quiet_options(256 << 10));
  Random random{base_seed()};
};

BOOST_FIXTURE_TEST_CASE(small_random_overwrites_stay_bounded_and_right, Fixture) {
  std::string expected = random.bytes(200 << 10);
  REQUIRE_OK(store->put("file", expected));
  for (int i = 0; i < 4000; ++i) {
    const auto at = random.below(expected.size() - 100);
    const auto bytes = random.bytes(random.between(1, 100));
    expected.replace(at, bytes.size(), bytes);
    REQUIRE_OK(store->write_at("file", at, bytes));
    if (i % 500 == 0) BOOST_REQUIRE(unwrap(store->get("file")) == expected);
  }
  BOOST_TEST((unwrap(store->get("file")) == expected));
  for (int round = 0; round < 2; ++round) {
    reopen(store, environment, quiet_options(256 << 10));
    BOOST_TEST((unwrap(store->get("file")) == expected));
    unwrap(store->merge({.all = true}));
    BOOST_TEST((unwrap(store->get("file")) == expected));
  }
}

BOOST_FIXTURE_TEST_CASE(appends_to_many_files_in_turn, Fixture) {
  Contents expected;
  for (int i = 0; i < 200; ++i) {
    for (int file = 0; file < 20; ++file) {
      const auto key = numbered("log", file);
      const auto line = random.bytes(random.between(20, 120));
      REQUIRE_OK(store->write_at(key, expected[key].size(), line));
      expected[key] += line;
    }
  }
  BOOST_TEST(store->stats().pieces <= 20 * 150u);
  check_contents(*store, expected);
  reopen(store, environment, quiet_options(256 << 10));
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(appends_after_which_the_file_is_cut_or_erased, Fixture) {
  Contents expected;
  for (int round = 0; round < 30; ++round) {
    auto& value = expected["log"];
    for (int i = 0; i < 120; ++i) {
      const auto line = random.bytes(50);
      REQUIRE_OK(store->write_at("log", value.size(), line));
      value += line;
    }
    switch (random.below(4)) {
      case 0:
        REQUIRE_OK(store->erase("log"));
        value.clear();
        REQUIRE_OK(store->put("log", ""));
        break;
      case 1:
        value.resize(random.below(value.size()));
        REQUIRE_OK(store->truncate("log", value.size()));
        break;
      case 2:
        REQUIRE_OK(store->punch("log", 100, 1000));
        for (size_t i = 100; i < value.size() && i < 1100; ++i) value[i] = '\0';
        break;
      default:
        break;
    }
    check_contents(*store, expected);
  }
  reopen(store, environment, quiet_options(256 << 10));
  check_contents(*store, expected);
  BOOST_TEST((replay(read_log(environment->image())) == expected));
}

BOOST_FIXTURE_TEST_CASE(what_was_written_from_the_end_is_not_rewritten_at_once, Fixture) {
  // Longer than a record may be.
  constexpr uint64_t kPieces = 18'000, kSize = 4000;
  const auto expected = random.bytes(kPieces * kSize);
  const auto write = [&](uint64_t i) {
    REQUIRE_OK(
        store->write_at("file", i * kSize, std::string_view(expected).substr(i * kSize, kSize)));
  };
  for (uint64_t i = kPieces; i > 0; --i) write(i - 1);
  const auto before = store->stats().bytes_written;
  write(kPieces - 1);
  BOOST_TEST(store->stats().bytes_written - before < 600u << 10);
  BOOST_TEST((unwrap(store->get("file")) == expected));
  reopen(store, environment, quiet_options(256 << 10));
  BOOST_TEST((unwrap(store->get("file")) == expected));
  unwrap(store->merge({.all = true}));
  BOOST_TEST((unwrap(store->get("file")) == expected));
}

BOOST_FIXTURE_TEST_CASE(holes_between_pieces_stay_holes, Fixture) {
  for (uint64_t i = 0; i < 1000; ++i) {
    REQUIRE_OK(store->write_at("sparse", i * 8192, std::string(10, 'd')));
  }
  BOOST_TEST(store->info("sparse")->allocated == 10'000u);
  BOOST_TEST(*store->seek_hole("sparse", 0) == 10u);
  BOOST_TEST(*store->seek_data("sparse", 10) == 8192u);
  unwrap(store->merge({.all = true}));
  BOOST_TEST(store->info("sparse")->allocated == 10'000u);
  BOOST_TEST(environment->used_bytes() < 400u << 10);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
