// SPDX-License-Identifier: MIT
// A store in a real directory over system calls that misbehave.
#include <sys/resource.h>

#include <cerrno>

#include "core/base/unique_fd.hpp"
#include "tests/core/store_helpers.hpp"
#include "tests/support/random_operations.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/system_calls/faulty_calls.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(store_over_faulty_calls)

/// Short reads and writes, and interruptions of everything.
Chooser nuisance(Random& random) {
  return [&random](SystemCall, size_t bytes) {
    if (random.one_in(4)) return Misbehaviour{.error = EINTR};
    if (bytes > 0 && random.one_in(2)) return Misbehaviour{.at_most = random.between(1, bytes)};
    return Misbehaviour{};
  };
}

Options small_segments(Random& random) {
  auto options = quiet_options(random.between(2 << 10, 32 << 10));
  options.inline_limit = random.below(3) * 60;
  options.file_cache.max_size = random.between(1, 8);
  options.recovery_threads = unsigned(random.between(1, 3));
  if (random.one_in(4)) options.sync_policy = SyncPolicy::kAlways;
  return options;
}

struct Fixture {
  TemporaryDirectory directory;
  std::shared_ptr<Environment> environment = unwrap(open_directory(directory.path(), false));
};

void run_with_nuisance(uint64_t seed) {
  const Fixture place;
  Random random(seed), faults(seed + 1);
  RandomOperations operations(seed + 2, 25);
  Contents model;
  auto options = small_segments(random);
  const FaultyCalls faulty(nuisance(faults));
  auto store = open_store(place.environment, options);
  for (int step = 0; step < 300; ++step) {
    const auto operation = operations.next(model);
    BOOST_TEST_CONTEXT("step " << step << ": " << operation.describe()) {
      REQUIRE_OK(operation.perform(*store));
      operation.perform(model);
      if (random.one_in(40)) unwrap(store->merge({.all = random.one_in(2)}));
      if (random.one_in(60)) {
        reopen(store, place.environment, options = small_segments(random));
        check_contents(*store, model);
      }
    }
  }
  check_contents(*store, model);
  BOOST_REQUIRE(unwrap(store->verify()).clean());
  reopen(store, place.environment, options);
  check_contents(*store, model);
  BOOST_REQUIRE(faulty.hits() > 100u);
}

BOOST_AUTO_TEST_CASE(short_and_interrupted_calls_make_no_difference) {
  for (uint64_t round = 0; round < rounds(5); ++round) {
    const uint64_t seed = base_seed() + round;
    WITH_SEED(seed) {
      run_with_nuisance(seed);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_disk_that_fills_up_in_the_middle_of_a_write_loses_nothing, Fixture) {
  auto store = open_store(environment);
  Random random(base_seed());
  Contents model;
  for (int i = 0; i < 300; ++i) {
    const auto key = numbered("key", random.below(40));
    const auto value = random.bytes(random.between(1, 5000));
    if (random.one_in(3)) {
      // Some of it, and then nothing or an error: both are ways to say that the disk is full.
      int calls = 0;
      const bool silent = random.one_in(2);
      const FaultyCalls faulty([&](SystemCall call, size_t bytes) {
        if (call != SystemCall::kWrite) return Misbehaviour{};
        if (++calls == 1) return Misbehaviour{.at_most = random.below(bytes)};
        if (calls == 2 && silent) return Misbehaviour{.at_most = 0};
        return Misbehaviour{.error = ENOSPC};
      });
      CHECK_FAILS(Errc::kNoSpace, store->put(key, value));
      continue;
    }
    REQUIRE_OK(store->put(key, value));
    model[key] = value;
    if (random.one_in(20)) reopen(store, environment);
  }
  check_contents(*store, model);
  BOOST_TEST(!store->stats().read_only);
  reopen(store, environment);
  check_contents(*store, model);
  BOOST_TEST(unwrap(store->verify()).clean());
}

/// Opens that fail now and then, for want of descriptors, do not harm what is there.
class WithoutDescriptors {
 public:
  explicit WithoutDescriptors(uint64_t seed)
      : random_(seed),
        faults_(seed + 1),
        operations_(seed + 2, 25),
        options_(small_segments(random_)) {}

  void run() {
    store_ = open_store(place_.environment, options_);
    for (int round = 0; round < 8; ++round) {
      {
        const FaultyCalls faulty(scarcity(0.75));
        for (int step = 0; step < 60; ++step) one_step(step);
        BOOST_REQUIRE(faulty.hits() > 0u);
      }
      if (round % 2 == 1) reopen_at_last();
      // As soon as there are descriptors, all is as it was.
      BOOST_REQUIRE(!store_->stats().read_only);
      check_contents(*store_, model_);
      BOOST_REQUIRE(unwrap(store_->verify()).clean());
      REQUIRE_OK(store_->put("again", std::to_string(round)));
      model_["again"] = std::to_string(round);
    }
    reopen(store_, place_.environment, options_);
    check_contents(*store_, model_);
  }

 private:
  /// This share of the opens is refused.
  Chooser scarcity(double share) {
    return [this, share](SystemCall call, size_t) {
      const bool refused = call == SystemCall::kOpen && double(faults_.below(1000)) < share * 1000;
      return Misbehaviour{.error = !refused ? 0 : faults_.one_in(2) ? EMFILE : ENFILE};
    };
  }

  template <class T>
  bool done(const Result<T>& result) {
    if (result.has_value()) return true;
    BOOST_REQUIRE_MESSAGE(result.error().lacks_descriptors(), explain(result));
    return false;
  }

  void one_step(int step) {
    const auto operation = operations_.next(model_);
    BOOST_TEST_CONTEXT("step " << step << ": " << operation.describe()) {
      if (done(operation.perform(*store_))) operation.perform(model_);
      if (random_.one_in(10)) done(store_->merge({.all = random_.one_in(2)}));
      if (random_.one_in(10)) done(store_->create_snapshot(std::to_string(snapshots_++)));
      const auto verified = store_->verify();
      if (done(verified)) BOOST_REQUIRE(verified.value().clean());
      for (const auto& [key, value] : model_) {
        const auto got = store_->get(key);
        if (done(got)) BOOST_REQUIRE(got.value() == value);
      }
    }
  }

  void reopen_at_last() {
    const FaultyCalls faulty(scarcity(0.04));  // an opening takes a hundred
    done(store_->close());
    store_.reset();
    for (int attempt = 0; attempt < 10'000 && !store_; ++attempt) {
      auto opened = Store::open(place_.environment, options_);
      if (done(opened)) store_ = std::move(opened).value();
    }
    BOOST_REQUIRE(store_);
  }

  const Fixture place_;
  Random random_, faults_;
  RandomOperations operations_;
  Options options_;
  StorePtr store_;
  Contents model_;
  int snapshots_ = 0;
};

BOOST_AUTO_TEST_CASE(without_descriptors_calls_fail_and_nothing_else_happens) {
  for (uint64_t round = 0; round < rounds(5); ++round) {
    const uint64_t seed = base_seed() + round;
    WITH_SEED(seed) {
      WithoutDescriptors(seed).run();
    }
  }
}

/// Leaves this process `spare` descriptors beyond those that are open.
class FewDescriptors {
 public:
  explicit FewDescriptors(size_t spare) {
    BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    rlimit few = before_;
    few.rlim_cur = 200;
    BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) taken_.emplace_back(fd);
    BOOST_REQUIRE(taken_.size() > spare);
    taken_.resize(taken_.size() - spare);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_{};
  std::vector<UniqueFd> taken_;
};

BOOST_FIXTURE_TEST_CASE(the_cache_of_open_segments_gives_way_when_there_are_no_descriptors,
                        Fixture) {
  const auto options = quiet_options(4 << 10);
  auto store = open_store(environment, options);
  Contents model;
  for (uint64_t i = 0; i < 200; ++i) {
    const auto key = numbered("key", i);
    model[key] = std::string(1000, char('a' + i % 26));
    REQUIRE_OK(store->put(key, model[key]));
  }
  BOOST_TEST(store->stats().segments.size() > 40u);
  reopen(store, environment, options);
  const FewDescriptors few(6);
  check_contents(*store, model);
  for (uint64_t i = 0; i < 100; ++i) {  // new segments need descriptors, too
    const auto key = numbered("key", i);
    model[key] = std::string(1000, char('A' + i % 26));
    REQUIRE_OK(store->put(key, model[key]));
    BOOST_TEST(unwrap(store->get(numbered("key", 199 - i))) == model[numbered("key", 199 - i)]);
  }
  unwrap(store->merge({.all = true}));
  check_contents(*store, model);
  reopen(store, environment, options);
  check_contents(*store, model);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
