// SPDX-License-Identifier: MIT
// Where a foreign store is read from, on the real filesystem.
#include <sys/stat.h>

#include <algorithm>
#include <boost/filesystem/operations.hpp>

#include "core/foreign/source_directory.hpp"
#include "tests/support/check.hpp"
#include "tests/support/temporary_directory.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(foreign_source)

BOOST_AUTO_TEST_CASE(files_are_listed_and_read_in_parts) {
  const TemporaryDirectory place;
  write_whole_file(place.path("a"), "0123456789");
  write_whole_file(place.path("b"), "");
  const auto source = unwrap(foreign::open_source_directory(place.path()));
  BOOST_TEST(source->describe() == place.path());
  for (int times = 0; times < 2; ++times) {
    const auto names = unwrap(source->list());
    BOOST_TEST(std::count(names.begin(), names.end(), "a") == 1);
    BOOST_TEST(std::count(names.begin(), names.end(), "b") == 1);
  }
  const auto file = unwrap(source->open("a"));
  BOOST_TEST(unwrap(file->size()) == 10u);
  BOOST_TEST(S_ISREG(file->mode()));
  std::string buffer(4, '?');
  BOOST_TEST(unwrap(file->read(8, buffer)) == 2u);
  BOOST_TEST(buffer.substr(0, 2) == "89");
  BOOST_TEST(unwrap(file->read(100, buffer)) == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_no_regular_file_is_refused) {
  const TemporaryDirectory place;
  namespace bfs = boost::filesystem;
  write_whole_file(place.path("target"), "secret");
  bfs::create_symlink(place.path("target"), place.path("link"));
  bfs::create_symlink("nowhere", place.path("dangling"));
  bfs::create_directory(place.path("directory"));
  BOOST_REQUIRE(::mkfifo(place.path("fifo").c_str(), 0600) == 0);
  const auto source = unwrap(foreign::open_source_directory(place.path()));
  for (const auto* name : {"link", "dangling", "directory", "fifo"}) {
    CHECK_FAILS(Errc::kInvalidArgument, source->open(name));
  }
  CHECK_FAILS(Errc::kNotFound, source->open("nothing"));
  CHECK_FAILS(Errc::kNotFound, foreign::open_source_directory(place.path("nothing")));
  BOOST_TEST(!foreign::open_source_directory(place.path("target")).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
