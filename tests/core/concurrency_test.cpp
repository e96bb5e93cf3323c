// SPDX-License-Identifier: MIT
// Many threads at once; meaningful above all under the thread sanitizer.
#include <atomic>
#include <thread>

#include "tests/core/store_helpers.hpp"
#include "tests/support/temporary_directory.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(concurrency)

/// Runs `body(thread number)` in `count` threads and waits for all.
template <class Body>
void in_threads(int count, const Body& body) {
  std::vector<std::thread> threads;
  for (int t = 0; t < count; ++t) threads.emplace_back([&body, t] { body(t); });
  for (auto& thread : threads) thread.join();
}

BOOST_AUTO_TEST_CASE(over_a_hundred_threads_with_keys_of_their_own) {
  const TemporaryDirectory directory;
  const auto environment = unwrap(open_directory(directory.path(), false));
  const auto options = quiet_options(256 << 10);
  auto store = open_store(environment, options);
  constexpr int kThreads = 120, kSteps = 60;
  std::atomic<int> errors{0};
  std::vector<Contents> models(kThreads);
  in_threads(kThreads, [&](int t) {
    Random random(base_seed() + uint64_t(t));
    auto& model = models[size_t(t)];
    for (int i = 0; i < kSteps; ++i) {
      const auto key = numbered("t", uint64_t(t)) + numbered("/", random.below(8));
      const auto value = random.bytes(random.below(600));
      const auto what = random.below(10);
      Status done = ok();
      if (what < 5) {
        done = store->put(key, value);
        model[key] = value;
      } else if (what < 7) {
        done = store->erase(key);
        model.erase(key);
      } else if (what < 9) {
        const auto at = random.below(300);
        done = store->write_at(key, at, value);
        if (!value.empty()) {
          auto& bytes = model[key];
          bytes.resize(std::max(bytes.size(), at + value.size()));
          bytes.replace(at, value.size(), value);
        } else if (done && store->contains(key)) {
          model.try_emplace(key);
        }
      } else {
        done = store->sync();
      }
      if (!done) ++errors;
      const auto got = store->get(key);
      const auto expected = model.find(key);
      if (got.has_value() != (expected != model.end())) ++errors;
      if (got.has_value() && expected != model.end() && got.value() != expected->second) ++errors;
    }
  });
  BOOST_TEST(errors == 0);
  Contents expected;
  for (auto& model : models) expected.merge(model);
  check_contents(*store, expected);
  reopen(store, environment, options);
  check_contents(*store, expected);
}

BOOST_AUTO_TEST_CASE(threads_that_share_keys_see_whole_values_only) {
  const auto store = open_store(SimulatedEnvironment::make(), quiet_options(64 << 10));
  std::atomic<int> errors{0};
  in_threads(8, [&](int t) {
    Random random(base_seed() + uint64_t(t));
    for (int i = 0; i < 250; ++i) {
      const auto key = numbered("key", random.below(4));
      if (random.one_in(2)) {
        const std::string value(random.between(1, 3000), char('a' + t));
        if (!store->put(key, value)) ++errors;
      } else {
        const auto got = store->get(key);
        if (!got) {
          if (got.error().code != Errc::kNotFound) ++errors;
        } else if (got.value().find_first_not_of(got.value().front()) != std::string::npos) {
          ++errors;
        }
      }
    }
  });
  BOOST_TEST(errors == 0);
}

BOOST_AUTO_TEST_CASE(patches_by_many_threads_all_arrive) {
  const auto environment = SimulatedEnvironment::make();
  auto store = open_store(environment, quiet_options(64 << 10));
  constexpr int kThreads = 16, kPatches = 100, kSize = 10;
  std::atomic<int> errors{0};
  in_threads(kThreads, [&](int t) {
    for (int i = 0; i < kPatches; ++i) {
      const auto at = uint64_t(i * kThreads + t) * kSize;
      if (!store->write_at("key", at, std::string(kSize, char('A' + t)))) ++errors;
    }
  });
  std::string expected;
  for (int i = 0; i < kThreads * kPatches; ++i) expected.append(kSize, char('A' + i % kThreads));
  BOOST_TEST(errors == 0);
  BOOST_TEST((unwrap(store->get("key")) == expected));
  reopen(store, environment);
  BOOST_TEST((unwrap(store->get("key")) == expected));
}

BOOST_AUTO_TEST_CASE(a_batch_of_which_something_was_seen_is_seen_whole_when_it_was_waited_for) {
  const auto store = open_store(SimulatedEnvironment::make(), quiet_options(64 << 10));
  constexpr int kKeys = 20, kBatches = 2000;
  const auto number_of = [&](int key) {
    const auto got = store->get(numbered("key", uint64_t(key)));
    return got.has_value() ? std::stoi(got.value()) : -1;
  };
  std::atomic<int> errors{0}, halves{0};
  std::atomic<bool> done{false};
  in_threads(3, [&](int t) {
    if (t == 0) {
      for (int i = 0; i < kBatches; ++i) {
        Batch batch;
        const auto value = std::to_string(i);
        for (int k = 0; k < kKeys; ++k) batch.put(numbered("key", uint64_t(k)), value);
        if (!store->apply(batch)) ++errors;
      }
      done = true;
      return;
    }
    Random random(base_seed() + uint64_t(t));
    while (!done) {
      const int seen = number_of(int(random.below(kKeys)));
      store->await_batches();
      if (number_of(int(random.below(kKeys))) < seen) ++halves;
    }
  });
  BOOST_TEST(errors == 0);
  BOOST_TEST(halves == 0);
}

BOOST_AUTO_TEST_CASE(batches_are_seen_whole_or_not_at_all_after_a_crash) {
  const auto environment = SimulatedEnvironment::make();
  const auto store = open_store(environment, quiet_options(64 << 10));
  std::atomic<int> errors{0};
  std::vector<Image> crashes;
  Random crash_random(base_seed());
  in_threads(5, [&](int t) {
    if (t == 4) {
      for (int i = 0; i < 10; ++i) {
        crashes.push_back(environment->after_crash(Loss::kRandom, crash_random));
        std::this_thread::yield();
      }
      return;
    }
    for (int i = 0; i < 100; ++i) {
      Batch batch;
      const auto value = std::to_string(i);
      for (int k = 0; k < 3; ++k) batch.put(numbered("t", uint64_t(t)) + char('a' + k), value);
      if (!store->apply(batch)) ++errors;
      if (i % 10 == 9 && !store->sync()) ++errors;
    }
  });
  BOOST_TEST(errors == 0);
  crashes.push_back(environment->after_crash(Loss::kRandom, crash_random));
  for (const auto& image : crashes) {
    const auto survivor = open_store(SimulatedEnvironment::make(image));
    const auto contents = contents_of(*survivor);
    for (const auto& [key, value] : contents) {
      for (int k = 0; k < 3; ++k) {
        auto sibling = key;
        sibling.back() = char('a' + k);
        BOOST_REQUIRE(contents.at(sibling) == value);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(reads_writes_scans_merges_syncs_and_statistics_at_once) {
  const TemporaryDirectory directory;
  const auto environment = unwrap(open_directory(directory.path(), false));
  auto options = quiet_options(32 << 10);
  options.file_cache.max_size = 2;
  options.inline_limit = 60;
  options.prefix_bytes = 2;
  options.segment.merge_check_interval = std::chrono::milliseconds(5);
  auto store = open_store(environment, options);
  std::atomic<int> errors{0}, writers{4};
  in_threads(9, [&](int t) {
    Random random(base_seed() + uint64_t(t));
    if (t < 4) {
      for (int i = 0; i < 300; ++i) {
        const auto key = numbered("k", uint64_t(t)) + numbered("", random.below(20));
        const auto value = random.bytes(random.below(200));
        const auto what = random.below(4);
        const auto done = what == 0   ? store->erase(key)
                          : what == 1 ? store->write_at(key, random.below(2000), value)
                          : what == 2 ? store->truncate(key, random.below(1000))
                                      : store->put(key, value);
        if (!done) ++errors;
      }
      --writers;
      return;
    }
    while (writers > 0) {
      const auto key = numbered("k", random.below(4)) + numbered("", random.below(20));
      bool good = true;
      if (t == 4) good = store->merge({.all = true}).has_value();
      if (t == 5) good = store->sync().has_value();
      if (t == 6) good = store->scan("k", "", [](const KeyInfo&) { return true; }).has_value();
      if (t == 7) good = store->stats().keys <= 80 && store->count() <= 80;
      if (t == 8) {
        const auto got = store->get(key);
        good = got.has_value() || got.error().code == Errc::kNotFound;
        const auto extents = store->locate(key);
        good = good && (extents.has_value() || extents.error().code == Errc::kNotFound);
        store->seek_hole(key, 5);
        store->info(key);
      }
      if (!good) ++errors;
    }
  });
  BOOST_TEST(errors == 0);
  const auto expected = contents_of(*store);
  reopen(store, environment, options);
  check_contents(*store, expected);
  BOOST_TEST(unwrap(store->verify()).clean());
}

BOOST_AUTO_TEST_CASE(closing_while_others_work_ends_their_calls_cleanly) {
  for (int round = 0; round < 5; ++round) {
    const auto environment = SimulatedEnvironment::make();
    const auto store = open_store(environment, quiet_options(16 << 10));
    std::atomic<int> errors{0}, started{0};
    in_threads(5, [&](int t) {
      if (t == 4) {
        while (started < 4) std::this_thread::yield();
        if (!store->close()) ++errors;
        return;
      }
      ++started;
      for (uint64_t i = 0;; ++i) {
        const auto done = store->put(numbered("t", uint64_t(t)), std::to_string(i));
        if (done) continue;
        if (done.error().code != Errc::kClosed) ++errors;
        return;
      }
    });
    BOOST_TEST(errors == 0);
    const auto again = open_store(environment);
    BOOST_TEST(again->count() <= 4u);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
