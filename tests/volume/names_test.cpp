// SPDX-License-Identifier: MIT
// Making, finding, linking and removing names.
#include <sys/sysmacros.h>

#include "fs/volume/dentry.hpp"
#include "fs/volume/keys.hpp"
#include "fs/volume/tree.hpp"
#include "tests/volume/fixture.hpp"

namespace memoria::test {

BOOST_FIXTURE_TEST_SUITE(names_and_links, VolumeFixture)

BOOST_AUTO_TEST_CASE(a_new_volume_has_an_empty_root_of_its_creator) {
  const auto root = stat(kRoot);
  BOOST_TEST(root.mode == (S_IFDIR | 0755u));
  BOOST_TEST(root.links == 2u);
  BOOST_TEST(root.uid == kCaller.uid);
  BOOST_TEST(root.gid == kCaller.gid);
  BOOST_TEST(root.size == 4096u);
  BOOST_TEST(root.blocks == 8u);
  BOOST_TEST(names().empty());
  BOOST_TEST(volume->files() == 1u);
  BOOST_TEST(unwrap(volume->parent(kRoot)) == kRoot);
}

BOOST_AUTO_TEST_CASE(a_new_file_has_the_attributes_that_it_was_made_with) {
  const auto before = stat_before(kRoot);
  const auto made = unwrap(volume->mknod(kRoot, "file", S_IFREG | 04640, 0, kCaller));
  BOOST_TEST(made.mode == (S_IFREG | 04640u));
  BOOST_TEST(made.links == 1u);
  BOOST_TEST(made.uid == kCaller.uid);
  BOOST_TEST(made.gid == kCaller.gid);
  BOOST_TEST(made.size == 0u);
  BOOST_TEST(made.blocks == 0u);
  BOOST_TEST(made.btime > before.btime);
  BOOST_TEST(made.mtime == made.btime);
  BOOST_TEST(made.ctime == made.btime);
  BOOST_TEST(made.atime == made.btime);
  BOOST_TEST(find("file").ino == made.ino);
  const auto after = stat(kRoot);
  BOOST_TEST(after.mtime == made.btime);
  BOOST_TEST(after.ctime == made.btime);
  BOOST_TEST(after.links == 2u);
}

BOOST_AUTO_TEST_CASE(every_type_can_be_made_and_is_listed_as_such) {
  for (const mode_t type : {S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK}) {
    const auto name = "node-" + std::to_string(type);
    const auto made = unwrap(volume->mknod(kRoot, name, type | 0600, makedev(8, 1), kCaller));
    BOOST_TEST(made.mode == (type | 0600));
    BOOST_TEST(made.rdev == (S_ISCHR(type) || S_ISBLK(type) ? makedev(8, 1) : 0));
  }
  make_directory("directory");
  unwrap(volume->symlink(kRoot, "symlink", "target", kCaller));
  BOOST_TEST(unwrap(volume->mknod(kRoot, "plain", 0600, 0, kCaller)).mode == (S_IFREG | 0600u));
  for (const auto& entry : entries()) BOOST_TEST(entry.type == (find(entry.name).mode & S_IFMT));
  BOOST_TEST(errno_of(volume->mknod(kRoot, "x", S_IFDIR | 0700, 0, kCaller)) == EINVAL);
  BOOST_TEST(errno_of(volume->mknod(kRoot, "x", S_IFLNK | 0700, 0, kCaller)) == EINVAL);
  BOOST_TEST(errno_of(volume->mknod(kRoot, "x", 0030000 | 0700, 0, kCaller)) == EINVAL);
}

BOOST_AUTO_TEST_CASE(a_taken_name_is_refused) {
  make_file("name");
  const auto file = find("name").ino;
  BOOST_TEST(errno_of(volume->mknod(kRoot, "name", S_IFREG, 0, kCaller)) == EEXIST);
  BOOST_TEST(errno_of(volume->mkdir(kRoot, "name", 0755, kCaller)) == EEXIST);
  BOOST_TEST(errno_of(volume->symlink(kRoot, "name", "t", kCaller)) == EEXIST);
  BOOST_TEST(errno_of(volume->link(file, kRoot, "name")) == EEXIST);
  CHECK_FAILS(Errc::kExists, volume->mkdir(kRoot, "name", 0755, kCaller));
  BOOST_TEST(volume->files() == 2u);
}

BOOST_AUTO_TEST_CASE(names_of_any_bytes_work) {
  const std::string all[] = {"\xff\xfe", "\n",    "emoji \xf0\x9f\x98\x80", " ",
                             "...",      "-rf *", std::string(255, 'x')};
  for (const auto& name : all) make_file(name, name);
  reopen();
  for (const auto& name : all) BOOST_TEST(contents(find(name).ino) == name);
  BOOST_TEST(names().size() == std::size(all));
}

BOOST_AUTO_TEST_CASE(impossible_names_are_refused_everywhere) {
  const auto file = make_file("file");
  const auto check = [&](std::string_view name, int expected) {
    BOOST_TEST(errno_of(volume->mknod(kRoot, name, S_IFREG, 0, kCaller)) == expected);
    BOOST_TEST(errno_of(volume->mkdir(kRoot, name, 0755, kCaller)) == expected);
    BOOST_TEST(errno_of(volume->symlink(kRoot, name, "t", kCaller)) == expected);
    BOOST_TEST(errno_of(volume->link(file, kRoot, name)) == expected);
    BOOST_TEST(errno_of(volume->unlink(kRoot, name)) == expected);
    BOOST_TEST(errno_of(volume->rmdir(kRoot, name)) == expected);
    BOOST_TEST(errno_of(volume->rename(kRoot, name, kRoot, "x", 0)) == expected);
    BOOST_TEST(errno_of(volume->rename(kRoot, "file", kRoot, name, 0)) == expected);
    BOOST_TEST(lookup_errno(name) == expected);
  };
  check(std::string(256, 'x'), ENAMETOOLONG);
  check("a/b", EINVAL);
  check(std::string_view("a\0b", 3), EINVAL);
  check("", ENOENT);
  BOOST_TEST(names().size() == 1u);
}

BOOST_AUTO_TEST_CASE(dot_and_dot_dot_can_be_looked_up_but_not_made_or_removed) {
  const auto directory = make_directory("directory");
  BOOST_TEST(find(".", directory).ino == directory);
  BOOST_TEST(find("..", directory).ino == kRoot);
  BOOST_TEST(find("..", kRoot).ino == kRoot);
  for (const std::string_view name : {".", ".."}) {
    BOOST_TEST(errno_of(volume->mkdir(directory, name, 0755, kCaller)) == EEXIST);
    BOOST_TEST(errno_of(volume->unlink(directory, name)) == EISDIR);
    BOOST_TEST(errno_of(volume->rename(directory, name, kRoot, "x", 0)) == EBUSY);
  }
  BOOST_TEST(errno_of(volume->rmdir(directory, ".")) == EINVAL);
  BOOST_TEST(errno_of(volume->rmdir(directory, "..")) == ENOTEMPTY);
}

BOOST_AUTO_TEST_CASE(a_file_is_no_directory) {
  const auto file = make_file("file");
  BOOST_TEST(lookup_errno("x", file) == ENOTDIR);
  BOOST_TEST(errno_of(volume->mknod(file, "x", S_IFREG, 0, kCaller)) == ENOTDIR);
  BOOST_TEST(errno_of(volume->link(file, file, "x")) == ENOTDIR);
  BOOST_TEST(errno_of(volume->unlink(file, "x")) == ENOTDIR);
  BOOST_TEST(errno_of(volume->rmdir(file, "x")) == ENOTDIR);
  BOOST_TEST(errno_of(volume->rename(file, "x", kRoot, "y", 0)) == ENOTDIR);
  BOOST_TEST(errno_of(volume->rename(kRoot, "file", file, "y", 0)) == ENOTDIR);
  BOOST_TEST(errno_of(volume->parent(file)) == ENOTDIR);
  BOOST_TEST(errno_of(volume->list(file, 0, [](const auto&) { return true; })) == ENOTDIR);
}

BOOST_AUTO_TEST_CASE(an_inode_that_is_not_there_gives_enoent) {
  const InodeNumber none = 4'000'000;
  BOOST_TEST(lookup_errno("x", none) == ENOENT);
  BOOST_TEST(errno_of(volume->getattr(none)) == ENOENT);
  BOOST_TEST(errno_of(volume->mkdir(none, "x", 0755, kCaller)) == ENOENT);
  BOOST_TEST(errno_of(volume->link(none, kRoot, "x")) == ENOENT);
  BOOST_TEST(errno_of(volume->readlink(none)) == ENOENT);
  BOOST_TEST(errno_of(volume->list(none, 0, [](const auto&) { return true; })) == ENOENT);
  BOOST_TEST(errno_of(volume->write(none, 0, "x", true)) == ENOENT);
  BOOST_TEST(errno_of(volume->write(none, 0, "x", false)) == ENOENT);
  BOOST_TEST(errno_of(volume->append(none, "x")) == ENOENT);
  std::string buffer(1, '\0');
  BOOST_TEST(errno_of(volume->read(none, 0, buffer)) == ENOENT);
  BOOST_TEST(keys('C') == 0u);
}

BOOST_AUTO_TEST_CASE(times_are_those_that_the_kernel_would_set_at_the_moment) {
  const auto kernels = [] {
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &time);
    return to_time_ns(time);
  };
  for (int i = 0; i < 20; ++i) {
    const TimeNs before = kernels();
    const auto made = stat(make_file(std::to_string(i)));
    // Else a file that is written now would be older than one that was made earlier.
    BOOST_TEST(made.mtime <= kernels());
    BOOST_TEST(made.mtime >= before);
  }
}

BOOST_AUTO_TEST_CASE(hard_links_share_one_inode) {
  const auto file = make_file("a", "contents");
  const auto before = stat_before(file);
  make_link(file, "b");
  BOOST_TEST(find("b").ino == file);
  BOOST_TEST(stat(file).links == 2u);
  BOOST_TEST(stat(file).ctime > before.ctime);
  BOOST_TEST(stat(file).mtime == before.mtime);
  BOOST_TEST(stat(kRoot).mtime == stat(file).ctime);
  REQUIRE_OK(volume->unlink(kRoot, "a"));
  BOOST_TEST(stat(file).links == 1u);
  BOOST_TEST(contents(file) == "contents");
  BOOST_TEST(volume->files() == 2u);
  REQUIRE_OK(volume->unlink(kRoot, "b"));
  BOOST_TEST(errno_of(volume->getattr(file)) == ENOENT);
  BOOST_TEST(volume->files() == 1u);
}

BOOST_AUTO_TEST_CASE(directories_cannot_be_linked) {
  const auto directory = make_directory("directory");
  BOOST_TEST(errno_of(volume->link(directory, kRoot, "other")) == EPERM);
}

BOOST_AUTO_TEST_CASE(a_file_has_at_most_65000_links) {
  const auto file = make_file("0");
  for (int i = 1; i < 65000; ++i) make_link(file, std::to_string(i));
  BOOST_TEST(stat(file).links == 65000u);
  BOOST_TEST(errno_of(volume->link(file, kRoot, "one more")) == EMLINK);
  REQUIRE_OK(volume->unlink(kRoot, "0"));
  make_link(file, "one more");
}

BOOST_AUTO_TEST_CASE(removing_a_file_leaves_nothing_of_it) {
  const auto file = make_file("file", "contents");
  REQUIRE_OK(volume->setxattr(file, "user.a", "1", 0));
  REQUIRE_OK(volume->setxattr(file, "user.b", "2", 0));
  BOOST_TEST(keys('X') == 2u);
  REQUIRE_OK(volume->unlink(kRoot, "file"));
  BOOST_TEST(keys('N') + keys('C') + keys('X') + keys('O') == 0u);
  BOOST_TEST(keys('I') == 1u);
  BOOST_TEST(lookup_errno("file") == ENOENT);
}

BOOST_AUTO_TEST_CASE(unlink_is_for_files_and_rmdir_for_directories) {
  make_file("file");
  make_directory("directory");
  BOOST_TEST(errno_of(volume->unlink(kRoot, "directory")) == EISDIR);
  BOOST_TEST(errno_of(volume->rmdir(kRoot, "file")) == ENOTDIR);
  BOOST_TEST(errno_of(volume->unlink(kRoot, "none")) == ENOENT);
  BOOST_TEST(errno_of(volume->rmdir(kRoot, "none")) == ENOENT);
  BOOST_TEST(names().size() == 2u);
}

BOOST_AUTO_TEST_CASE(only_empty_directories_can_be_removed) {
  const auto outer = make_directory("outer");
  const auto inner = make_directory("inner", outer);
  make_file("file", {}, inner);
  BOOST_TEST(errno_of(volume->rmdir(kRoot, "outer")) == ENOTEMPTY);
  BOOST_TEST(errno_of(volume->rmdir(outer, "inner")) == ENOTEMPTY);
  REQUIRE_OK(volume->unlink(inner, "file"));
  REQUIRE_OK(volume->setxattr(inner, "user.a", "1", 0));
  REQUIRE_OK(volume->rmdir(outer, "inner"));
  REQUIRE_OK(volume->rmdir(kRoot, "outer"));
  BOOST_TEST(keys('N') + keys('X') == 0u);
  BOOST_TEST(volume->files() == 1u);
}

BOOST_AUTO_TEST_CASE(a_directory_counts_its_subdirectories_as_links) {
  const auto outer = make_directory("outer");
  BOOST_TEST(stat(kRoot).links == 3u);
  make_directory("a", outer);
  make_directory("b", outer);
  make_file("c", {}, outer);
  BOOST_TEST(stat(outer).links == 4u);
  REQUIRE_OK(volume->rmdir(outer, "a"));
  BOOST_TEST(stat(outer).links == 3u);
  BOOST_TEST(stat(kRoot).links == 3u);
}

BOOST_AUTO_TEST_CASE(removing_a_name_touches_the_directory_and_the_inode) {
  const auto file = make_file("a");
  make_link(file, "b");
  const auto before = stat_before(kRoot);
  REQUIRE_OK(volume->unlink(kRoot, "b"));
  BOOST_TEST(stat(kRoot).mtime > before.mtime);
  BOOST_TEST(stat(kRoot).ctime == stat(kRoot).mtime);
  BOOST_TEST(stat(file).ctime == stat(kRoot).ctime);
}

BOOST_AUTO_TEST_CASE(set_group_id_directories_pass_on_their_group) {
  const auto directory = make_directory("directory");
  AttributeChanges changes;
  changes.mode = 02775;
  changes.gid = 555;
  REQUIRE_OK(volume->setattr(directory, changes));
  const auto file = unwrap(volume->mknod(directory, "file", S_IFREG | 0644, 0, kCaller));
  BOOST_TEST(file.gid == 555u);
  BOOST_TEST(file.mode == (S_IFREG | 0644u));
  const auto inner = unwrap(volume->mkdir(directory, "inner", 0755, kCaller));
  BOOST_TEST(inner.gid == 555u);
  BOOST_TEST(inner.mode == (S_IFDIR | S_ISGID | 0755u));
  BOOST_TEST(unwrap(volume->symlink(directory, "s", "t", kCaller)).gid == 555u);
}

BOOST_AUTO_TEST_CASE(symlinks_keep_their_target) {
  const std::string longest(4095, 't');
  const auto made = unwrap(volume->symlink(kRoot, "s", "../a b", kCaller));
  BOOST_TEST(made.mode == (S_IFLNK | 0777u));
  BOOST_TEST(made.size == 6u);
  const auto longer = unwrap(volume->symlink(kRoot, "l", longest, kCaller));
  reopen();
  BOOST_TEST(unwrap(volume->readlink(made.ino)) == "../a b");
  BOOST_TEST(unwrap(volume->readlink(longer.ino)) == longest);
  BOOST_TEST(stat(longer.ino).size == 4095u);
  BOOST_TEST(errno_of(volume->symlink(kRoot, "x", longest + "t", kCaller)) == ENAMETOOLONG);
  BOOST_TEST(errno_of(volume->symlink(kRoot, "x", "", kCaller)) == ENOENT);
  BOOST_TEST(errno_of(volume->readlink(kRoot)) == EINVAL);
  BOOST_TEST(errno_of(volume->readlink(make_file("file"))) == EINVAL);
}

BOOST_AUTO_TEST_CASE(inode_numbers_are_never_given_twice) {
  InodeNumber last = kRoot;
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 5; ++i) {
      const auto ino = make_file("file");
      BOOST_TEST(ino > last);
      last = ino;
      REQUIRE_OK(volume->unlink(kRoot, "file"));
    }
    if (round % 2 == 0) {
      reopen();
    } else {
      crash();
    }
  }
}

BOOST_AUTO_TEST_CASE(inode_numbers_stay_dense_over_clean_closes) {
  for (int i = 0; i < 5; ++i) {
    make_file(std::to_string(i));
    reopen();
  }
  BOOST_TEST(find("4").ino <= 10u);
}

BOOST_AUTO_TEST_CASE(more_files_than_one_range_of_numbers) {
  for (int i = 0; i < 10'000; ++i) make_file(std::to_string(i));
  BOOST_TEST(volume->files() == 10'001u);
  crash();
  BOOST_TEST(volume->files() == 10'001u);
  BOOST_TEST(names().size() == 10'000u);
}

BOOST_AUTO_TEST_CASE(a_damaged_entry_gives_eio_for_itself_alone) {
  make_file("good", "contents");
  make_file("bad");
  REQUIRE_OK(volume->store().put(Key(Table::kNames, kRoot, "bad"), "garbage"));
  BOOST_TEST(lookup_errno("bad") == EIO);
  BOOST_TEST(errno_of(volume->unlink(kRoot, "bad")) == EIO);
  BOOST_TEST(errno_of(volume->mkdir(kRoot, "bad", 0755, kCaller)) == EIO);
  BOOST_TEST(contents(find("good").ino) == "contents");
}

BOOST_AUTO_TEST_CASE(a_damaged_inode_gives_eio_for_itself_alone) {
  make_file("good", "contents");
  const auto bad = make_file("bad");
  REQUIRE_OK(volume->store().put(Key(Table::kInodes, bad), "garbage"));
  BOOST_TEST(lookup_errno("bad") == EIO);
  BOOST_TEST(errno_of(volume->getattr(bad)) == EIO);
  BOOST_TEST(errno_of(volume->unlink(kRoot, "bad")) == EIO);
  BOOST_TEST(names().size() == 2u);
  BOOST_TEST(contents(find("good").ino) == "contents");
}

BOOST_AUTO_TEST_CASE(an_entry_that_leads_nowhere_gives_eio) {
  const auto gone = make_file("gone");
  REQUIRE_OK(volume->store().erase(Key(Table::kInodes, gone)));
  BOOST_TEST(lookup_errno("gone") == EIO);
}

BOOST_AUTO_TEST_CASE(an_old_name_of_a_directory_that_damage_brought_back_is_an_error) {
  const auto a = make_directory("a");
  const auto b = make_directory("b", a);
  const auto old = encode(Dentry{a, S_IFDIR, kFirstCookie});
  REQUIRE_OK(volume->store().put(Key(Table::kNames, b, "a"), old));  // a circle
  BOOST_TEST(lookup_errno("a", b) == EIO);
  BOOST_TEST(errno_of(volume->resolve("/a/b/a")) == EIO);
  BOOST_TEST(errno_of(volume->rmdir(b, "a")) == EIO);
  BOOST_TEST(errno_of(volume->rename(b, "a", kRoot, "c", 0)) == EIO);
  BOOST_TEST(find("a").ino == a);
  BOOST_TEST(find("b", a).ino == b);
  NameCursor names(volume->store(), b);
  BOOST_TEST(!unwrap(names.peek())->dentry.has_value());
}

BOOST_AUTO_TEST_CASE(an_entry_that_leads_to_the_root_is_an_error) {
  // As encode() refuses to make it: version and type, inode, cookie.
  const std::string_view loop("\x14\x01\x10", 3);
  REQUIRE_OK(volume->store().put(Key(Table::kNames, kRoot, "loop"), loop));
  BOOST_TEST(lookup_errno("loop") == EIO);
  BOOST_TEST(errno_of(volume->resolve("/loop")) == EIO);
  NameCursor names(volume->store(), kRoot);
  BOOST_TEST(!unwrap(names.peek())->dentry.has_value());
}

BOOST_AUTO_TEST_CASE(so_is_an_old_name_in_the_directory_where_the_new_one_is) {
  const auto directory = make_directory("first");
  make_directory("other");
  // Each leaves behind, for damage to bring back, the name that it had.
  struct {
    const char *from, *to;
    unsigned flags;
  } const renames[] = {{"first", "second", 0},
                       {"second", "other", 0},
                       {"other", "third", 0},
                       {"third", "first", 0},
                       {"first", "file", 0}};
  for (const auto& [from, to, flags] : renames) {
    const Key key(Table::kNames, kRoot, from);
    const auto old = unwrap(volume->store().get(key));
    REQUIRE_OK(volume->rename(kRoot, from, kRoot, to, flags));
    REQUIRE_OK(volume->store().put(key, old));
    BOOST_TEST(lookup_errno(from) == EIO);
    BOOST_TEST(errno_of(volume->resolve("/" + std::string(from))) == EIO);
    BOOST_TEST(errno_of(volume->rmdir(kRoot, from)) == EIO);
    BOOST_TEST(errno_of(volume->rename(kRoot, from, kRoot, "c", 0)) == EIO);
    BOOST_TEST(find(to).ino == directory);
    REQUIRE_OK(volume->store().erase(key));
  }
  make_directory("one");
  make_directory("two", find("one").ino);
  REQUIRE_OK(volume->rename(kRoot, "file", find("one").ino, "two", RENAME_EXCHANGE));
  BOOST_TEST(find("two", find("one").ino).ino == directory);
  BOOST_TEST(unwrap(volume->resolve("/file")).ino != directory);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
