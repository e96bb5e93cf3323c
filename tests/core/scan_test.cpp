// SPDX-License-Identifier: MIT
#include <atomic>
#include <thread>

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(scan)

std::vector<std::string> keys_of(const Store& store, std::string_view prefix,
                                 std::string_view after = "") {
  std::vector<std::string> out;
  REQUIRE_OK(store.scan(prefix, after, [&](const KeyInfo& info) {
    out.emplace_back(info.key);
    return true;
  }));
  return out;
}

/// With the shards of the key directory chosen by 0, 1, 2 and 9 bytes of the key.
template <class Test>
void with_every_sharding(const Test& test) {
  for (const size_t prefix_bytes : {0, 1, 2, 9}) {
    BOOST_TEST_CONTEXT("prefix_bytes " << prefix_bytes) {
      auto options = quiet_options();
      options.prefix_bytes = prefix_bytes;
      const auto store = open_store(SimulatedEnvironment::make(), options);
      test(*store);
    }
  }
}

BOOST_AUTO_TEST_CASE(keys_come_in_byte_order_whatever_order_they_were_put) {
  with_every_sharding([](Store& store) {
    Random random(base_seed());
    std::vector<std::string> expected;
    Contents contents;
    for (int i = 0; i < 500; ++i) contents[random.bytes(random.between(1, 12))] = "v";
    for (const auto& [key, value] : contents) expected.push_back(key);
    auto shuffled = expected;
    for (size_t i = shuffled.size(); i > 1; --i)
      std::swap(shuffled[i - 1], shuffled[random.below(i)]);
    for (const auto& key : shuffled) REQUIRE_OK(store.put(key, "v"));
    BOOST_TEST((keys_of(store, "") == expected));
  });
}

BOOST_AUTO_TEST_CASE(a_prefix_selects_exactly_the_keys_that_begin_with_it) {
  with_every_sharding([](Store& store) {
    for (const std::string_view key :
         {"a", "ab", "abc", "abd", "ac", "b", "ab\xff", "ab\xff\xff"}) {
      REQUIRE_OK(store.put(key, "v"));
    }
    using Keys = std::vector<std::string>;
    BOOST_TEST((keys_of(store, "ab") == Keys{"ab", "abc", "abd", "ab\xff", "ab\xff\xff"}));
    BOOST_TEST((keys_of(store, "ab\xff") == Keys{"ab\xff", "ab\xff\xff"}));
    BOOST_TEST((keys_of(store, "abc") == Keys{"abc"}));
    BOOST_TEST((keys_of(store, "abcd").empty()));
    BOOST_TEST((keys_of(store, "zz").empty()));
    BOOST_TEST(keys_of(store, "").size() == 8u);
  });
}

BOOST_AUTO_TEST_CASE(the_last_key_visited_is_the_position_to_go_on_from) {
  with_every_sharding([](Store& store) {
    Contents expected;
    for (int i = 0; i < 100; ++i) {
      REQUIRE_OK(store.put(numbered("dir/", i), "v"));
      REQUIRE_OK(store.put(numbered("other/", i), "v"));
    }
    for (const size_t page : {1, 3, 7, 100}) {
      std::vector<std::string> all;
      std::string after;
      for (bool more = true; more;) {
        size_t taken = 0;
        REQUIRE_OK(store.scan("dir/", after, [&](const KeyInfo& info) {
          all.emplace_back(info.key);
          return ++taken < page;
        }));
        more = taken == page;
        if (!all.empty()) after = all.back();
      }
      BOOST_TEST((all == keys_of(store, "dir/")));
      BOOST_TEST(all.size() == 100u);
    }
    BOOST_TEST(keys_of(store, "dir/", "dir/00098").size() == 1u);
    BOOST_TEST(keys_of(store, "dir/", "dir/00098x").size() == 1u);
    BOOST_TEST(keys_of(store, "dir/", "zzz").empty());
    BOOST_TEST(keys_of(store, "dir/", "a").size() == 100u);
  });
}

BOOST_AUTO_TEST_CASE(the_position_may_be_a_key_that_is_gone) {
  with_every_sharding([](Store& store) {
    for (int i = 0; i < 10; ++i) REQUIRE_OK(store.put(numbered("k", i), "v"));
    REQUIRE_OK(store.erase("k00004"));
    BOOST_TEST(keys_of(store, "k", "k00004").front() == "k00005");
  });
}

BOOST_AUTO_TEST_CASE(the_visitor_may_change_the_store) {
  with_every_sharding([](Store& store) {
    for (int i = 0; i < 300; ++i) REQUIRE_OK(store.put(numbered("k", i), "v"));
    uint64_t visited = 0;
    REQUIRE_OK(store.scan("k", "", [&](const KeyInfo& info) {
      ++visited;
      const std::string key(info.key);
      REQUIRE_OK(store.erase(key));
      REQUIRE_OK(store.put("a" + key, "new"));
      BOOST_TEST(!store.contains(key));
      return true;
    }));
    BOOST_TEST(visited == 300u);
    BOOST_TEST(keys_of(store, "k").empty());
    BOOST_TEST(keys_of(store, "ak").size() == 300u);
  });
}

BOOST_AUTO_TEST_CASE(sizes_and_timestamps_are_those_of_the_values) {
  const auto store = open_store(SimulatedEnvironment::make());
  REQUIRE_OK(store->put("a", "12345"));
  REQUIRE_OK(store->write_at("b", 1000, "x"));
  REQUIRE_OK(store->scan("", "", [&](const KeyInfo& info) {
    BOOST_TEST(info.size == *store->size(info.key));
    BOOST_TEST(info.timestamp == store->info(info.key)->timestamp);
    return true;
  }));
}

/// Threads add and remove "volatile" keys all the time; "stable" ones must all be seen, each once.
BOOST_AUTO_TEST_CASE(every_stable_key_is_visited_exactly_once_while_others_change) {
  with_every_sharding([](Store& store) {
    for (int i = 0; i < 400; ++i) REQUIRE_OK(store.put(numbered("stable", i), "v"));
    std::atomic<bool> stop{false};
    std::atomic<int> errors{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&, t] {
        Random random(base_seed() + uint64_t(t));
        while (!stop) {
          const auto key = numbered("stable", random.below(400)) + "+volatile";
          const auto done = random.one_in(2) ? store.put(key, "x") : store.erase(key);
          if (!done) ++errors;
        }
      });
    }
    int wrong = 0;
    for (int round = 0; round < 10; ++round) {
      std::string previous;
      int stable = 0;
      const auto scanned = store.scan("stable", "", [&](const KeyInfo& info) {
        if (info.key <= previous) ++wrong;
        previous = std::string(info.key);
        if (info.key.size() == 11) ++stable;
        return true;
      });
      if (!scanned || stable != 400) ++wrong;
    }
    stop = true;
    for (auto& thread : threads) thread.join();
    BOOST_TEST(wrong == 0);
    BOOST_TEST(errors == 0);
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
