// SPDX-License-Identifier: MIT
#include "fs/binding/snapshot_trees.hpp"

#include <atomic>
#include <cerrno>
#include <thread>

#include "fs/binding/snapshot_directory.hpp"
#include "tests/volume/fixture.hpp"

namespace memoria::test {
namespace {

using std::chrono::milliseconds;

struct TreesFixture : VolumeFixture {
  explicit TreesFixture(const SnapshotTrees::Limits& limits = {.max_open = 2}) {
    make_file("file", "contents");
    trees.emplace(*volume, limits);
  }
  ~TreesFixture() { trees.reset(); }

  TreeNumber make(const std::string& name) {
    unwrap(volume->create_snapshot(name));
    return unwrap(trees->find(name));
  }
  bool works(TreeNumber tree) {
    const auto opened = trees->open(tree);
    return opened.has_value() && opened.value()->resolve("/file").has_value();
  }

  std::optional<SnapshotTrees> trees;
};

/// What a program sees that reads the directory `.snapshots` an entry at a time, of at most 10.
std::vector<std::string> listed(const SnapshotTrees& trees) {
  std::vector<std::string> out;
  uint64_t cookie = 2;  // behind "." and ".."
  for (bool more = true; more && out.size() < 10;) {
    more = false;
    REQUIRE_OK(list_snapshots(trees, cookie, [&](const DirectoryEntry& entry) {
      BOOST_TEST(entry.cookie > cookie);
      out.push_back(entry.name);
      cookie = entry.cookie;
      more = true;
      return false;
    }));
  }
  return out;
}

struct ImpatientFixture : TreesFixture {
  ImpatientFixture() : TreesFixture({.max_open = 2, .idle = milliseconds(20)}) {}
};

}  // namespace

BOOST_AUTO_TEST_SUITE(snapshot_trees)

BOOST_FIXTURE_TEST_CASE(damaged_snapshots_are_listed_once, TreesFixture) {
  using Names = std::vector<std::string>;
  for (const auto* name : {"bad", "worse"}) {
    boost::filesystem::create_directories(boost::filesystem::path(place.path()) / "snapshots" /
                                          name);
  }
  BOOST_TEST(listed(*trees) == (Names{"bad", "worse"}));
  // The positions of "." and ".." are taken.
  REQUIRE_OK(list_snapshots(*trees, 0, [](const DirectoryEntry& entry) {
    BOOST_TEST(entry.cookie >= kFirstCookie);
    return true;
  }));
  make("good");
  BOOST_TEST(listed(*trees) == (Names{"bad", "worse", "good"}));
}

BOOST_FIXTURE_TEST_CASE(each_snapshot_keeps_its_number, TreesFixture) {
  const auto a = make("a"), b = make("b");
  BOOST_TEST(a != b);
  BOOST_TEST(a != kVolumeTree);
  BOOST_TEST(unwrap(trees->find("a")) == a);
  BOOST_TEST(errno_of(trees->find("c")) == ENOENT);
  BOOST_TEST(errno_of(trees->find("..")) == ENOENT);
}

BOOST_FIXTURE_TEST_CASE(numbers_that_were_never_given_are_stale, TreesFixture) {
  for (const TreeNumber tree : {TreeNumber{0}, TreeNumber{1}, kSnapshotsTree, TreeNumber{0xffff}}) {
    BOOST_TEST(errno_of(trees->open(tree)) == ESTALE);
  }
}

BOOST_FIXTURE_TEST_CASE(a_tree_has_its_snapshots_name_also_when_that_is_gone, TreesFixture) {
  const auto a = make("a");
  BOOST_TEST(trees->name(a) == "a");
  unwrap(volume->remove_snapshot("a"));
  trees->forget("a");
  BOOST_TEST(trees->name(a) == "a");
  BOOST_TEST(trees->name(kVolumeTree).empty());
  BOOST_TEST(trees->name(a + 1).empty());
}

BOOST_FIXTURE_TEST_CASE(only_so_many_are_open_and_the_others_open_again, TreesFixture) {
  const TreeNumber made[] = {make("a"), make("b"), make("c"), make("d")};
  for (int round = 0; round < 3; ++round) {
    for (const auto tree : made) {
      BOOST_TEST(works(tree));
      BOOST_TEST(trees->open_count() <= 2u);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(one_that_is_in_use_works_although_it_was_closed, TreesFixture) {
  const auto in_use = unwrap(trees->open(make("a")));
  for (const auto* name : {"b", "c", "d"}) BOOST_TEST(works(make(name)));
  BOOST_TEST(in_use->resolve("/file").has_value());
}

BOOST_FIXTURE_TEST_CASE(one_that_nobody_uses_is_closed, ImpatientFixture) {
  const auto tree = make("a");
  for (int round = 0; round < 2; ++round) {
    BOOST_TEST(works(tree));
    for (int tries = 0; tries < 500 && trees->open_count() != 0; ++tries) {
      std::this_thread::sleep_for(milliseconds(10));
    }
    BOOST_TEST(trees->open_count() == 0u);
  }
}

BOOST_FIXTURE_TEST_CASE(a_new_snapshot_of_the_same_name_is_another_tree, TreesFixture) {
  const auto before = make("a");
  BOOST_TEST(works(before));
  REQUIRE_OK(volume->remove_snapshot("a"));
  trees->forget("a");
  BOOST_TEST(errno_of(trees->open(before)) == ESTALE);
  BOOST_TEST(errno_of(trees->find("a")) == ENOENT);
  const auto after = make("a");
  BOOST_TEST(after != before);
  BOOST_TEST(works(after));
  BOOST_TEST(errno_of(trees->open(before)) == ESTALE);
}

BOOST_FIXTURE_TEST_CASE(many_threads_may_look_while_snapshots_go, ImpatientFixture) {
  std::vector<TreeNumber> made;
  for (const auto* name : {"a", "b", "c", "d"}) made.push_back(make(name));
  std::atomic<bool> gone = false;
  std::atomic<int> wrong = 0, looks = 0;
  std::vector<std::thread> lookers;
  for (int i = 0; i < 4; ++i) {
    lookers.emplace_back([&, i] {
      for (int n = i; looks < 4000; ++n, ++looks) {
        const bool may_be_gone = n % 4 == 0;
        const auto opened = trees->open(made[n % 4]);
        if (opened.has_value()) {
          wrong += !opened.value()->resolve("/file").has_value();
        } else {
          wrong += !(may_be_gone && gone && opened.error().to_errno() == ESTALE);
        }
      }
    });
  }
  while (looks < 2000) std::this_thread::yield();
  gone = true;
  REQUIRE_OK(volume->remove_snapshot("a"));
  trees->forget("a");
  for (auto& looker : lookers) looker.join();
  BOOST_TEST(wrong == 0);
  BOOST_TEST(errno_of(trees->open(made[0])) == ESTALE);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
