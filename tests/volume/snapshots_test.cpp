// SPDX-License-Identifier: MIT
// Snapshots of a volume.
#include "tests/volume/fixture.hpp"

namespace memoria::test {
namespace {

struct SnapshotFixture : VolumeFixture {
  /// The volume as it was.
  VolumeUse open_snapshot(std::string_view name) {
    VolumeUse use;
    use.volume = unwrap(volume->open_snapshot(name));
    return use;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(snapshots, SnapshotFixture)

BOOST_AUTO_TEST_CASE(a_snapshot_shows_the_volume_as_it_was) {
  const auto directory = make_directory("directory");
  const auto file = make_file("file", "first", directory);
  REQUIRE_OK(volume->setxattr(file, "user.note", "then", 0));
  unwrap(volume->create_snapshot("s"));
  REQUIRE_OK(volume->write(file, 0, "second", false));
  REQUIRE_OK(volume->rename(directory, "file", kRoot, "moved", 0));
  REQUIRE_OK(volume->rmdir(kRoot, "directory"));
  make_file("new");

  auto then = open_snapshot("s");
  BOOST_TEST(then.names() == std::vector<std::string>{"directory"},
             boost::test_tools::per_element());
  BOOST_TEST(then.find("file", directory).ino == file);
  BOOST_TEST(then.contents(file) == "first");
  BOOST_TEST(unwrap(then.volume->getxattr(file, "user.note")) == "then");
  BOOST_TEST(then.volume->files() == 3u);
  BOOST_TEST(contents(file) == "second");
}

BOOST_AUTO_TEST_CASE(every_change_of_a_snapshot_is_refused) {
  const auto file = make_file("file", "contents");
  make_directory("directory");
  unwrap(volume->create_snapshot("s"));
  auto then = open_snapshot("s");
  auto& v = *then.volume;
  BOOST_TEST(errno_of(v.mknod(kRoot, "new", S_IFREG | 0644, 0, kCaller)) == EROFS);
  BOOST_TEST(errno_of(v.mkdir(kRoot, "new", 0755, kCaller)) == EROFS);
  BOOST_TEST(errno_of(v.unlink(kRoot, "file")) == EROFS);
  BOOST_TEST(errno_of(v.rmdir(kRoot, "directory")) == EROFS);
  BOOST_TEST(errno_of(v.rename(kRoot, "file", kRoot, "moved", 0)) == EROFS);
  BOOST_TEST(errno_of(v.write(file, 0, "x", false)) == EROFS);
  AttributeChanges cut;
  cut.size = 0;
  BOOST_TEST(errno_of(v.setattr(file, cut)) == EROFS);
  BOOST_TEST(errno_of(v.setxattr(file, "user.x", "x", 0)) == EROFS);
  BOOST_TEST(errno_of(v.create_snapshot("t")) == EROFS);
  BOOST_TEST(then.contents(file) == "contents");
}

BOOST_AUTO_TEST_CASE(a_file_that_had_no_name_then_stays_where_it_was) {
  const auto file = make_file("file", "contents");
  volume->hold(file);
  REQUIRE_OK(volume->unlink(kRoot, "file"));
  unwrap(volume->create_snapshot("s"));
  volume->forget(file, 1);
  {
    auto then = open_snapshot("s");
    BOOST_TEST(then.contents(file) == "contents");
    then.volume->hold(file);
    then.volume->forget(file, 1);
    BOOST_TEST(then.contents(file) == "contents");
  }
  BOOST_TEST(open_snapshot("s").contents(file) == "contents");
}

BOOST_AUTO_TEST_CASE(what_the_caches_have_goes_in_first_and_they_are_told) {
  std::vector<std::string> told;
  volume->set_caches(
      {.snapshot_changed =
           [&](std::string_view name) { told.push_back("changed " + std::string(name)); },
       .write_back = [&]() -> Status {
         told.emplace_back("write back");
         make_file("cached", "until now");
         return ok();
       }});
  unwrap(volume->create_snapshot("s"));
  BOOST_TEST(told == (std::vector<std::string>{"write back", "changed s"}),
             boost::test_tools::per_element());
  auto then = open_snapshot("s");
  BOOST_TEST(then.contents(then.find("cached").ino) == "until now");
  then.volume.reset();
  REQUIRE_OK(volume->remove_snapshot("s"));
  BOOST_TEST(told.back() == "changed s");
}

BOOST_AUTO_TEST_CASE(without_what_the_caches_have_there_is_no_snapshot) {
  volume->set_caches({.write_back = [] { return Status(Error(Errc::kIo, "disk on fire")); }});
  CHECK_FAILS(Errc::kIo, volume->create_snapshot("s"));
  BOOST_TEST(unwrap(volume->store().snapshots()).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
