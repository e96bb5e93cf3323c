// SPDX-License-Identifier: MIT
// The environment of a real directory.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "core/io/environment.hpp"
#include "tests/support/check.hpp"
#include "tests/support/temporary_directory.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(local_directory)

struct Fixture {
  TemporaryDirectory directory;
  std::shared_ptr<Environment> environment = unwrap(open_directory(directory.path(), false));
};

Status write_parts(File& file, uint64_t offset, std::vector<std::string> parts) {
  std::vector<iovec> vectors;
  for (auto& part : parts) vectors.push_back({part.data(), part.size()});
  return file.write(offset, vectors);
}

BOOST_FIXTURE_TEST_CASE(what_root_makes_belongs_to_the_directorys_owner, Fixture) {
  constexpr uid_t kUser = 65534;
  constexpr gid_t kGroup = 65533;
  if (::geteuid() != 0) {
    BOOST_TEST_MESSAGE("NOT TESTED: only root can make what is somebody else's");
    return;
  }
  write_whole_file(directory.path("before"), "root's own");
  BOOST_REQUIRE(::chown(directory.path().c_str(), kUser, kGroup) == 0);
  environment = unwrap(open_directory(directory.path(), false));
  unwrap(environment->create("file"));
  REQUIRE_OK(environment->rename("file", "renamed"));
  REQUIRE_OK(environment->make_directory("sub"));
  unwrap(unwrap(environment->directory("sub"))->create("below"));
  unwrap(environment->lock(LockMode::kExclusive));
  for (const char* name : {"renamed", "sub", "sub/below", "lock"}) {
    struct stat st {};
    BOOST_REQUIRE(::lstat(directory.path(name).c_str(), &st) == 0);
    BOOST_TEST(st.st_uid == kUser, name);
    BOOST_TEST(st.st_gid == kGroup, name);
  }
  // What was there is given to nobody, whatever its name.
  REQUIRE_OK(environment->rename("before", "lock"));
  unwrap(environment->lock(LockMode::kShared));
  unwrap(environment->open("lock", Environment::Access::kWrite));
  struct stat st {};
  BOOST_REQUIRE(::lstat(directory.path("lock").c_str(), &st) == 0);
  BOOST_TEST(st.st_uid == 0u);
}

BOOST_FIXTURE_TEST_CASE(what_is_written_is_read_and_is_in_the_file, Fixture) {
  const auto file = unwrap(environment->create("a"));
  REQUIRE_OK(write_parts(*file, 3, {"abc", "", "defg"}));
  REQUIRE_OK(file->sync());
  std::string out(20, '\xee');
  BOOST_TEST(unwrap(file->read(0, std::span(out))) == 10u);
  BOOST_TEST(out.substr(0, 10) == std::string("\0\0\0abcdefg", 10));
  BOOST_TEST(unwrap(file->read(100, std::span(out))) == 0u);
  BOOST_TEST(unwrap(file->size()) == 10u);
  REQUIRE_OK(file->truncate(4));
  BOOST_TEST(read_whole_file(directory.path("a")) == std::string("\0\0\0a", 4));
}

BOOST_FIXTURE_TEST_CASE(more_parts_than_the_kernel_takes_at_once_are_all_written, Fixture) {
  const auto file = unwrap(environment->create("a"));
  std::vector<std::string> parts;
  std::string expected;
  for (int i = 0; i < 3000; ++i) parts.push_back(std::to_string(i) + ",");
  for (const auto& part : parts) expected += part;
  REQUIRE_OK(write_parts(*file, 0, parts));
  BOOST_TEST((read_whole_file(directory.path("a")) == expected));
}

BOOST_FIXTURE_TEST_CASE(names_can_be_listed_renamed_linked_and_removed, Fixture) {
  unwrap(environment->create("a"));
  unwrap(environment->create("b"));
  CHECK_FAILS(Errc::kExists, environment->create("a"));
  REQUIRE_OK(environment->make_directory("snapshots"));
  REQUIRE_OK(environment->make_directory("snapshots"));
  REQUIRE_OK(environment->make_directory("snapshots/one"));
  REQUIRE_OK(environment->link("a", "snapshots/one/a"));
  REQUIRE_OK(environment->rename("a", "b"));
  auto names = unwrap(environment->list());
  std::sort(names.begin(), names.end());
  BOOST_TEST((names == std::vector<std::string>{"b", "snapshots"}));
  unwrap(environment->open("snapshots/one/a", Environment::Access::kRead));
  REQUIRE_OK(environment->remove("b"));
  CHECK_FAILS(Errc::kNotFound, environment->remove("b"));
  CHECK_FAILS(Errc::kNotFound, environment->open("b", Environment::Access::kRead));
  REQUIRE_OK(environment->sync_directory());
}

BOOST_FIXTURE_TEST_CASE(a_renamed_directory_goes_on_working, Fixture) {
  const auto moved = directory.path() + "-moved";
  BOOST_REQUIRE(std::rename(directory.path().c_str(), moved.c_str()) == 0);
  unwrap(environment->create("a"));
  BOOST_TEST(unwrap(environment->list()).size() == 1u);
  BOOST_REQUIRE(std::rename(moved.c_str(), directory.path().c_str()) == 0);
}

BOOST_FIXTURE_TEST_CASE(a_symbolic_link_is_not_followed, Fixture) {
  write_whole_file(directory.path("target"), "x");
  BOOST_REQUIRE(symlink("target", directory.path("link").c_str()) == 0);
  BOOST_TEST(!environment->open("link", Environment::Access::kRead).has_value());
}

BOOST_FIXTURE_TEST_CASE(files_are_private_to_their_owner, Fixture) {
  unwrap(environment->create("a"));
  struct stat st {};
  BOOST_REQUIRE(stat(directory.path("a").c_str(), &st) == 0);
  BOOST_TEST((st.st_mode & 077) == 0u);
}

BOOST_AUTO_TEST_CASE(a_missing_directory_is_named_or_made) {
  const TemporaryDirectory directory;
  const auto path = directory.path("new");
  const auto missing = open_directory(path, false);
  CHECK_FAILS(Errc::kNotFound, missing);
  if (!missing) BOOST_TEST(missing.error().message.find(path) != std::string::npos);
  const auto made = unwrap(open_directory(path, true));
  BOOST_TEST(made->describe() == path);
  struct stat st {};
  BOOST_REQUIRE(stat(path.c_str(), &st) == 0);
  BOOST_TEST((st.st_mode & 0777) == 0700u);
  unwrap(open_directory(path, true));
}

BOOST_AUTO_TEST_CASE(a_file_in_place_of_the_directory_is_an_error_that_names_it) {
  const TemporaryDirectory directory;
  const auto path = directory.path("file");
  write_whole_file(path, "x");
  for (const bool create_missing : {false, true}) {
    const auto opened = open_directory(path, create_missing);
    BOOST_REQUIRE(!opened.has_value());
    BOOST_TEST(opened.error().message.find(path) != std::string::npos);
  }
}

BOOST_FIXTURE_TEST_CASE(space_and_time_are_those_of_the_system, Fixture) {
  const auto space = unwrap(environment->space());
  BOOST_TEST(space.total_bytes >= space.free_bytes);
  BOOST_TEST(space.free_bytes > 0u);
  BOOST_TEST(environment->now_ns() > 1'600'000'000'000'000'000u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
