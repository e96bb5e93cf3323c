// SPDX-License-Identifier: MIT
// The volume by paths, as the control tool uses it.
#include "fs/volume/keys.hpp"
#include "fs/volume/path_finder.hpp"
#include "fs/volume/transaction.hpp"
#include "tests/volume/fixture.hpp"

namespace memoria::test {
namespace {

struct PathsFixture : VolumeFixture {
  PathsFixture() {
    volume->set_caches({[this](InodeNumber ino) { changed.push_back(ino); },
                        [this](InodeNumber parent, std::string_view name) {
                          told.push_back(std::to_string(parent) + "/" + std::string(name));
                        }});
  }
  InodeNumber ino_of(std::string_view path) { return unwrap(volume->resolve(path)).ino; }
  int resolve_errno(std::string_view path) { return errno_of(volume->resolve(path)); }
  int put(std::string_view path, std::string_view bytes) {
    auto writer = volume->replace(path, kCaller);
    if (!writer.has_value()) return errno_of(writer);
    REQUIRE_OK(writer.value()->write(bytes));
    return errno_of(writer.value()->commit());
  }

  std::vector<std::string> told;
  std::vector<InodeNumber> changed;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(paths, PathsFixture)

BOOST_AUTO_TEST_CASE(paths_lead_from_the_root) {
  const auto a = make_directory("a");
  const auto b = make_directory("b", a);
  const auto file = make_file("file", "x", b);
  BOOST_TEST(ino_of("") == kRoot);
  BOOST_TEST(ino_of("/") == kRoot);
  BOOST_TEST(ino_of("/a/b/file") == file);
  BOOST_TEST(ino_of("a/b/file") == file);
  BOOST_TEST(ino_of("//a///b//") == b);
  BOOST_TEST(ino_of("/a/./b/../b/file") == file);
  BOOST_TEST(ino_of("/../a") == a);
  BOOST_TEST(resolve_errno("/none") == ENOENT);
  BOOST_TEST(resolve_errno("/a/none/file") == ENOENT);
  BOOST_TEST(resolve_errno("/a/b/file/x") == ENOTDIR);
  BOOST_TEST(resolve_errno("/a/b/file/") == ENOTDIR);
  BOOST_TEST(resolve_errno("/" + std::string(256, 'x')) == ENAMETOOLONG);
}

BOOST_AUTO_TEST_CASE(symlinks_are_not_followed) {
  make_directory("a");
  unwrap(volume->symlink(kRoot, "s", "a", kCaller));
  BOOST_TEST(S_ISLNK(unwrap(volume->resolve("/s")).mode));
  BOOST_TEST(resolve_errno("/s/x") == ENOTDIR);
}

BOOST_AUTO_TEST_CASE(every_inode_with_a_name_has_a_path) {
  const auto a = make_directory("a");
  const auto b = make_directory("b", a);
  const auto file = make_file("file", "x", b);
  const auto unnamed = unwrap(volume->make_unnamed(kRoot, 0600, kCaller));
  const auto paths = unwrap(PathFinder::read(volume->store(), {file, unnamed.ino, 999}));
  BOOST_TEST(paths.path_of(kRoot) == "/");
  BOOST_TEST(paths.path_of(b) == "/a/b");
  BOOST_TEST(paths.path_of(file) == "/a/b/file");
  BOOST_TEST(paths.path_of(999) == "");
  BOOST_TEST(paths.path_of(unnamed.ino) == "");
  BOOST_TEST(paths.path_of_key(Key(Table::kXattrs, file, "user.x")) == "/a/b/file");
  BOOST_TEST(paths.path_of_key(Key(Table::kNames, kRoot, "a")) == "/a");
  BOOST_TEST(paths.path_of_key(Key(Table::kNames, b, "gone")) == "/a/b/gone");
  BOOST_TEST(paths.path_of_key(Key(Table::kSuperblock)) == "");
  volume->forget(unnamed.ino, 1);
}

BOOST_AUTO_TEST_CASE(a_path_is_found_without_the_inodes_on_it_and_circles_have_none) {
  const auto a = make_directory("a");
  const auto b = make_directory("b", a);
  const auto file = make_file("file", "x", b);
  auto& store = volume->store();
  REQUIRE_OK(store.put(Key(Table::kInodes, b), "damage"));
  REQUIRE_OK(store.put(Key(Table::kInodes, file), "damage"));
  BOOST_TEST(unwrap(PathFinder::read(store, {file})).path_of(file) == "/a/b/file");
  REQUIRE_OK(store.erase(Key(Table::kNames, kRoot, "a")));
  REQUIRE_OK(store.put(Key(Table::kNames, b, "a"), encode(Dentry{a, S_IFDIR, kFirstCookie})));
  BOOST_TEST(unwrap(PathFinder::read(store, {file})).path_of(file) == "");
}

BOOST_AUTO_TEST_CASE(replacing_makes_a_file_and_tells_the_caches) {
  const auto a = make_directory("a");
  BOOST_TEST(put("/a/file", "contents") == 0);
  const auto file = find("file", a);
  BOOST_TEST(file.mode == (S_IFREG | 0644u));
  BOOST_TEST(file.uid == kCaller.uid);
  BOOST_TEST(file.links == 1u);
  BOOST_TEST(contents(file.ino) == "contents");
  BOOST_REQUIRE(told.size() == 1u);
  BOOST_TEST(told[0] == std::to_string(a) + "/file");
  BOOST_TEST(changed == std::vector<InodeNumber>{a}, boost::test_tools::per_element());
  BOOST_TEST(keys('O') == 0u);
  crash();
  BOOST_TEST(contents(ino_of("/a/file")) == "contents");
  BOOST_TEST(volume->files() == 3u);
}

BOOST_AUTO_TEST_CASE(another_name_of_what_was_replaced_or_removed_is_told) {
  const auto first = make_file("first", "old");
  unwrap(volume->link(first, kRootInode, "second"));
  unwrap(volume->link(first, kRootInode, "third"));
  BOOST_TEST(put("/second", "new") == 0);
  BOOST_TEST(changed == (std::vector<InodeNumber>{kRootInode, first}),
             boost::test_tools::per_element());
  changed.clear();
  REQUIRE_OK(volume->remove("/third"));
  BOOST_TEST(changed == (std::vector<InodeNumber>{kRootInode, first}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(replacing_keeps_mode_owner_and_place_of_what_was_there) {
  const auto old = make_file("first", "old");
  make_file("second");
  AttributeChanges changes;
  changes.mode = 0755;
  changes.uid = 5;
  changes.gid = 6;
  unwrap(volume->setattr(old, changes));
  volume->hold(old);
  BOOST_TEST(put("first", "new") == 0);
  const auto now = find("first");
  BOOST_TEST(now.ino != old);
  BOOST_TEST(now.mode == (S_IFREG | 0755u));
  BOOST_TEST(now.uid == 5u);
  BOOST_TEST(now.gid == 6u);
  BOOST_TEST(contents(now.ino) == "new");
  BOOST_TEST(names().front() == "first");
  BOOST_TEST(contents(old) == "old");
  volume->forget(old, 1);
  BOOST_TEST(volume->files() == 3u);
}

BOOST_AUTO_TEST_CASE(what_replaces_a_file_has_its_attributes_and_no_rights_of_its_contents) {
  const auto replaced = [&](mode_t mode) {
    const auto old = make_file("file", "old");
    AttributeChanges changes;
    changes.mode = mode;
    unwrap(volume->setattr(old, changes));
    for (const auto* name : {"user.note", "trusted.note", "security.capability", "security.selinux",
                             "user.memoria.lost"}) {
      REQUIRE_OK(volume->setxattr(old, name, "of the old", 0));
    }
    volume->forget(unwrap(volume->link(old, kRoot, "other")).ino, 1);
    BOOST_TEST(put("/file", "new") == 0);
    const auto now = ino_of("/file");
    BOOST_TEST(
        unwrap(volume->listxattr(now)) == (std::vector<std::string>{"trusted.note", "user.note"}),
        boost::test_tools::per_element());
    BOOST_TEST(unwrap(volume->getxattr(now, "user.note")) == "of the old");
    BOOST_TEST(contents(ino_of("/other")) == "old");
    BOOST_TEST(unwrap(volume->listxattr(ino_of("/other"))).size() == 5u);
    const auto got = stat(now).mode & 07777;
    REQUIRE_OK(volume->remove("/file"));
    REQUIRE_OK(volume->remove("/other"));
    return got;
  };
  BOOST_TEST(replaced(06755) == 0755u);
  BOOST_TEST(replaced(07744) == 03744u);  // mandatory locking
}

BOOST_AUTO_TEST_CASE(without_commit_nothing_happens) {
  make_file("file", "old");
  {
    auto writer = unwrap(volume->replace("/file", kCaller));
    REQUIRE_OK(writer->write("new"));
    BOOST_TEST(contents(find("file").ino) == "old");
  }
  BOOST_TEST(contents(find("file").ino) == "old");
  BOOST_TEST(keys('O') == 0u);
  BOOST_TEST(keys('I') == 2u);
  BOOST_TEST(told.empty());
}

BOOST_AUTO_TEST_CASE(many_small_and_some_large_writes_make_one_file) {
  std::string expected;
  auto writer = unwrap(volume->replace("/file", kCaller));
  for (int i = 0; i < 2000; ++i) {
    const std::string part(i % 100 == 0 ? 1'500'000 / (i + 1) : 1000, char('a' + i % 26));
    REQUIRE_OK(writer->write(part));
    expected += part;
  }
  REQUIRE_OK(writer->commit());
  BOOST_TEST((contents(find("file").ino) == expected));
  BOOST_TEST(errno_of(writer->commit()) == EINVAL);
  BOOST_TEST(errno_of(writer->write("x")) == EINVAL);
  writer.reset();
  BOOST_TEST((contents(find("file").ino) == expected));
}

BOOST_AUTO_TEST_CASE(an_empty_file_can_be_put) {
  BOOST_TEST(put("/file", "") == 0);
  BOOST_TEST(stat(ino_of("/file")).size == 0u);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_replaced_is_refused) {
  make_directory("directory");
  make_file("file");
  BOOST_TEST(put("/", "x") == EISDIR);
  BOOST_TEST(put("/directory", "x") == EISDIR);
  BOOST_TEST(put("/none/file", "x") == ENOENT);
  BOOST_TEST(put("/file/x", "x") == ENOTDIR);
  BOOST_TEST(put("/directory/..", "x") == EISDIR);
  BOOST_TEST(put("/directory/", "x") == EISDIR);
  BOOST_TEST(put("/file/", "x") == ENOTDIR);
  BOOST_TEST(put("/new/", "x") == EISDIR);
  BOOST_TEST(put("/.snapshots", "x") == EINVAL);
  BOOST_TEST(put("/directory/.snapshots", "x") == 0);
  REQUIRE_OK(volume->remove("/directory/.snapshots"));
  BOOST_TEST(put("/" + std::string(256, 'x'), "x") == ENAMETOOLONG);
  BOOST_TEST(keys('O') == 0u);
  BOOST_TEST(volume->files() == 3u);
}

BOOST_AUTO_TEST_CASE(what_is_no_regular_file_is_not_replaced) {
  unwrap(volume->symlink(kRoot, "link", "target", kCaller));
  unwrap(volume->mknod(kRoot, "pipe", S_IFIFO | 0644, 0, kCaller));
  BOOST_TEST(put("/link", "x") == EINVAL);
  BOOST_TEST(put("/pipe", "x") == EINVAL);
  auto writer = unwrap(volume->replace("/later", kCaller));
  unwrap(volume->symlink(kRoot, "later", "target", kCaller));
  BOOST_TEST(errno_of(writer->commit()) == EINVAL);
  writer.reset();
  for (const auto* const name : {"link", "later"}) BOOST_TEST(S_ISLNK(find(name).mode));
  BOOST_TEST(S_ISFIFO(find("pipe").mode));
  BOOST_TEST(keys('O') == 0u);
}

BOOST_AUTO_TEST_CASE(a_new_file_gets_the_mode_that_is_asked_for) {
  const Caller careful{kCaller.uid, kCaller.gid, 027};
  for (int i = 0; i < 2; ++i) {
    const auto writer = unwrap(volume->replace("/file", careful, 0666));
    REQUIRE_OK(writer->commit());
    BOOST_TEST(find("file").mode == (S_IFREG | 0640u));
    AttributeChanges changes;
    changes.mode = 0640;
    unwrap(volume->setattr(find("file").ino, changes));
  }
}

BOOST_AUTO_TEST_CASE(the_directory_may_go_before_the_commit) {
  make_directory("directory");
  auto writer = unwrap(volume->replace("/directory/file", kCaller));
  REQUIRE_OK(volume->rmdir(kRoot, "directory"));
  BOOST_TEST(errno_of(writer->commit()) == ENOENT);
  writer.reset();
  BOOST_TEST(volume->files() == 1u);
}

BOOST_AUTO_TEST_CASE(removing_is_for_files_and_empty_directories) {
  const auto a = make_directory("a");
  make_file("file", "x", a);
  BOOST_TEST(errno_of(volume->remove("/a")) == ENOTEMPTY);
  BOOST_TEST(errno_of(volume->remove("/a/file/")) == ENOTDIR);
  REQUIRE_OK(volume->remove("/a/file"));
  BOOST_TEST(told.back() == std::to_string(a) + "/file");
  REQUIRE_OK(volume->remove("/a/"));
  BOOST_TEST(told.back() == "1/a");
  BOOST_TEST(errno_of(volume->remove("/a")) == ENOENT);
  BOOST_TEST(errno_of(volume->remove("/")) == EBUSY);
  BOOST_TEST(told.size() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
