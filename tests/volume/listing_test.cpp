// SPDX-License-Identifier: MIT
// Listing directories, also while they change.
#include <algorithm>
#include <map>
#include <set>

#include "fs/volume/dentry.hpp"
#include "fs/volume/keys.hpp"
#include "tests/volume/fixture.hpp"

namespace memoria::test {
namespace {

struct ListingFixture : VolumeFixture {
  /// At most `limit` entries behind a cookie, as one readdir request takes them.
  std::vector<DirectoryEntry> piece(uint64_t cookie, size_t limit, InodeNumber of = kRoot) {
    std::vector<DirectoryEntry> out;
    REQUIRE_OK(volume->list(of, cookie, [&](const DirectoryEntry& entry) {
      if (out.size() == limit) return false;
      out.push_back(entry);
      return true;
    }));
    return out;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(listing, ListingFixture)

BOOST_AUTO_TEST_CASE(entries_come_in_the_order_in_which_they_were_made) {
  for (const auto* name : {"zebra", "ant", "mouse"}) make_file(name);
  const std::vector<std::string> expected{"zebra", "ant", "mouse"};
  BOOST_TEST(names() == expected, boost::test_tools::per_element());
  reopen();
  BOOST_TEST(names() == expected, boost::test_tools::per_element());
  uint64_t last = 0;
  for (const auto& entry : entries()) {
    BOOST_TEST(entry.cookie > last);
    BOOST_TEST(entry.ino == find(entry.name).ino);
    last = entry.cookie;
  }
}

BOOST_AUTO_TEST_CASE(directories_do_not_see_each_others_entries) {
  const auto a = make_directory("a"), b = make_directory("b");
  make_file("in a", {}, a);
  make_file("in b", {}, b);
  BOOST_TEST(names(a) == std::vector<std::string>{"in a"}, boost::test_tools::per_element());
  BOOST_TEST(names(b) == std::vector<std::string>{"in b"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_listing_goes_on_from_any_cookie) {
  for (int i = 0; i < 1000; ++i) make_file(std::to_string(i));
  const auto all = entries();
  BOOST_REQUIRE(all.size() == 1000u);
  for (size_t i = 0; i < all.size(); i += 37) {
    const auto rest = entries(kRoot, all[i].cookie);
    BOOST_TEST(rest.size() == 999 - i);
    if (!rest.empty()) BOOST_TEST(rest.front().name == all[i + 1].name);
  }
  BOOST_TEST(entries(kRoot, all.back().cookie).empty());
  BOOST_TEST(entries(kRoot, ~uint64_t{0} >> 1).empty());
}

BOOST_AUTO_TEST_CASE(changes_during_a_listing_hide_and_repeat_nothing) {
  for (const bool large : {false, true}) {
    const auto directory = make_directory(large ? "large" : "small");
    const int count = large ? 5000 : 50;
    std::set<std::string> stays;
    for (int i = 0; i < count; ++i) {
      make_file("stay-" + std::to_string(i), {}, directory);
      make_file("go-" + std::to_string(i), {}, directory);
      make_file("move-" + std::to_string(i), {}, directory);
      make_file("replace-" + std::to_string(i), {}, directory);
      stays.insert("stay-" + std::to_string(i));
      stays.insert("replace-" + std::to_string(i));
    }
    std::map<std::string, int> seen;
    uint64_t cookie = 0;
    for (int round = 0;; ++round) {
      const auto some = piece(cookie, 7, directory);
      if (some.empty()) break;
      for (const auto& entry : some) ++seen[entry.name];
      cookie = some.back().cookie;
      if (round < count) {
        const auto n = std::to_string(round);
        REQUIRE_OK(volume->unlink(directory, "go-" + n));
        REQUIRE_OK(volume->rename(directory, "move-" + n, kRoot, "moved-" + n, 0));
        make_file("new-" + n, {}, directory);
        REQUIRE_OK(volume->rename(directory, "new-" + n, directory, "replace-" + n, 0));
        REQUIRE_OK(volume->unlink(kRoot, "moved-" + n));
      }
    }
    for (const auto& name : stays) BOOST_TEST(seen[name] == 1, name << " seen " << seen[name]);
    for (const auto& [name, times] : seen) BOOST_TEST(times <= 1, name << " seen " << times);
  }
}

BOOST_AUTO_TEST_CASE(a_directory_can_be_emptied_while_it_is_listed) {
  for (int i = 0; i < 5000; ++i) make_file(std::to_string(i));
  uint64_t cookie = 0;
  size_t removed = 0;
  for (;;) {
    const auto some = piece(cookie, 100);
    if (some.empty()) break;
    for (const auto& entry : some) {
      REQUIRE_OK(volume->unlink(kRoot, entry.name));
      ++removed;
    }
    cookie = some.back().cookie;
  }
  BOOST_TEST(removed == 5000u);
  BOOST_TEST(names().empty());
  BOOST_TEST(keys('N') == 0u);
}

BOOST_AUTO_TEST_CASE(a_directory_can_be_emptied_from_its_start) {
  for (int i = 0; i < 5000; ++i) make_file(std::to_string(i));
  for (size_t removed = 0; removed < 5000; ++removed) {
    const auto first = piece(0, 1);
    BOOST_REQUIRE(first.size() == 1u);
    REQUIRE_OK(volume->unlink(kRoot, first[0].name));
  }
  BOOST_TEST(names().empty());
}

BOOST_AUTO_TEST_CASE(a_visitor_may_use_the_volume) {
  for (int i = 0; i < 300; ++i) make_file(std::to_string(i));
  size_t found = 0;
  REQUIRE_OK(volume->list(kRoot, 0, [&](const DirectoryEntry& entry) {
    found += find(entry.name).ino == entry.ino ? 1 : 0;
    return errno_of(volume->unlink(kRoot, entry.name)) == 0;
  }));
  BOOST_TEST(found == 300u);
}

BOOST_AUTO_TEST_CASE(cookies_survive_reopening) {
  for (int i = 0; i < 100; ++i) make_file(std::to_string(i));
  const auto all = entries();
  reopen();
  make_file("new");
  const auto rest = entries(kRoot, all[49].cookie);
  BOOST_REQUIRE(rest.size() == 51u);
  BOOST_TEST(rest.front().name == "50");
  BOOST_TEST(rest.back().name == "new");
  BOOST_TEST(rest.back().cookie > all.back().cookie);
}

BOOST_AUTO_TEST_CASE(cookies_are_never_given_twice_even_after_a_crash) {
  std::set<uint64_t> cookies;
  for (int i = 0; i < 20; ++i) {
    make_file(std::to_string(i));
    BOOST_TEST(cookies.insert(entries().back().cookie).second);
    REQUIRE_OK(volume->unlink(kRoot, std::to_string(i)));
    if (i % 5 == 4) crash();
  }
}

BOOST_AUTO_TEST_CASE(many_directories_are_listed_at_once) {
  std::vector<InodeNumber> directories;
  for (int i = 0; i < 600; ++i) {
    directories.push_back(make_directory(std::to_string(i)));
    make_file("one", {}, directories.back());
  }
  for (int round = 0; round < 2; ++round) {
    for (const auto directory : directories)
      BOOST_TEST(names(directory).size() == size_t(round + 1));
    for (const auto directory : directories)
      make_file("two" + std::to_string(round), {}, directory);
  }
}

BOOST_AUTO_TEST_CASE(a_damaged_entry_is_listed_behind_the_others) {
  make_file("a");
  make_file("bad one");
  make_file("z");
  REQUIRE_OK(volume->store().put(Key(Table::kNames, kRoot, "bad one"), "garbage"));
  reopen();
  const std::vector<std::string> expected{"a", "z", "bad one"};
  BOOST_TEST(names() == expected, boost::test_tools::per_element());
  BOOST_TEST(entries().back().cookie >= kDamagedCookies);
  make_file("new");
  BOOST_TEST(names().size() == 4u);
  BOOST_TEST(names().back() == "bad one");
  REQUIRE_OK(volume->unlink(kRoot, "a"));
  BOOST_TEST(names().size() == 3u);
}

BOOST_AUTO_TEST_CASE(an_entry_with_an_unusable_name_is_not_listed) {
  make_file("good");
  const auto value = encode(Dentry{5, S_IFREG, 100'000});
  for (const std::string_view name : {std::string_view("a/b"), std::string_view(""),
                                      std::string_view("x\0y", 3), std::string_view("..")}) {
    REQUIRE_OK(volume->store().put(Key(Table::kNames, kRoot, name), value));
  }
  BOOST_TEST(names().size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
