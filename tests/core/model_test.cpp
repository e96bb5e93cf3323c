// SPDX-License-Identifier: MIT
// Seeded random operations of every kind against std::map.
#include "tests/core/store_helpers.hpp"
#include "tests/support/random_operations.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(model)

Options random_options(Random& random) {
  auto options = quiet_options(random.between(2 << 10, 64 << 10));
  options.inline_limit = random.below(3) * 60;
  options.prefix_bytes = random.below(4);
  options.file_cache.max_size = random.between(1, 8);
  options.recovery_threads = unsigned(random.between(1, 3));
  options.verify_reads = !random.one_in(4);
  if (random.one_in(2)) options.merge.walked_keys_per_record = 0;
  if (random.one_in(4)) options.sync_policy = SyncPolicy::kAlways;
  return options;
}

class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed), operations_(seed + 1, 25) {
    options_ = random_options(random_);
    store_ = open_store(environment_, options_);
  }

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      const auto operation = operations_.next(model_);
      BOOST_TEST_CONTEXT("step " << step << ": " << operation.describe()) {
        REQUIRE_OK(operation.perform(*store_));
        operation.perform(model_);
        if (random_.one_in(25)) upkeep();
        probe();
        if (step % 40 == 0) check_contents(*store_, model_);
      }
    }
    reopen(store_, environment_, options_);
    check_contents(*store_, model_);
    BOOST_REQUIRE(replay(read_log(environment_->image())) == model_);
    BOOST_REQUIRE(unwrap(store_->verify()).clean());
  }

 private:
  /// One key, looked at from several sides.
  void probe() {
    const auto key = operations_.key();
    const auto known = model_.find(key);
    BOOST_REQUIRE_EQUAL(store_->contains(key), known != model_.end());
    if (known == model_.end()) return;
    const auto& value = known->second;
    BOOST_REQUIRE_EQUAL(*store_->size(key), value.size());
    const auto at = random_.below(value.size() + 2);
    const auto length = random_.below(500);
    const auto expected = at < value.size() ? value.substr(at, length) : std::string();
    BOOST_REQUIRE(read_range(*store_, key, at, length) == expected);
    std::string page;
    REQUIRE_OK(store_->scan(key.substr(0, 1), key, [&](const KeyInfo& info) {
      page = std::string(info.key);
      return false;
    }));
    const auto next = model_.upper_bound(key);
    const bool more = next != model_.end() && next->first.front() == key.front();
    BOOST_REQUIRE_EQUAL(page, more ? next->first : std::string());
  }

  void upkeep() {
    switch (random_.below(8)) {
      case 0:
        reopen(store_, environment_, options_ = random_options(random_));
        break;
      case 1:
        REQUIRE_OK(store_->sync());
        break;
      case 2:
        unwrap(store_->merge({.all = true}));
        break;
      case 3:
        unwrap(store_->merge({.min_dead = double(random_.below(11)) / 10}));
        break;
      case 4:
        for (const auto& hint : environment_->files(".hint")) {
          if (random_.one_in(2)) environment_->delete_file(hint);
        }
        break;
      case 5:
        environment_->set_clock(random_.between(1, 2'000'000'000'000'000'000));
        break;
      case 6:
        unwrap(store_->rebuild_hints(random_.one_in(2)));
        break;
      default:
        REQUIRE_OK(store_->close());
        store_.reset();
        for (const auto& hint : environment_->files(".hint")) {
          if (random_.one_in(2)) environment_->flip_bit(hint, 8 * random_.below(40));
        }
        store_ = open_store(environment_, options_);
    }
    check_contents(*store_, model_);
  }

  Random random_;
  RandomOperations operations_;
  Options options_;
  std::shared_ptr<SimulatedEnvironment> environment_ = SimulatedEnvironment::make();
  StorePtr store_;
  Contents model_;
};

BOOST_AUTO_TEST_CASE(random_operations_equal_a_map) {
  for (uint64_t round = 0; round < rounds(12); ++round) {
    const uint64_t seed = base_seed() + round;
    WITH_SEED(seed) {
      Model(seed).run(600);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
