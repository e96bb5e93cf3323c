// SPDX-License-Identifier: MIT
// The oldest bug of the family: a deleted key returns when a merge drops its tombstone too early;
// and the second: a tombstone that nothing needs any more is kept for ever.
#include <algorithm>

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(merge_tombstone)

struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  Options options = quiet_options(1 << 20);
  StorePtr store = open_store(environment, options);

  /// Ends the active segment.
  void rotate() { reopen(store, environment, options); }
  /// Makes the segment that is written to mostly dead.
  void make_noise() {
    for (int i = 0; i < 10; ++i) REQUIRE_OK(store->put("noise", std::string(1000, 'n')));
  }
  /// Ends the active segment; then, on a copy of the store each, with merges that walk through the
  /// key directory and with such that ask for each record.
  template <class Work>
  void walking_and_asking(Work&& work) {
    rotate();
    const auto image = environment->image();
    for (const uint64_t keys : {1000, 0}) {
      options.merge.walked_keys_per_record = keys;
      reopen(store, environment = SimulatedEnvironment::make(image), options);
      finish_hints(*store);
      work();
    }
  }
  void check(const Contents& expected) {
    check_contents(*store, expected);
    rotate();
    check_contents(*store, expected);
    for (const auto& hint : environment->files(".hint")) environment->delete_file(hint);
    rotate();
    check_contents(*store, expected);
  }
};

BOOST_FIXTURE_TEST_CASE(a_tombstone_stays_while_an_older_file_holds_the_key, Fixture) {
  // Segment 1 is mostly live and will not be merged; it holds an old value of "key".
  REQUIRE_OK(store->put("live", std::string(10000, 'l')));
  REQUIRE_OK(store->put("key", "old"));
  rotate();
  // Segment 2 is mostly dead and holds the tombstone.
  make_noise();
  REQUIRE_OK(store->erase("key"));
  rotate();
  REQUIRE_OK(store->put("noise", "end"));
  rotate();
  const auto report = unwrap(store->merge({.min_dead = 0.5}));
  BOOST_REQUIRE_EQUAL(report.inputs.size(), 1u);
  BOOST_TEST(report.erasers_dropped == 0u);
  const Contents expected = {{"live", std::string(10000, 'l')}, {"noise", "end"}};
  check(expected);
  // Again and again: the copy of the tombstone is a tombstone, too.
  for (int round = 0; round < 3; ++round) {
    unwrap(store->merge({.min_dead = 0.01}));
    check(expected);
  }
}

BOOST_FIXTURE_TEST_CASE(a_truncate_that_gives_a_size_and_hides_older_bytes_is_copied_once,
                        Fixture) {
  REQUIRE_OK(store->put("grown", std::string(10'000, 'g')));
  rotate();
  make_noise();
  REQUIRE_OK(store->truncate("grown", 20'000));
  walking_and_asking([this] {
    const auto report = unwrap(store->merge({.min_dead = 0.5}));
    BOOST_TEST(report.inputs.size() == 1u);
    BOOST_TEST(report.records_copied == 2u);  // and the noise that lives
    BOOST_TEST(report.erasers_dropped == 0u);
    check({{"grown", std::string(10'000, 'g') + std::string(10'000, '\0')},
           {"noise", std::string(1000, 'n')}});
  });
}

BOOST_FIXTURE_TEST_CASE(a_tombstone_is_found_without_a_hint, Fixture) {
  REQUIRE_OK(store->put("live", std::string(10'000, 'l')));
  REQUIRE_OK(store->put("key", "old"));
  rotate();
  make_noise();
  REQUIRE_OK(store->erase("key"));
  walking_and_asking([this] {
    for (const auto& hint : environment->files(".hint")) {
      environment->flip_bit(hint, 8 * (environment->contents(hint).size() / 2));
    }
    const auto report = unwrap(store->merge({.min_dead = 0.5}));
    BOOST_TEST(report.inputs.size() == 1u);
    BOOST_TEST(report.records_copied == 2u);  // the tombstone, and the noise that lives
    BOOST_TEST(report.erasers_dropped == 0u);
    check({{"live", std::string(10'000, 'l')}, {"noise", std::string(1000, 'n')}});
  });
}

BOOST_FIXTURE_TEST_CASE(erasers_of_parts_stay_while_an_older_file_holds_the_bytes, Fixture) {
  REQUIRE_OK(store->put("live", std::string(30000, 'l')));
  REQUIRE_OK(store->put("cut", std::string(2000, 'c')));
  REQUIRE_OK(store->put("punched", std::string(2000, 'p')));
  REQUIRE_OK(store->put("replaced", std::string(2000, 'r')));
  rotate();
  make_noise();
  REQUIRE_OK(store->truncate("cut", 10));
  REQUIRE_OK(store->truncate("cut", 100));
  REQUIRE_OK(store->punch("punched", 10, 1000));
  REQUIRE_OK(store->erase("replaced"));
  REQUIRE_OK(store->write_at("replaced", 3, "new"));
  rotate();
  REQUIRE_OK(store->put("noise", "end"));
  rotate();
  const Contents expected = {
      {"live", std::string(30000, 'l')},
      {"cut", std::string(10, 'c') + std::string(90, '\0')},
      {"punched", std::string(10, 'p') + std::string(1000, '\0') + std::string(990, 'p')},
      {"replaced", std::string("\0\0\0new", 6)},
      {"noise", "end"}};
  check(expected);
  for (int round = 0; round < 4; ++round) {
    unwrap(store->merge({.min_dead = 0.5 - 0.1 * round}));
    check(expected);
  }
  unwrap(store->merge({.all = true}));
  check(expected);
}

BOOST_FIXTURE_TEST_CASE(a_merge_of_everything_reclaims_every_tombstone, Fixture) {
  for (int i = 0; i < 100; ++i) {
    REQUIRE_OK(store->put(numbered("key", i), "value"));
    if (i % 30 == 29) rotate();
  }
  for (int i = 0; i < 100; ++i) {
    if (i % 2 == 0) REQUIRE_OK(store->erase(numbered("key", i)));
    if (i % 30 == 29) rotate();
  }
  BOOST_TEST(store->stats().eraser_bytes > 0u);
  unwrap(store->merge({.all = true}));
  const auto stats = store->stats();
  BOOST_TEST(stats.eraser_bytes == 0u);
  BOOST_TEST(stats.dead_bytes == 0u);
  for (const auto& s : read_log(environment->image())) {
    for (const auto& r : s.records) BOOST_TEST(int(r.kind) == int(Kind::kPut));
  }
  rotate();
  BOOST_TEST(store->count() == 50u);
}

BOOST_FIXTURE_TEST_CASE(ordinary_merges_reclaim_tombstones_once_the_old_records_are_gone, Fixture) {
  // Endless creation and deletion must not fill the disk when only the triggers' merges run.
  options.segment.max_size = 16 << 10;
  reopen(store, environment, options);
  uint64_t most = 0;
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 40; ++i) {
      REQUIRE_OK(
          store->put(numbered("temporary", uint64_t(round * 40 + i)), std::string(500, 't')));
    }
    for (int i = 0; i < 40; ++i) {
      REQUIRE_OK(store->erase(numbered("temporary", uint64_t(round * 40 + i))));
    }
    unwrap(store->merge({}));
    if (round >= 10) most = std::max(most, environment->used_bytes());
  }
  BOOST_TEST(store->count() == 0u);
  BOOST_TEST(most < 300u << 10);
  unwrap(store->merge({.all = true}));
  BOOST_TEST(store->stats().eraser_bytes == 0u);
}

BOOST_FIXTURE_TEST_CASE(an_update_writes_no_needless_eraser, Fixture) {
  for (int i = 0; i < 10; ++i) REQUIRE_OK(store->put("key", std::to_string(i)));
  REQUIRE_OK(store->erase("never there"));
  REQUIRE_OK(store->write_at("file", 0, "abc"));
  REQUIRE_OK(store->write_at("file", 1, "xyz"));
  REQUIRE_OK(store->close());
  for (const auto& s : read_log(environment->image())) {
    for (const auto& r : s.records) {
      BOOST_TEST((r.kind == Kind::kPut || r.kind == Kind::kPiece));
    }
  }
}

/// Merges random subsets of segments, crashes, and reopens, against a model.
class RandomSubsets {
 public:
  explicit RandomSubsets(uint64_t seed) : random_(seed) {
    options_ = quiet_options(2 << 10);
    environment_ = SimulatedEnvironment::make();
    store_ = open_store(environment_, options_);
  }

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      change();
      if (random_.one_in(12)) merge();
      if (random_.one_in(25)) reopen(store_, environment_, options_);
      if (random_.one_in(40)) drop_hints();
      if (random_.one_in(30)) crash();
      if (step % 10 == 0) check_contents(*store_, model_);
    }
    check_contents(*store_, model_);
    reopen(store_, environment_, options_);
    check_contents(*store_, model_);
    BOOST_REQUIRE(replay(read_log(environment_->image())) == model_);
    unwrap(store_->merge({.all = true}));
    check_contents(*store_, model_);
    const auto stats = store_->stats();
    BOOST_TEST(stats.dead_bytes == 0u);
    reopen(store_, environment_, options_);
    check_contents(*store_, model_);
  }

 private:
  void change() {
    const auto key = numbered("k", random_.below(12), 2);
    const auto at = random_.below(150);
    auto bytes = random_.bytes(random_.between(1, 120));
    auto known = model_.find(key);
    switch (random_.below(8)) {
      case 0:
      case 1:
        REQUIRE_OK(store_->erase(key));
        model_.erase(key);
        break;
      case 2:
        REQUIRE_OK(store_->truncate(key, at));
        model_[key].resize(at, '\0');
        break;
      case 3:
        if (known == model_.end()) break;
        REQUIRE_OK(store_->punch(key, at, bytes.size()));
        for (size_t i = at; i < known->second.size() && i < at + bytes.size(); ++i) {
          known->second[i] = '\0';
        }
        break;
      case 4:
      case 5: {
        REQUIRE_OK(store_->write_at(key, at, bytes));
        auto& value = model_[key];
        value.resize(std::max(value.size(), at + bytes.size()), '\0');
        value.replace(at, bytes.size(), bytes);
        break;
      }
      default:
        REQUIRE_OK(store_->put(key, bytes));
        model_[key] = std::move(bytes);
    }
  }

  void merge() {
    MergeRequest request;
    request.min_dead = double(random_.below(11)) / 10;
    request.all = random_.one_in(8);
    unwrap(store_->merge(request));
  }

  void drop_hints() {
    for (const auto& hint : environment_->files(".hint")) {
      if (random_.one_in(2)) environment_->delete_file(hint);
    }
  }

  /// The process dies; the disk keeps everything. (Losses of power: merge_crash_test, crash_test.)
  void crash() {
    environment_ = SimulatedEnvironment::make(environment_->after_crash(Loss::kNothing, random_));
    store_ = open_store(environment_, options_);
  }

  Random random_;
  Options options_;
  std::shared_ptr<SimulatedEnvironment> environment_;
  StorePtr store_;
  Contents model_;
};

BOOST_AUTO_TEST_CASE(nothing_returns_and_nothing_is_lost_whatever_subset_is_merged) {
  for (uint64_t round = 0; round < rounds(12); ++round) {
    const uint64_t seed = base_seed() + round;
    WITH_SEED(seed) {
      RandomSubsets(seed).run(400);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
