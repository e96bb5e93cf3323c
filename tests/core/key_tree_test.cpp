// SPDX-License-Identifier: MIT
#include "core/store/key_tree.hpp"

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/check.hpp"

namespace memoria::test {
namespace {

struct TreeAndModel {
  KeyArena arena;
  KeyTree tree{arena};
  std::map<std::string, std::string> model;

  static KeyLeaf::Fingerprint fingerprint(std::string_view key) {
    return KeyLeaf::fingerprint_of(std::hash<std::string_view>()(key));
  }
  void set(const std::string& key, const std::string& payload) {
    tree.set(key, fingerprint(key), payload);
    model[key] = payload;
  }
  void erase(const std::string& key) {
    BOOST_TEST(tree.erase(key, fingerprint(key)) == (model.erase(key) != 0));
  }
  /// At most `limit` entries from `from` on, sorting when that is needed.
  std::vector<std::pair<std::string, std::string>> scan(std::string_view from, bool exclusive,
                                                        size_t limit) {
    std::vector<std::pair<std::string, std::string>> out;
    const auto visit = [&](std::string_view key, std::string_view payload) {
      if (out.size() == limit) return false;
      out.emplace_back(key, payload);
      return true;
    };
    if (!tree.scan(from, exclusive, visit)) {
      out.clear();
      tree.sort(from, limit + 2);
      BOOST_TEST(tree.scan(from, exclusive, visit));
    }
    return out;
  }
  void check_scan(const std::string& from, bool exclusive, size_t limit) {
    const auto got = scan(from, exclusive, limit);
    auto it = exclusive ? model.upper_bound(from) : model.lower_bound(from);
    for (const auto& [key, payload] : got) {
      BOOST_REQUIRE((it != model.end() && it->first == key && it->second == payload));
      ++it;
    }
    BOOST_TEST((got.size() == limit || it == model.end()));
  }
  void check_all() {
    BOOST_TEST(tree.size() == model.size());
    size_t visited = 0;
    tree.visit_all([&](std::string_view key, std::string_view payload) {
      const auto it = model.find(std::string(key));
      visited += it != model.end() && it->second == payload;
    });
    BOOST_TEST(visited == model.size());
    check_scan("", false, model.size() + 1);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(key_tree)

BOOST_AUTO_TEST_CASE(random_changes_and_scans_are_those_of_a_map) {
  Random random(base_seed());
  WITH_SEED(base_seed()) {
    for (const size_t keys : {50, 400, 5000}) {
      TreeAndModel both;
      const auto some_key = [&] {
        const auto n = random.below(keys);
        return n % 3 == 0 ? "long common beginning of a key " + std::to_string(n)
                          : std::to_string(n * 7919 % keys);
      };
      for (size_t i = 0; i < 4 * keys; ++i) {
        switch (random.below(8)) {
          case 0:
          case 1:
            both.erase(some_key());
            break;
          case 2:
            both.check_scan(some_key(), random.below(2) == 0, 1 + random.below(300));
            break;
          default:
            both.set(some_key(), std::string(random.below(40), char('a' + random.below(26))));
        }
        const auto key = some_key();
        const auto found = both.tree.payload(both.tree.find(key, both.fingerprint(key)));
        const auto it = both.model.find(key);
        BOOST_REQUIRE((found.data() != nullptr) == (it != both.model.end()));
        if (it != both.model.end()) BOOST_TEST(found == it->second);
      }
      both.check_all();
    }
  }
}

/// What decides an order quickly, eight bytes as a number, is the same for many of these.
BOOST_AUTO_TEST_CASE(leaves_of_keys_that_are_hard_to_tell_apart_are_halved_in_order) {
  Random random(base_seed());
  WITH_SEED(base_seed()) {
    TreeAndModel both;
    for (int i = 0; i < 3000; ++i) {
      std::string key(random.below(3) == 0 ? 300 : 9, 'p');  // leaves are halved by size, too
      for (auto left = random.below(24); left > 0; --left) key += char(random.below(2));
      both.set(key, "payload");
      if (random.below(8) == 0) both.erase(key.substr(0, key.size() - 1));
    }
    BOOST_TEST(both.model.size() > 500u);
    both.check_all();
  }
}

/// Leaves are split, absorbed and removed, in front of the visit and behind it.
BOOST_AUTO_TEST_CASE(a_visit_leaf_by_leaf_beside_changes_misses_nothing_that_stays) {
  Random random(base_seed());
  WITH_SEED(base_seed()) {
    for (const bool grows : {true, false}) {
      TreeAndModel both;
      for (int i = 0; i < 3000; ++i) both.set(std::to_string(random.below(100'000)), "before");
      std::set<std::string> staying;
      for (const auto& [key, payload] : both.model) staying.insert(key);
      std::optional<std::string> from = "";
      size_t visits = 0;
      for (; from; ++visits) {
        from = both.tree.visit_leaf(*from, [&](std::string_view key, std::string_view) {
          staying.erase(std::string(key));
        });
        for (int i = 0; i < 100; ++i) {
          const auto some = std::to_string(random.below(100'000));
          if (grows) {
            both.set(some, "meanwhile");
            continue;
          }
          // Near where the visit is, on both sides, and anywhere.
          const auto next = both.model.lower_bound(from && i % 2 == 0 ? *from : some);
          if (next == both.model.end()) continue;
          const auto gone = i % 4 == 0 && next != both.model.begin() ? std::prev(next) : next;
          both.erase(std::string(gone->first));
        }
      }
      BOOST_TEST(visits > 10u);
      for (const auto& key : staying) BOOST_TEST(both.model.count(key) == 0u);
    }
  }
}

/// Of sizes for which a leaf has room for many, for few, for one, and for none in its own cells.
BOOST_AUTO_TEST_CASE(keys_and_payloads_of_every_size) {
  Random random(base_seed());
  WITH_SEED(base_seed()) {
    TreeAndModel both;
    constexpr std::array<size_t, 8> kSizes = {1, 20, 180, 255, 260, 510, 600, 5000};
    std::vector<std::string> keys;
    for (size_t i = 0; i < 600; ++i) {
      auto key = std::to_string(random.below(100'000));
      key.resize(std::max(key.size(), kSizes[random.below(kSizes.size())] + random.below(4)), '-');
      keys.push_back(key);
    }
    keys.emplace_back(65'535, 'k');
    for (size_t i = 0; i < 20'000; ++i) {
      const auto& key = keys[random.below(keys.size())];
      if (random.below(3) == 0) {
        both.erase(key);
      } else {
        both.set(key, std::string(random.below(KeyLeaf::kMaxPayload + 1), char(random.below(26))));
      }
      if (i % 500 == 0) both.check_all();
    }
    for (const auto& key : keys) both.erase(key);
    BOOST_TEST(both.tree.size() == 0u);
    BOOST_TEST(both.tree.memory() < 20'000u);
  }
}

BOOST_AUTO_TEST_CASE(other_payloads_of_the_same_keys_make_no_leaves) {
  KeyArena arena;
  KeyTree tree(arena);
  for (size_t i = 0; i < 10'000; ++i)
    tree.set(std::to_string(10'000 + i), KeyLeaf::fingerprint_of(i), "payload");
  const size_t before = tree.memory();
  for (size_t i = 0; i < 10'000; i += KeyLeaf::kMaxKeys) {
    tree.set(std::to_string(10'000 + i), KeyLeaf::fingerprint_of(i), "longer payload");
  }
  BOOST_TEST(tree.memory() <= before * 11 / 10);
}

BOOST_AUTO_TEST_CASE(a_tree_of_keys_pushed_in_order_takes_little_more_than_they_do) {
  KeyArena arena;
  KeyTree tree(arena);
  size_t bytes = 0;
  for (size_t i = 0; i < 50'000; ++i) {
    auto key = std::to_string(1'000'000 + i);
    if (i % 1000 == 0) key += std::string(700, 'x');
    tree.push_back(key, KeyLeaf::fingerprint_of(i), "payload");
    bytes += key.size() + 7;
  }
  BOOST_TEST(tree.size() == 50'000u);
  BOOST_TEST(tree.memory() < bytes + 50'000 * 12);
}

BOOST_AUTO_TEST_CASE(a_tree_that_was_pushed_keeps_no_memory_ready) {
  KeyArena arena;
  KeyTree pushed(arena), tree(arena);
  for (size_t i = 0; i < KeyLeaf::kMaxKeys; ++i) {
    pushed.push_back(std::to_string(1000 + i), KeyLeaf::fingerprint_of(i), std::string(40, 'p'));
  }
  const size_t before = pushed.memory();
  tree.append(std::move(pushed));
  BOOST_TEST(tree.size() == KeyLeaf::kMaxKeys);
  BOOST_TEST(tree.memory() < before);
}

BOOST_AUTO_TEST_CASE(keys_that_come_in_order_need_no_sorting) {
  KeyArena arena;
  KeyTree tree(arena);
  for (int i = 0; i < 10'000; ++i) {
    const auto key = std::to_string(100'000 + i);
    tree.set(key, KeyLeaf::fingerprint_of(i), "payload");
  }
  size_t visited = 0;
  BOOST_TEST(tree.scan("", false, [&](auto, auto) { return ++visited != 0; }));
  BOOST_TEST(visited == 10'000u);
}

BOOST_AUTO_TEST_CASE(an_unsorted_leaf_is_told_before_anything_of_it_is_visited) {
  KeyArena arena;
  KeyTree tree(arena);
  for (const auto* key : {"b", "a", "c"}) tree.set(key, 1, "payload");
  size_t visited = 0;
  BOOST_TEST(!tree.scan("", false, [&](auto, auto) { return ++visited != 0; }));
  BOOST_TEST(visited == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
