// SPDX-License-Identifier: MIT
#include <linux/fs.h>

#include "tests/volume/fixture.hpp"

namespace memoria::test {
namespace {

struct RenameFixture : VolumeFixture {
  int rename(InodeNumber from, std::string_view name, InodeNumber to, std::string_view new_name,
             unsigned flags = 0) {
    return errno_of(volume->rename(from, name, to, new_name, flags));
  }
  const InodeNumber a = make_directory("a"), b = make_directory("b");
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(renaming, RenameFixture)

BOOST_AUTO_TEST_CASE(a_name_moves_within_its_directory) {
  const auto file = make_file("old", "contents", a);
  const auto before = stat_before(file);
  BOOST_TEST(rename(a, "old", a, "new") == 0);
  BOOST_TEST(lookup_errno("old", a) == ENOENT);
  BOOST_TEST(find("new", a).ino == file);
  BOOST_TEST(contents(file) == "contents");
  BOOST_TEST(stat(file).ctime > before.ctime);
  BOOST_TEST(stat(file).mtime == before.mtime);
  BOOST_TEST(stat(file).links == 1u);
  BOOST_TEST(stat(a).mtime == stat(file).ctime);
}

BOOST_AUTO_TEST_CASE(a_file_moves_to_another_directory) {
  const auto file = make_file("file", "contents", a);
  BOOST_TEST(rename(a, "file", b, "file") == 0);
  BOOST_TEST(names(a).empty());
  BOOST_TEST(find("file", b).ino == file);
  BOOST_TEST(stat(a).mtime == stat(b).mtime);
  BOOST_TEST(stat(a).ctime == stat(file).ctime);
  BOOST_TEST(stat(a).links == 2u);
}

BOOST_AUTO_TEST_CASE(a_directory_takes_its_link_along) {
  const auto inner = make_directory("inner", a);
  BOOST_TEST(rename(a, "inner", b, "moved") == 0);
  BOOST_TEST(stat(a).links == 2u);
  BOOST_TEST(stat(b).links == 3u);
  BOOST_TEST(unwrap(volume->parent(inner)) == b);
  BOOST_TEST(find("..", inner).ino == b);
  reopen();
  BOOST_TEST(unwrap(volume->parent(inner)) == b);
}

BOOST_AUTO_TEST_CASE(a_file_replaces_a_file) {
  const auto file = make_file("new", "new", a);
  const auto old = make_file("file", "old", a);
  BOOST_TEST(rename(a, "new", a, "file") == 0);
  BOOST_TEST(names(a).size() == 1u);
  BOOST_TEST(contents(find("file", a).ino) == "new");
  BOOST_TEST(find("file", a).ino == file);
  BOOST_TEST(errno_of(volume->getattr(old)) == ENOENT);
  BOOST_TEST(keys('C') == 1u);
  BOOST_TEST(volume->files() == 4u);
}

BOOST_AUTO_TEST_CASE(replacing_one_of_two_links_leaves_the_other) {
  make_file("new", "new", a);
  const auto old = make_file("file", "old", a);
  make_link(old, "other", b);
  BOOST_TEST(rename(a, "new", a, "file") == 0);
  BOOST_TEST(stat(old).links == 1u);
  BOOST_TEST(stat(old).ctime == stat(a).ctime);
  BOOST_TEST(contents(find("other", b).ino) == "old");
}

BOOST_AUTO_TEST_CASE(a_directory_replaces_an_empty_one_only) {
  const auto from = make_directory("from", a);
  make_file("inside", {}, from);
  const auto to = make_directory("to", b);
  const auto file = make_file("file", {}, to);
  BOOST_TEST(rename(a, "from", b, "to") == ENOTEMPTY);
  REQUIRE_OK(volume->unlink(to, "file"));
  BOOST_TEST(errno_of(volume->getattr(file)) == ENOENT);
  BOOST_TEST(rename(a, "from", b, "to") == 0);
  BOOST_TEST(find("to", b).ino == from);
  BOOST_TEST(errno_of(volume->getattr(to)) == ENOENT);
  BOOST_TEST(stat(a).links == 2u);
  BOOST_TEST(stat(b).links == 3u);
}

BOOST_AUTO_TEST_CASE(a_directory_replaces_an_empty_one_in_the_same_directory) {
  make_directory("from", a);
  make_directory("to", a);
  BOOST_TEST(stat(a).links == 4u);
  BOOST_TEST(rename(a, "from", a, "to") == 0);
  BOOST_TEST(stat(a).links == 3u);
  BOOST_TEST(names(a).size() == 1u);
}

BOOST_AUTO_TEST_CASE(files_and_directories_do_not_replace_each_other) {
  make_file("file", {}, a);
  make_directory("directory", a);
  BOOST_TEST(rename(a, "file", a, "directory") == EISDIR);
  BOOST_TEST(rename(a, "directory", a, "file") == ENOTDIR);
  BOOST_TEST(names(a).size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_directory_does_not_move_into_itself) {
  const auto inner = make_directory("inner", a);
  const auto innermost = make_directory("innermost", inner);
  BOOST_TEST(rename(kRoot, "a", a, "x") == EINVAL);
  BOOST_TEST(rename(kRoot, "a", inner, "x") == EINVAL);
  BOOST_TEST(rename(kRoot, "a", innermost, "x") == EINVAL);
  BOOST_TEST(rename(inner, "innermost", kRoot, "a") == ENOTEMPTY);
  BOOST_TEST(rename(inner, "innermost", kRoot, "a", RENAME_EXCHANGE) == EINVAL);
  BOOST_TEST(rename(kRoot, "a", inner, "innermost", RENAME_EXCHANGE) == EINVAL);
  BOOST_TEST(rename(a, "inner", kRoot, "inner") == 0);
}

BOOST_AUTO_TEST_CASE(renaming_to_the_same_inode_changes_nothing) {
  const auto file = make_file("one", {}, a);
  make_link(file, "two", a);
  const auto before = stat(a);
  BOOST_TEST(rename(a, "one", a, "two") == 0);
  BOOST_TEST(rename(a, "one", a, "one") == 0);
  BOOST_TEST(rename(kRoot, "a", kRoot, "a") == 0);
  BOOST_TEST(names(a).size() == 2u);
  BOOST_TEST(stat(file).links == 2u);
  BOOST_TEST(stat(a).mtime == before.mtime);
  BOOST_TEST(rename(a, "one", a, "two", RENAME_NOREPLACE) == EEXIST);
}

BOOST_AUTO_TEST_CASE(noreplace_refuses_a_taken_name) {
  make_file("one", "1", a);
  make_file("two", "2", a);
  BOOST_TEST(rename(a, "one", a, "two", RENAME_NOREPLACE) == EEXIST);
  BOOST_TEST(contents(find("two", a).ino) == "2");
  BOOST_TEST(rename(a, "one", a, "three", RENAME_NOREPLACE) == 0);
  BOOST_TEST(contents(find("three", a).ino) == "1");
}

BOOST_AUTO_TEST_CASE(exchange_swaps_a_file_and_a_directory) {
  const auto file = make_file("file", "contents", a);
  const auto directory = make_directory("directory", b);
  make_file("inside", {}, directory);
  BOOST_TEST(rename(a, "file", b, "directory", RENAME_EXCHANGE) == 0);
  BOOST_TEST(find("file", a).ino == directory);
  BOOST_TEST(find("directory", b).ino == file);
  BOOST_TEST(entries(a).at(0).type == S_IFDIR);
  BOOST_TEST(entries(b).at(0).type == S_IFREG);
  BOOST_TEST(unwrap(volume->parent(directory)) == a);
  BOOST_TEST(stat(a).links == 3u);
  BOOST_TEST(stat(b).links == 2u);
  BOOST_TEST(stat(file).ctime == stat(directory).ctime);
}

BOOST_AUTO_TEST_CASE(exchange_of_two_directories_swaps_their_parents) {
  const auto x = make_directory("x", a), y = make_directory("y", b);
  BOOST_TEST(rename(a, "x", b, "y", RENAME_EXCHANGE) == 0);
  BOOST_TEST(unwrap(volume->parent(x)) == b);
  BOOST_TEST(unwrap(volume->parent(y)) == a);
  BOOST_TEST(stat(a).links == 3u);
  BOOST_TEST(stat(b).links == 3u);
}

BOOST_AUTO_TEST_CASE(exchange_needs_both_names) {
  make_file("one", {}, a);
  BOOST_TEST(rename(a, "one", a, "none", RENAME_EXCHANGE) == ENOENT);
  BOOST_TEST(rename(a, "none", a, "one", RENAME_EXCHANGE) == ENOENT);
}

BOOST_AUTO_TEST_CASE(unknown_and_contradicting_flags_are_refused) {
  make_file("one", {}, a);
  BOOST_TEST(rename(a, "one", a, "two", RENAME_WHITEOUT | RENAME_EXCHANGE) == EINVAL);
  BOOST_TEST(rename(a, "one", a, "two", 1u << 20) == EINVAL);
  BOOST_TEST(rename(a, "one", a, "two", RENAME_NOREPLACE | RENAME_EXCHANGE) == EINVAL);
}

BOOST_AUTO_TEST_CASE(a_whiteout_takes_the_place_of_the_old_name) {
  const auto file = make_file("file", "contents", a);
  make_file("later", {}, a);
  const auto before = entries(a);
  const auto files = volume->files();
  REQUIRE_OK(volume->rename(a, "file", b, "moved", RENAME_WHITEOUT, kCaller));
  BOOST_TEST(find("moved", b).ino == file);
  const auto whiteout = find("file", a);
  BOOST_TEST(whiteout.ino > file);
  BOOST_TEST(whiteout.mode == unsigned{S_IFCHR});
  BOOST_TEST(whiteout.rdev == 0u);
  BOOST_TEST(whiteout.links == 1u);
  BOOST_TEST(whiteout.uid == kCaller.uid);
  BOOST_TEST(whiteout.gid == kCaller.gid);
  BOOST_TEST(whiteout.mtime == stat(a).mtime);
  BOOST_TEST(whiteout.btime == stat(a).mtime);
  const auto after = entries(a);
  BOOST_REQUIRE(after.size() == 2u);
  BOOST_TEST(after[0].name == "file");
  BOOST_TEST(after[0].cookie == before[0].cookie);
  BOOST_TEST(after[0].ino == whiteout.ino);
  BOOST_TEST(after[0].type == unsigned{S_IFCHR});
  BOOST_TEST(volume->files() == files + 1);
  REQUIRE_OK(volume->unlink(a, "file"));
  REQUIRE_OK(volume->unlink(a, "later"));
  BOOST_TEST(volume->files() == files - 1);
  BOOST_TEST(errno_of(volume->rmdir(kRoot, "a")) == 0);
}

BOOST_AUTO_TEST_CASE(a_directory_leaves_a_whiteout_and_takes_its_link_along) {
  const auto inner = make_directory("inner", a), old = make_directory("old", b);
  BOOST_TEST(rename(a, "inner", b, "old", RENAME_WHITEOUT | RENAME_NOREPLACE) == EEXIST);
  BOOST_TEST(rename(a, "inner", b, "old", RENAME_WHITEOUT) == 0);
  BOOST_TEST(find("old", b).ino == inner);
  BOOST_TEST(errno_of(volume->getattr(old)) == ENOENT);
  BOOST_TEST(stat(a).links == 2u);
  BOOST_TEST(stat(b).links == 3u);
  BOOST_TEST(errno_of(volume->rmdir(kRoot, "a")) == ENOTEMPTY);
  crash();
  BOOST_TEST(find("inner", a).mode == unsigned{S_IFCHR});
  BOOST_TEST(find("old", b).ino == inner);
  BOOST_TEST(volume->files() == 5u);
  BOOST_TEST(rename(b, "old", a, "inner", RENAME_WHITEOUT) == ENOTDIR);
  BOOST_TEST(rename(a, "inner", b, "file", RENAME_WHITEOUT | RENAME_NOREPLACE) == 0);
  BOOST_TEST(find("file", b).rdev == 0u);
  BOOST_TEST(names(a).size() == 1u);
}

BOOST_AUTO_TEST_CASE(where_nothing_moves_there_is_no_whiteout) {
  const auto file = make_file("one", {}, a);
  make_link(file, "two", a);
  BOOST_TEST(rename(a, "one", a, "two", RENAME_WHITEOUT) == 0);
  BOOST_TEST(rename(a, "one", a, "one", RENAME_WHITEOUT) == 0);
  BOOST_TEST(find("one", a).ino == file);
  BOOST_TEST(volume->files() == 4u);
}

BOOST_AUTO_TEST_CASE(a_missing_source_or_directory_is_reported) {
  BOOST_TEST(rename(a, "none", a, "x") == ENOENT);
  BOOST_TEST(rename(999, "none", a, "x") == ENOENT);
  make_file("file", {}, a);
  BOOST_TEST(rename(a, "file", 999, "x") == ENOENT);
  BOOST_TEST(find("file", a).links == 1u);
}

BOOST_AUTO_TEST_CASE(an_open_file_that_is_replaced_stays_readable) {
  make_file("new", "new", a);
  const auto old = make_file("file", "old", a);
  volume->hold(old);
  BOOST_TEST(rename(a, "new", a, "file") == 0);
  BOOST_TEST(contents(old) == "old");
  BOOST_TEST(stat(old).links == 0u);
  BOOST_TEST(keys('O') == 1u);
  volume->forget(old, 1);
  BOOST_TEST(keys('O') == 0u);
  BOOST_TEST(errno_of(volume->getattr(old)) == ENOENT);
}

BOOST_AUTO_TEST_CASE(a_replaced_name_keeps_its_place_in_the_listing) {
  make_file("first", {}, a);
  make_file("second", {}, a);
  make_file("third", {}, a);
  const auto before = entries(a);
  make_file("new", {}, a);
  BOOST_TEST(rename(a, "new", a, "first") == 0);
  const auto after = entries(a);
  BOOST_REQUIRE(after.size() == 3u);
  BOOST_TEST(after[0].name == "first");
  BOOST_TEST(after[0].cookie == before[0].cookie);
  BOOST_TEST(after[0].ino == find("first", a).ino);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
