// SPDX-License-Identifier: MIT
// Whether a value is the same as in a snapshot: never wrong, and mostly without reading.
#include "core/store/value_comparison.hpp"

#include "core/store/store.hpp"
#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(value_comparison)

struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  Options options = quiet_options(64 << 10);
  StorePtr store = open_store(environment, options);
  StorePtr before;

  void snapshot() {
    unwrap(store->create_snapshot("before"));
    before = unwrap(store->open_snapshot("before"));
  }
  bool same(std::string_view key) { return unwrap(store->same_value(key, *before, key)); }
  uint64_t reads() const { return environment->calls(kCallRead); }
};

BOOST_FIXTURE_TEST_CASE(what_did_not_change_is_told_without_reading, Fixture) {
  Random random(base_seed());
  REQUIRE_OK(store->put("simple", random.bytes(5000)));
  for (uint64_t at = 0; at < 40; ++at) {
    REQUIRE_OK(store->write_at("patched", at * 7000, random.bytes(7000)));
  }
  REQUIRE_OK(store->put("empty", ""));
  snapshot();
  finish_hints(*store);
  auto first = reads();
  for (const auto* key : {"simple", "patched", "empty"}) BOOST_TEST(same(key));
  BOOST_TEST(reads() == first);
  // A merge moves everything: heads are read, contents are not.
  REQUIRE_OK(store->put("other", "x"));
  unwrap(store->merge({.all = true}));
  first = reads();
  for (const auto* key : {"simple", "patched", "empty"}) BOOST_TEST(same(key));
  BOOST_TEST(reads() - first <= 2 * 40u);
}

BOOST_FIXTURE_TEST_CASE(one_byte_makes_a_difference, Fixture) {
  Random random(base_seed());
  const auto bytes = random.bytes(50'000);
  REQUIRE_OK(store->put("key", bytes));
  snapshot();
  REQUIRE_OK(store->write_at("key", 31'000, std::string(1, char(bytes[31'000] ^ 1))));
  BOOST_TEST(!same("key"));
  REQUIRE_OK(store->write_at("key", 31'000, bytes.substr(31'000, 1)));
  BOOST_TEST(same("key"));  // written again, and the same
  REQUIRE_OK(store->put("key", bytes));
  BOOST_TEST(same("key"));
  REQUIRE_OK(store->truncate("key", 49'999));
  BOOST_TEST(!same("key"));
  REQUIRE_OK(store->erase("key"));
  CHECK_FAILS(Errc::kNotFound, store->same_value("key", *before, "key"));
}

BOOST_FIXTURE_TEST_CASE(holes_are_zeros, Fixture) {
  REQUIRE_OK(store->write_at("key", 0, std::string(9000, '\0')));
  REQUIRE_OK(store->write_at("key", 20'000, "end"));
  snapshot();
  REQUIRE_OK(store->punch("key", 0, 9000));
  BOOST_TEST(same("key"));
  REQUIRE_OK(store->write_at("key", 10'000, std::string(5, '\0')));
  BOOST_TEST(same("key"));
  REQUIRE_OK(store->write_at("key", 10'000, "x"));
  BOOST_TEST(!same("key"));
}

/// The newest change of a value goes with a merge, and the timestamps look as before.
BOOST_FIXTURE_TEST_CASE(a_punch_that_a_merge_dropped_still_shows, Fixture) {
  REQUIRE_OK(store->write_at("key", 0, std::string(900, 'a')));
  REQUIRE_OK(store->write_at("key", 900, std::string(900, 'b')));
  snapshot();
  REQUIRE_OK(store->punch("key", 300, 100));
  unwrap(store->merge({.all = true}));
  reopen(store, environment, options);
  BOOST_TEST(!same("key"));
}

BOOST_FIXTURE_TEST_CASE(different_keys_and_stores_are_compared_by_their_bytes, Fixture) {
  REQUIRE_OK(store->put("a", "the same"));
  REQUIRE_OK(store->put("b", "the same"));
  REQUIRE_OK(store->put("c", "the sane"));
  snapshot();
  BOOST_TEST(unwrap(store->same_value("a", *before, "b")));
  BOOST_TEST(!unwrap(store->same_value("a", *before, "c")));
  const auto other = open_store(SimulatedEnvironment::make(), options);
  REQUIRE_OK(other->put("a", "the same"));
  BOOST_TEST(unwrap(store->same_value("a", *other, "a")));
}

BOOST_FIXTURE_TEST_CASE(random_changes_are_told_as_reading_tells_them, Fixture) {
  for (uint64_t seed = base_seed(); seed < base_seed() + rounds(20); ++seed) {
    WITH_SEED(seed) {
      environment = SimulatedEnvironment::make();
      options.inline_limit = seed % 2 == 0 ? 0 : 40;
      store = open_store(environment, options);
      Random random(seed);
      const auto change = [&] {
        const auto key = numbered("key", random.below(8));
        switch (random.below(7)) {
          case 0:
            REQUIRE_OK(store->put(key, std::string(random.below(60), char(random.below(3)))));
            break;
          case 1:
            REQUIRE_OK(store->truncate(key, random.below(900)));
            break;
          case 2:
            if (store->contains(key)) REQUIRE_OK(store->punch(key, random.below(300), 150));
            break;
          case 3:
            unwrap(store->merge({.all = true}));
            break;
          default:
            REQUIRE_OK(store->write_at(key, random.below(500),
                                       std::string(random.below(80), char(random.below(2)))));
            break;
        }
      };
      for (int i = 0; i < 60; ++i) change();
      snapshot();
      for (int i = 0; i < 25; ++i) {
        change();
        if (i % 8 == 3) reopen(store, environment, options);
        for (const auto& [key, value] : contents_of(*before)) {
          if (!store->contains(key)) continue;
          BOOST_REQUIRE_MESSAGE(same(key) == (unwrap(store->get(key)) == value), key);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
