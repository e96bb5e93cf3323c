// SPDX-License-Identifier: MIT
// What sync() promises, when the power goes at that moment.
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(durability)

using std::chrono::milliseconds;

struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  StorePtr store = open_store(environment);

  StorePtr after_power_loss(Loss loss = Loss::kUnsynced) const {
    Random random(base_seed());
    return open_store(SimulatedEnvironment::make(environment->after_crash(loss, random)));
  }
};

bool wait_until(const std::function<bool()>& condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return condition();
}

BOOST_FIXTURE_TEST_CASE(what_was_synced_survives_the_loss_of_power, Fixture) {
  REQUIRE_OK(store->put("a", "1"));
  REQUIRE_OK(store->sync());
  REQUIRE_OK(store->put("b", "2"));
  check_contents(*after_power_loss(), {{"a", "1"}});
  REQUIRE_OK(store->sync());
  check_contents(*after_power_loss(), {{"a", "1"}, {"b", "2"}});
}

BOOST_FIXTURE_TEST_CASE(what_was_not_synced_survives_the_death_of_the_process, Fixture) {
  REQUIRE_OK(store->put("a", "1"));
  check_contents(*after_power_loss(Loss::kNothing), {{"a", "1"}});
}

BOOST_FIXTURE_TEST_CASE(a_new_store_is_there_after_a_power_loss_once_it_was_synced, Fixture) {
  REQUIRE_OK(store->sync());
  check_contents(*after_power_loss(), {});
}

BOOST_FIXTURE_TEST_CASE(everything_is_durable_after_close, Fixture) {
  Contents expected;
  for (int i = 0; i < 30; ++i) {
    expected[numbered("key", i)] = "value";
    REQUIRE_OK(store->put(numbered("key", i), "value"));
  }
  REQUIRE_OK(store->close());
  check_contents(*after_power_loss(), expected);
}

BOOST_FIXTURE_TEST_CASE(a_full_segment_becomes_durable_by_itself, Fixture) {
  auto options = quiet_options(4 << 10);
  reopen(store, environment, options);
  for (int i = 0; i < 20; ++i) REQUIRE_OK(store->put(numbered("key", i), std::string(1000, 'x')));
  BOOST_TEST(wait_until([&] { return after_power_loss()->count() >= 14u; }));
  const auto survivor = after_power_loss();
  // A prefix: the keys that are there are the first ones.
  for (uint64_t i = 0; i < survivor->count(); ++i) {
    BOOST_TEST(survivor->contains(numbered("key", i)));
  }
}

/// After each change the power goes.
void check_that_changes_are_durable(const Options& options, const WriteOptions& write) {
  const auto environment = SimulatedEnvironment::make();
  const auto store = open_store(environment, options);
  Random random(base_seed());
  Contents expected;
  const auto check = [&] {
    const auto image = environment->after_crash(Loss::kUnsynced, random);
    check_contents(*open_store(SimulatedEnvironment::make(image)), expected);
  };
  REQUIRE_OK(store->put("a", "1", write));
  expected["a"] = "1";
  check();
  REQUIRE_OK(store->write_at("a", 1, "2", write));
  expected["a"] = "12";
  check();
  REQUIRE_OK(store->punch("a", 0, 1, write));
  expected["a"] = std::string(
      "\0"
      "2",
      2);
  check();
  Batch batch;
  batch.put("b", "3");
  batch.erase("a");
  REQUIRE_OK(store->apply(batch, write));
  expected = {{"b", "3"}};
  check();
  REQUIRE_OK(store->truncate("b", 0, write));
  expected["b"] = "";
  check();
  REQUIRE_OK(store->erase("b", write));
  expected.clear();
  check();
}

BOOST_AUTO_TEST_CASE(with_policy_always_a_change_is_durable_when_it_returns) {
  auto options = quiet_options();
  options.sync_policy = SyncPolicy::kAlways;
  check_that_changes_are_durable(options, {});
}

BOOST_AUTO_TEST_CASE(so_is_one_that_asks_for_it) {
  auto options = quiet_options();
  options.sync_policy = SyncPolicy::kNever;
  check_that_changes_are_durable(options, {.sync = true});
}

BOOST_FIXTURE_TEST_CASE(erasing_what_is_gone_already_makes_that_durable, Fixture) {
  REQUIRE_OK(store->put("a", "1", {.sync = true}));
  REQUIRE_OK(store->erase("a"));
  check_contents(*after_power_loss(), {{"a", "1"}});
  REQUIRE_OK(store->erase("a", {.sync = true}));
  check_contents(*after_power_loss(), {});
}

BOOST_FIXTURE_TEST_CASE(so_does_every_erase_in_a_store_that_always_syncs, Fixture) {
  auto options = quiet_options();
  options.sync_policy = SyncPolicy::kAlways;
  reopen(store, environment, options);
  REQUIRE_OK(store->put("a", "1"));
  environment->hold_syncs(".data");
  std::thread first([&] { (void)store->erase("a"); });
  while (store->contains("a")) std::this_thread::yield();
  std::thread releasing([&] {
    std::this_thread::sleep_for(milliseconds(50));
    environment->release_syncs();
  });
  const auto erased = store->erase("a");
  const auto left = contents_of(*after_power_loss());
  releasing.join();
  first.join();
  REQUIRE_OK(erased);
  BOOST_TEST((left == Contents()));
}

BOOST_FIXTURE_TEST_CASE(what_many_threads_were_told_is_durable, Fixture) {
  // Every other thread does not ask for it, so that groups are mixed; segments are small, so that
  // rotations make some of it durable.
  reopen(store, environment, quiet_options(16 << 10));
  constexpr int kThreads = 8, kPuts = 400;
  std::array<std::atomic<int>, kThreads> told{};
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 1; i <= kPuts; ++i) {
        const WriteOptions write{.sync = t % 2 == 0};
        if (!store->put(fmt::format("{}", t), fmt::format("{}", i), write).has_value())
          std::abort();
        if (write.sync) told[size_t(t)] = i;
      }
      --running;
    });
  }
  while (running > 0) {
    std::array<int, kThreads> before{};
    for (size_t t = 0; t < kThreads; ++t) before[t] = told[t];
    const auto survivor = after_power_loss();
    for (size_t t = 0; t < kThreads; t += 2) {
      const int there = before[t] == 0 ? 0 : std::stoi(unwrap(survivor->get(fmt::format("{}", t))));
      BOOST_TEST(there >= before[t]);
    }
  }
  for (auto& thread : threads) thread.join();
  BOOST_TEST(store->stats().sync_requests == uint64_t(kThreads / 2 * kPuts));
}

BOOST_AUTO_TEST_CASE(with_policy_interval_a_change_becomes_durable_by_itself) {
  const auto environment = SimulatedEnvironment::make();
  auto options = quiet_options();
  options.sync_policy = SyncPolicy::kInterval;
  options.sync_interval = milliseconds(30);
  const auto store = open_store(environment, options);
  REQUIRE_OK(store->put("a", "1"));
  Random random(base_seed());
  BOOST_TEST(wait_until([&] {
    const auto image = environment->after_crash(Loss::kUnsynced, random);
    return open_store(SimulatedEnvironment::make(image))->contains("a");
  }));
  // And nothing is synced while nothing changes.
  std::this_thread::sleep_for(milliseconds(50));
  const auto syncs = environment->calls(kCallSync);
  std::this_thread::sleep_for(milliseconds(150));
  BOOST_TEST(environment->calls(kCallSync) == syncs);
}

BOOST_FIXTURE_TEST_CASE(with_policy_never_nothing_is_synced_without_request, Fixture) {
  REQUIRE_OK(store->put("a", "makes the segment"));
  const auto syncs = environment->calls(kCallSync);
  for (int i = 0; i < 100; ++i) REQUIRE_OK(store->put("a", "1"));
  BOOST_TEST(environment->calls(kCallSync) == syncs);
}

BOOST_FIXTURE_TEST_CASE(a_sync_with_nothing_new_touches_no_disk, Fixture) {
  REQUIRE_OK(store->put("a", "1"));
  REQUIRE_OK(store->sync());
  const auto syncs = environment->calls(kCallSync);
  REQUIRE_OK(store->sync());
  BOOST_TEST(environment->calls(kCallSync) == syncs);
}

BOOST_FIXTURE_TEST_CASE(sync_async_answers_when_it_is_durable, Fixture) {
  REQUIRE_OK(store->put("a", "1"));
  std::atomic<int> answers{0}, good{0};
  store->sync_async([&](const Status& status) {
    good += status.has_value() ? 1 : 0;
    ++answers;
  });
  BOOST_REQUIRE(wait_until([&] { return answers == 1; }));
  BOOST_TEST(good == 1);
  check_contents(*after_power_loss(), {{"a", "1"}});
  store->sync_async([&](const Status& status) {
    good += status.has_value() ? 1 : 0;
    ++answers;
  });
  BOOST_REQUIRE(wait_until([&] { return answers == 2; }));
  BOOST_TEST(good == 2);
}

BOOST_FIXTURE_TEST_CASE(every_asynchronous_sync_is_answered_even_when_the_store_closes, Fixture) {
  std::atomic<int> answers{0};
  for (int i = 0; i < 50; ++i) {
    REQUIRE_OK(store->put(numbered("key", i), "v"));
    store->sync_async([&](const Status&) { ++answers; });
  }
  REQUIRE_OK(store->close());
  BOOST_TEST(answers == 50);
}

BOOST_AUTO_TEST_CASE(syncs_at_the_same_time_share_one) {
  const auto environment = SimulatedEnvironment::make();
  const auto store = open_store(environment);
  std::atomic<int> answers{0};
  constexpr int kRequests = 400;
  const auto before = environment->calls(kCallSync);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRequests / 8; ++i) {
        if (!store->put(numbered("key", uint64_t(t)), std::to_string(i))) return;
        store->sync_async([&](const Status& s) { answers += s.has_value() ? 1 : 0; });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  BOOST_REQUIRE(wait_until([&] { return answers == kRequests; }));
  const auto stats = store->stats();
  BOOST_TEST(stats.sync_requests > 0u);  // requests with nothing to sync are not counted
  BOOST_TEST(stats.syncs <= stats.sync_requests);
  BOOST_TEST(environment->calls(kCallSync) - before <= uint64_t(kRequests));
}

BOOST_AUTO_TEST_CASE(what_a_failed_sync_dropped_is_durable_when_it_was_opened_again) {
  const auto environment = SimulatedEnvironment::make();
  auto store = open_store(environment);
  REQUIRE_OK(store->put("x", "old"));
  REQUIRE_OK(store->sync());
  const std::string later(100, 'x');
  REQUIRE_OK(store->put("x", later));
  environment->inject({.calls = kCallSync, .name_part = ".data"});
  BOOST_TEST(!store->sync().has_value());
  environment->clear_faults();
  (void)store->close();
  store = open_store(environment);
  BOOST_TEST(unwrap(store->get("x")) == later);  // of the kernel's memory
  REQUIRE_OK(store->put("y", "value"));
  REQUIRE_OK(store->sync());
  BOOST_TEST(!environment->exists("sync-failed"));
  Random random(base_seed());
  const auto survivor =
      open_store(SimulatedEnvironment::make(environment->after_crash(Loss::kUnsynced, random)));
  check_contents(*survivor, {{"x", later}, {"y", "value"}});
  BOOST_TEST(unwrap(survivor->verify()).clean());
}

BOOST_AUTO_TEST_CASE(acknowledged_syncs_of_many_threads_survive_at_any_moment) {
  const auto environment = SimulatedEnvironment::make();
  const auto store = open_store(environment, quiet_options(32 << 10));
  constexpr int kThreads = 4, kWrites = 60;
  std::atomic<int> synced[kThreads] = {};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 1; i <= kWrites; ++i) {
        if (!store->put(numbered("t", uint64_t(t)), std::to_string(i))) return;
        if (!store->sync()) return;
        synced[t] = i;
      }
    });
  }
  Random random(base_seed());
  int violations = 0;
  for (int round = 0; round < 15; ++round) {
    std::this_thread::sleep_for(milliseconds(2));
    int promised[kThreads];
    for (int t = 0; t < kThreads; ++t) promised[t] = synced[t];
    const auto image = environment->after_crash(Loss::kRandom, random);
    const auto survivor = Store::open(SimulatedEnvironment::make(image), quiet_options());
    for (int t = 0; t < kThreads; ++t) {
      if (promised[t] == 0) continue;
      const auto got = survivor ? survivor.value()->get(numbered("t", uint64_t(t))) : Errc::kIo;
      if (!got || std::stoi(got.value()) < promised[t]) ++violations;
    }
  }
  for (auto& thread : threads) thread.join();
  BOOST_TEST(violations == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
