// SPDX-License-Identifier: MIT
// Calls that fail: the store latches, says so, and never claims success later.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <thread>

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(fault)

struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  StorePtr store = open_store(environment);

  void check_latched() const {
    for (int i = 0; i < 2; ++i) {
      CHECK_FAILS(Errc::kReadOnly, store->put("x", "y"));
      CHECK_FAILS(Errc::kReadOnly, store->erase("synced"));
      CHECK_FAILS(Errc::kReadOnly, store->write_at("synced", 0, "z"));
    }
    BOOST_TEST(!store->merge({.all = true}).has_value());
    const auto stats = store->stats();
    BOOST_TEST(stats.read_only);
    BOOST_TEST(!stats.read_only_reason.empty());
    // What was there can still be read.
    BOOST_TEST(unwrap(store->get("synced")) == "1");
  }
};

BOOST_FIXTURE_TEST_CASE(a_sync_that_fails_once_and_then_succeeds_is_not_believed, Fixture) {
  REQUIRE_OK(store->put("synced", "1"));
  REQUIRE_OK(store->sync());
  REQUIRE_OK(store->put("unsynced", "2"));
  environment->inject({.calls = kCallSync});
  BOOST_TEST(!store->sync().has_value());
  check_latched();
  for (int i = 0; i < 3; ++i) BOOST_TEST(!store->sync().has_value());
  BOOST_TEST(!store->close().has_value());
  Random random(base_seed());
  const auto image = environment->after_crash(Loss::kUnsynced, random);
  check_contents(*open_store(SimulatedEnvironment::make(image)), {{"synced", "1"}});
}

BOOST_FIXTURE_TEST_CASE(a_failed_write_latches_the_store, Fixture) {
  for (const bool partial : {false, true}) {
    environment = SimulatedEnvironment::make();
    store = open_store(environment);
    REQUIRE_OK(store->put("synced", "1"));
    REQUIRE_OK(store->sync());
    environment->inject({.calls = kCallWrite, .partial = partial});
    BOOST_TEST(!store->put("lost", std::string(2000, 'x')).has_value());
    BOOST_TEST(!store->contains("lost"));
    check_latched();
    (void)store->close();
    store.reset();
    check_contents(*open_store(environment), {{"synced", "1"}});
  }
}

BOOST_FIXTURE_TEST_CASE(asynchronous_syncs_hear_of_the_failure, Fixture) {
  REQUIRE_OK(store->put("synced", "1"));
  environment->inject({.calls = kCallSync});
  std::atomic<int> failures{0}, answers{0};
  const auto done = [&](const Status& status) {
    failures += status.has_value() ? 0 : 1;
    ++answers;
  };
  store->sync_async(done);
  for (int i = 0; i < 500 && answers == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  store->sync_async(done);
  for (int i = 0; i < 500 && answers == 1; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  BOOST_TEST(answers == 2);
  BOOST_TEST(failures == 2);
  check_latched();
}

BOOST_FIXTURE_TEST_CASE(all_that_waited_for_a_sync_hear_of_its_failure, Fixture) {
  constexpr int kThreads = 16;
  REQUIRE_OK(store->put("synced", "1", {.sync = true}));
  std::atomic<bool> failed{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const auto key = numbered("key", t);
      while (true) {
        const bool before = failed;
        const auto status = store->put(key, "value", {.sync = t % 4 != 0});
        if (!status.has_value()) break;
        wrong += before ? 1 : 0;  // it was latched when the put began
      }
    });
  }
  // Of the log: a hint that cannot be synced is no failure of the store, and it may be the 20th.
  environment->inject({.calls = kCallSync, .nth = 20, .name_part = std::string(kDataSuffix)});
  while (!store->stats().read_only) std::this_thread::yield();
  failed = true;
  for (auto& thread : threads) thread.join();
  BOOST_TEST(wrong == 0);
  check_latched();
}

BOOST_FIXTURE_TEST_CASE(the_logger_hears_of_the_latch, Fixture) {
  auto options = quiet_options();
  std::mutex mutex;
  int errors = 0;
  options.logger = [&](Severity severity, std::string_view message) {
    const std::lock_guard guard(mutex);
    if (severity == Severity::kError && !message.empty()) ++errors;
  };
  reopen(store, environment, options);
  REQUIRE_OK(store->put("a", "1"));
  environment->inject({.calls = kCallSync});
  BOOST_TEST(!store->sync().has_value());
  (void)store->close();
  const std::lock_guard guard(mutex);
  BOOST_TEST(errors >= 1);
}

/// A workload that touches everything; stops caring at the first error of each call.
struct Workload {
  Contents model;                                          ///< after every change that succeeded
  Contents synced;                                         ///< at the last sync that succeeded
  std::vector<std::pair<std::string, std::string>> maybe;  ///< changes that failed: state unknown

  void change(const std::string& key, const std::string& value, const Status& status) {
    if (status) {
      model[key] = value;
    } else {
      maybe.emplace_back(key, value);
    }
  }

  void run(Store& store) {
    for (int i = 0; i < 25; ++i) {
      const auto key = numbered("key", uint64_t(i % 7));
      const auto value = std::to_string(i) + std::string(size_t(i) * 50, 'v');
      change(key, value, store.put(key, value));
      if (i % 5 == 4 && store.sync()) synced = model;
      if (i == 12) (void)store.rebuild_hints(true);
      if (i == 17 && store.merge({.all = true})) synced = model;
    }
    Batch batch;
    batch.put("batch a", "1");
    batch.put("batch b", "2");
    if (store.apply(batch)) {
      model["batch a"] = "1";
      model["batch b"] = "2";
    }
    if (store.close()) synced = model;
  }
};

/// Every key has a value it had at or after its last sync; acknowledged ones are there.
void check_survivor(const Store& store, const Workload& work, bool power_lost) {
  const auto contents = contents_of(store);
  const auto& least = power_lost ? work.synced : work.model;
  for (const auto& [key, value] : least) {
    BOOST_REQUIRE_MESSAGE(contents.contains(key), key << " is lost");
  }
  BOOST_REQUIRE(contents.contains("batch a") == contents.contains("batch b"));
  if (power_lost) return;
  for (const auto& [key, value] : contents) {
    const auto known = work.model.find(key);
    bool right = known != work.model.end() && known->second == value;
    for (const auto& [maybe_key, maybe_value] : work.maybe) {
      right = right || (maybe_key == key && maybe_value == value);
    }
    BOOST_REQUIRE_MESSAGE(right || key.starts_with("batch"), key << " is " << brief(value));
  }
}

void fail_each_call(uint32_t calls, Fault fault) {
  auto options = quiet_options(4 << 10);
  uint64_t n = 1;
  for (;; ++n) {
    BOOST_TEST_CONTEXT("call " << n << " of kinds " << calls << " errno " << fault.error) {
      const auto environment = SimulatedEnvironment::make();
      auto store = open_store(environment, options);
      fault.calls = calls;
      fault.nth = n;
      environment->inject(fault);
      Workload work;
      work.run(*store);
      store.reset();
      const bool hit = environment->faults_hit() > 0;
      environment->clear_faults();
      Random random(base_seed() + n);
      for (const auto loss : {Loss::kUnsynced, Loss::kRandom}) {
        const auto image = environment->after_crash(loss, random);
        check_survivor(*open_store(SimulatedEnvironment::make(image)), work, true);
      }
      check_survivor(*open_store(environment), work, false);
      if (!hit) break;
    }
  }
  BOOST_TEST(n > 3u);
}

BOOST_AUTO_TEST_CASE(every_nth_write_fails) {
  fail_each_call(kCallWrite, {});
}
BOOST_AUTO_TEST_CASE(every_nth_write_fails_half_way) {
  fail_each_call(kCallWrite, {.partial = true});
}
BOOST_AUTO_TEST_CASE(every_nth_write_meets_a_full_disk) {
  fail_each_call(kCallWrite, {.error = ENOSPC, .partial = true});
}
BOOST_AUTO_TEST_CASE(every_nth_sync_fails) {
  fail_each_call(kCallSync, {});
}
BOOST_AUTO_TEST_CASE(every_nth_sync_meets_a_full_disk) {
  fail_each_call(kCallSync, {.error = ENOSPC});
}
BOOST_AUTO_TEST_CASE(every_nth_call_that_changes_names_fails) {
  fail_each_call(kCallCreate | kCallRename | kCallRemove | kCallSyncDirectory | kCallTruncate, {});
}
BOOST_AUTO_TEST_CASE(every_nth_call_that_makes_names_meets_a_full_disk) {
  fail_each_call(kCallCreate | kCallRename | kCallSyncDirectory, {.error = ENOSPC});
}
BOOST_AUTO_TEST_CASE(every_nth_read_or_open_fails) {
  fail_each_call(kCallRead | kCallOpen | kCallSize | kCallList | kCallSpace, {});
}
BOOST_AUTO_TEST_CASE(everything_fails_from_the_nth_change_on) {
  fail_each_call(kCallsThatChange, {.times = 0});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
