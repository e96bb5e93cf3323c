// SPDX-License-Identifier: MIT
// The index alone: changes from before, during and after the scan that builds it.
#include "fs/volume/directory_index.hpp"

#include <thread>

#include "fs/volume/keys.hpp"
#include "tests/volume/fixture.hpp"

namespace memoria::test {
namespace {

constexpr InodeNumber kDirectory = 7;

struct IndexFixture {
  void put(std::string_view name, const Dentry& entry) {
    REQUIRE_OK(store->put(Key(Table::kNames, kDirectory, name), encode(entry)));
  }
  void build() { REQUIRE_OK(index.build(*store)); }
  std::string listed() {
    std::string out;
    const auto all = index.after(0, 1'000'000);
    BOOST_REQUIRE(all.has_value());
    for (const auto& entry : *all) out += entry.name + "=" + std::to_string(entry.ino) + " ";
    return out;
  }

  TemporaryDirectory place;
  std::unique_ptr<Store> store =
      unwrap(Store::open(unwrap(open_directory(place.path(), true)), volume_options()));
  DirectoryIndex index{kDirectory};
};

Dentry entry(InodeNumber ino, uint64_t cookie) {
  return {ino, S_IFREG, cookie};
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(directory_index, IndexFixture)

BOOST_AUTO_TEST_CASE(nothing_is_known_before_it_is_built) {
  index.set("a", entry(7, 100));
  index.erase("a", 100);
  BOOST_TEST(!index.after(0, 10).has_value());
  build();
  BOOST_TEST(listed() == "");
  BOOST_TEST(index.after(0, 10).has_value());
}

BOOST_AUTO_TEST_CASE(it_is_sorted_by_cookie) {
  put("a", entry(7, 300));
  put("b", entry(2, 100));
  put("c", entry(3, 200));
  build();
  BOOST_TEST(listed() == "b=2 c=3 a=7 ");
  BOOST_TEST(index.after(100, 10)->size() == 2u);
  BOOST_TEST(index.after(0, 2)->size() == 2u);
  BOOST_TEST(index.after(300, 10)->empty());
}

BOOST_AUTO_TEST_CASE(it_follows_changes) {
  put("a", entry(7, 100));
  build();
  index.set("b", entry(2, 200));
  index.set("a", entry(3, 100));  // replaced in its place
  BOOST_TEST(listed() == "a=3 b=2 ");
  index.erase("a", 100);
  BOOST_TEST(listed() == "b=2 ");
  index.erase("b", 200);
  BOOST_TEST(listed() == "");
}

BOOST_AUTO_TEST_CASE(changes_that_the_scan_saw_are_not_counted_twice) {
  put("a", entry(7, 100));
  build();
  index.set("a", entry(7, 100));
  BOOST_TEST(listed() == "a=7 ");
  index.erase("gone before", 50);
  BOOST_TEST(listed() == "a=7 ");
}

BOOST_AUTO_TEST_CASE(what_contradicts_it_makes_it_start_over) {
  put("a", entry(7, 100));
  build();
  index.set("other", entry(9, 100));
  BOOST_TEST(!index.after(0, 10).has_value());
  build();
  BOOST_TEST(listed() == "a=7 ");
}

BOOST_AUTO_TEST_CASE(removed_entries_give_their_place_back) {
  build();
  for (uint64_t i = 0; i < 10'000; ++i) index.set(std::to_string(i), entry(i + 2, 100 + i));
  const auto full = index.bytes();
  for (uint64_t i = 0; i < 9'990; ++i) index.erase(std::to_string(i), 100 + i);
  BOOST_TEST(index.bytes() < full / 2);
  BOOST_TEST(index.after(0, 1'000'000)->size() == 10u);
  BOOST_TEST(index.after(0, 1)->front().name == "9990");
}

BOOST_AUTO_TEST_CASE(changes_while_it_is_built_are_not_lost) {
  constexpr uint64_t kEntries = 20'000;
  for (uint64_t i = 0; i < kEntries; ++i) put(std::to_string(i), entry(i + 2, 100 + i));
  std::atomic<bool> built = false;
  std::thread builder([&] {
    (void)index.build(*store);
    built = true;
  });
  // As the volume does: first the store, then the index.
  uint64_t i = 0;
  for (; i < kEntries && (!built || i < 1000); ++i) {
    const auto name = std::to_string(i);
    if (i % 2 == 0) {
      (void)store->erase(Key(Table::kNames, kDirectory, name));
      index.erase(name, 100 + i);
    } else {
      const auto moved = entry(i + 2, 100 + kEntries + i);
      (void)store->erase(Key(Table::kNames, kDirectory, name));
      index.erase(name, 100 + i);
      (void)store->put(Key(Table::kNames, kDirectory, "moved-" + name), encode(moved));
      index.set("moved-" + name, moved);
    }
  }
  builder.join();
  const auto all = index.after(0, 1'000'000);
  BOOST_REQUIRE(all.has_value());
  DirectoryIndex fresh(kDirectory);
  REQUIRE_OK(fresh.build(*store));
  const auto expected = fresh.after(0, 1'000'000);
  BOOST_REQUIRE(all->size() == expected->size());
  for (size_t k = 0; k < all->size(); ++k) {
    BOOST_REQUIRE((*all)[k].name == (*expected)[k].name);
    BOOST_REQUIRE((*all)[k].cookie == (*expected)[k].cookie);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
