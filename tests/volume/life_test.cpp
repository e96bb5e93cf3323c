// SPDX-License-Identifier: MIT
// Inodes that are held when they lose their last name.
#include "fs/volume/keys.hpp"
#include "tests/volume/fixture.hpp"

namespace memoria::test {

BOOST_FIXTURE_TEST_SUITE(life, VolumeFixture)

BOOST_AUTO_TEST_CASE(an_unlinked_file_stays_while_somebody_holds_it) {
  const auto file = make_file("file", "before");
  REQUIRE_OK(volume->setxattr(file, "user.a", "1", 0));
  volume->hold(file);
  volume->hold(file);
  REQUIRE_OK(volume->unlink(kRoot, "file"));
  BOOST_TEST(names().empty());
  BOOST_TEST(keys('O') == 1u);
  BOOST_TEST(stat(file).links == 0u);
  volume->forget(file, 1);
  BOOST_TEST(contents(file) == "before");
  REQUIRE_OK(volume->write(file, 6, " and after", false));
  BOOST_TEST(contents(file) == "before and after");
  BOOST_TEST(unwrap(volume->getxattr(file, "user.a")) == "1");
  BOOST_TEST(volume->files() == 2u);
  volume->forget(file, 1);
  BOOST_TEST(errno_of(volume->getattr(file)) == ENOENT);
  BOOST_TEST(keys('O') + keys('C') + keys('X') == 0u);
  BOOST_TEST(volume->files() == 1u);
}

BOOST_AUTO_TEST_CASE(an_unlinked_held_file_is_an_orphan) {
  const auto made = unwrap(volume->mknod(kRoot, "file", S_IFREG | 0644, 0, kCaller));
  REQUIRE_OK(volume->write(made.ino, 0, "12345", false));
  REQUIRE_OK(volume->unlink(kRoot, "file"));
  BOOST_TEST(keys('O') == 1u);
  BOOST_TEST(stat(made.ino).links == 0u);
  BOOST_TEST(stat(made.ino).size == 5u);
  BOOST_TEST(stat(made.ino).ctime == stat(kRoot).ctime);
  BOOST_TEST(errno_of(volume->link(made.ino, kRoot, "again")) == ENOENT);
  volume->forget(made.ino, 1);
  BOOST_TEST(errno_of(volume->getattr(made.ino)) == ENOENT);
  BOOST_TEST(keys('C') + keys('O') == 0u);
}

BOOST_AUTO_TEST_CASE(a_file_that_nobody_holds_goes_with_its_last_name) {
  const auto file = make_file("file", "12345");
  REQUIRE_OK(volume->unlink(kRoot, "file"));
  BOOST_TEST(keys('C') + keys('O') == 0u);
  BOOST_TEST(errno_of(volume->getattr(file)) == ENOENT);
}

BOOST_AUTO_TEST_CASE(an_unlinked_symlink_can_be_read_while_somebody_holds_it) {
  const auto made = unwrap(volume->symlink(kRoot, "link", "target", kCaller));
  REQUIRE_OK(volume->unlink(kRoot, "link"));
  BOOST_TEST(unwrap(volume->readlink(made.ino)) == "target");
  volume->forget(made.ino, 1);
  BOOST_TEST(errno_of(volume->readlink(made.ino)) == ENOENT);
  BOOST_TEST(keys('C') + keys('O') == 0u);
}

BOOST_AUTO_TEST_CASE(a_removed_held_directory_is_remembered_and_takes_nothing_new) {
  const auto made = unwrap(volume->mkdir(kRoot, "directory", 0755, kCaller));
  REQUIRE_OK(volume->rmdir(kRoot, "directory"));
  BOOST_TEST(stat(made.ino).links == 0u);
  BOOST_TEST(errno_of(volume->mkdir(made.ino, "x", 0755, kCaller)) == ENOENT);
  BOOST_TEST(errno_of(volume->make_unnamed(made.ino, 0600, kCaller)) == ENOENT);
  BOOST_TEST(errno_of(volume->getxattr(made.ino, "user.note")) == ENODATA);
  BOOST_TEST(unwrap(volume->listxattr(made.ino)).empty());
  BOOST_TEST(errno_of(volume->setxattr(made.ino, "user.note", "x", 0)) == ENOENT);
  BOOST_TEST(errno_of(volume->list(made.ino, 0, [](const auto&) { return true; })) == ENOENT);
  make_file("file");
  BOOST_TEST(errno_of(volume->rename(kRoot, "file", made.ino, "x", 0)) == ENOENT);
  volume->forget(made.ino, 1);
  BOOST_TEST(errno_of(volume->getattr(made.ino)) == ENOENT);
  BOOST_TEST(errno_of(volume->listxattr(made.ino)) == ENOENT);
}

BOOST_AUTO_TEST_CASE(every_lookup_and_creation_holds_once) {
  const auto made = unwrap(volume->mknod(kRoot, "file", S_IFREG | 0644, 0, kCaller));
  unwrap(volume->lookup(kRoot, "file"));
  unwrap(volume->link(made.ino, kRoot, "other"));
  volume->hold(made.ino);
  REQUIRE_OK(volume->unlink(kRoot, "file"));
  REQUIRE_OK(volume->unlink(kRoot, "other"));
  volume->forget(made.ino, 3);
  BOOST_TEST(stat(made.ino).links == 0u);
  volume->forget(made.ino, 1);
  BOOST_TEST(errno_of(volume->getattr(made.ino)) == ENOENT);
}

BOOST_AUTO_TEST_CASE(a_failed_creation_holds_nothing) {
  const auto file = make_file("file");
  BOOST_TEST(errno_of(volume->mknod(kRoot, "file", S_IFREG | 0644, 0, kCaller)) == EEXIST);
  REQUIRE_OK(volume->unlink(kRoot, "file"));
  BOOST_TEST(errno_of(volume->getattr(file)) == ENOENT);
}

BOOST_AUTO_TEST_CASE(orphans_are_removed_at_the_next_open_after_a_crash) {
  const auto file = make_file("file", std::string(100'000, 'x'));
  REQUIRE_OK(volume->setxattr(file, "user.a", "1", 0));
  volume->hold(file);
  REQUIRE_OK(volume->unlink(kRoot, "file"));
  crash();
  BOOST_TEST(errno_of(volume->getattr(file)) == ENOENT);
  BOOST_TEST(keys('O') + keys('C') + keys('X') == 0u);
  BOOST_TEST(keys('I') == 1u);
  BOOST_TEST(volume->files() == 1u);
}

BOOST_AUTO_TEST_CASE(held_orphans_are_removed_at_close) {
  const auto file = make_file("file", "contents");
  volume->hold(file);
  REQUIRE_OK(volume->unlink(kRoot, "file"));
  reopen();
  BOOST_TEST(keys('O') + keys('C') == 0u);
  BOOST_TEST(volume->files() == 1u);
}

BOOST_AUTO_TEST_CASE(a_destroyed_volume_is_closed) {
  const auto file = make_file("file", "contents");
  volume->hold(file);
  REQUIRE_OK(volume->unlink(kRoot, "file"));
  volume.reset();
  open();
  BOOST_TEST(keys('O') + keys('C') == 0u);
}

BOOST_AUTO_TEST_CASE(an_orphan_record_of_a_named_file_costs_the_file_nothing) {
  const auto file = make_file("file", "contents");
  REQUIRE_OK(volume->store().put(Key(Table::kOrphans, file), ""));
  REQUIRE_OK(volume->store().put(Key(Table::kOrphans, 999), ""));
  reopen();
  BOOST_TEST(contents(find("file").ino) == "contents");
  BOOST_TEST(keys('O') == 0u);
}

BOOST_AUTO_TEST_CASE(forgetting_what_is_not_held_is_harmless) {
  const auto file = make_file("file", "contents");
  volume->forget(file, 1);
  volume->hold(file);
  volume->forget(file, 1);
  volume->forget(file, 1);
  BOOST_TEST(contents(file) == "contents");
}

BOOST_AUTO_TEST_CASE(an_unnamed_file_can_be_given_a_name) {
  const auto made = unwrap(volume->make_unnamed(kRoot, 0640, kCaller));
  BOOST_TEST(made.mode == (S_IFREG | 0640u));
  BOOST_TEST(made.links == 0u);
  BOOST_TEST(keys('O') == 1u);
  REQUIRE_OK(volume->write(made.ino, 0, "contents", false));
  BOOST_TEST(unwrap(volume->link(made.ino, kRoot, "named")).links == 1u);
  BOOST_TEST(keys('O') == 0u);
  volume->forget(made.ino, 2);
  BOOST_TEST(contents(find("named").ino) == "contents");
  BOOST_TEST(volume->files() == 2u);
}

BOOST_AUTO_TEST_CASE(an_unnamed_file_goes_when_it_is_forgotten) {
  const auto made = unwrap(volume->make_unnamed(kRoot, 0640, kCaller));
  REQUIRE_OK(volume->write(made.ino, 0, "contents", true));
  volume->forget(made.ino, 1);
  BOOST_TEST(errno_of(volume->getattr(made.ino)) == ENOENT);
  BOOST_TEST(keys('O') + keys('C') == 0u);
  BOOST_TEST(keys('I') == 1u);
  BOOST_TEST(volume->files() == 1u);
}

BOOST_AUTO_TEST_CASE(a_file_that_lost_its_names_cannot_be_linked_again) {
  const auto file = make_file("file");
  volume->hold(file);
  REQUIRE_OK(volume->unlink(kRoot, "file"));
  BOOST_TEST(errno_of(volume->link(file, kRoot, "again")) == ENOENT);
  volume->forget(file, 1);
  BOOST_TEST(names().empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
