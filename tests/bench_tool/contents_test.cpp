// SPDX-License-Identifier: MIT
#include "tools/bench/directories/contents.hpp"

#include <fcntl.h>

#include <set>

#include "tests/support/check.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tools/bench/directories/fresh_directory.hpp"
#include "tools/bench/directories/open_file.hpp"
#include "tools/bench/directories/timing.hpp"
#include "tools/bench/directories/unpacked_tree.hpp"

using namespace memoria;
using namespace memoria::bench;
using memoria::test::unwrap;

BOOST_AUTO_TEST_SUITE(contents)

BOOST_AUTO_TEST_CASE(pieces_depend_on_seed_and_number_only) {
  const Contents one(4096), same(4096), other(4096, 7);
  BOOST_TEST(one.piece(3, 4096) == same.piece(3, 4096));
  BOOST_TEST(one.piece(3, 4096) != other.piece(3, 4096));
  std::set<std::string_view> different;
  for (uint64_t i = 0; i < 1000; ++i) different.insert(one.piece(i, 100));
  BOOST_TEST(different.size() > 990u);
}

BOOST_AUTO_TEST_CASE(wrong_byte_is_told_with_its_place) {
  REQUIRE_OK(expect_bytes("abc", "abc", "f"));
  for (const auto& [read, message] :
       std::vector<std::pair<std::string, std::string>>{{"abX", "f: the byte at 12 is wrong"},
                                                        {"ab", "f: ends at 12 instead of 13"},
                                                        {"abcd", "f: goes on behind 13"}}) {
    const auto status = expect_bytes(read, "abc", "f", 10);
    CHECK_FAILS(Errc::kCorrupt, status);
    BOOST_TEST(status.error().message == message);
  }
}

BOOST_AUTO_TEST_CASE(reading_a_tree_notices_a_changed_byte_and_a_changed_name) {
  const test::TemporaryDirectory directory;
  REQUIRE_OK(make_directory(directory.path("in")));
  test::write_whole_file(directory.path("in/a"), "hello");
  test::write_whole_file(directory.path("b"), "world");
  const auto first = unwrap(read_tree(directory.path()));
  BOOST_TEST(first.files == 2u);
  BOOST_TEST(first.bytes == 10u);
  BOOST_TEST((unwrap(read_tree(directory.path())) == first));
  test::write_whole_file(directory.path("b"), "worle");
  BOOST_TEST((unwrap(read_tree(directory.path())) != first));
}

BOOST_AUTO_TEST_CASE(errors_name_the_path_and_the_reason) {
  const auto missing = OpenFile::open("/nonexistent/file", O_RDONLY);
  CHECK_FAILS(Errc::kNotFound, missing);
  BOOST_TEST(missing.error().message == "open /nonexistent/file: No such file or directory");
}

BOOST_AUTO_TEST_CASE(fresh_directory_is_removed_also_after_an_error) {
  const test::TemporaryDirectory directory;
  std::string used;
  const auto work = [&](const std::string& fresh) -> Result<Figures> {
    used = fresh;
    test::write_whole_file(fresh + "/file", "x");
    return Error(Errc::kCorrupt, "seen");
  };
  CHECK_FAILS(Errc::kCorrupt, run_in_fresh_directory(directory.path(), work));
  BOOST_TEST(used.starts_with(directory.path()));
  CHECK_FAILS(Errc::kNotFound, OpenFile::open(used, O_RDONLY));
}

BOOST_AUTO_TEST_CASE(error_of_any_thread_is_returned) {
  REQUIRE_OK(seconds_of_threads(4, [](unsigned) { return ok(); }));
  const auto third = [](unsigned thread) -> Status {
    if (thread == 2) return Error(Errc::kIo, "third");
    return ok();
  };
  CHECK_FAILS(Errc::kIo, seconds_of_threads(4, third));
}

BOOST_AUTO_TEST_SUITE_END()
