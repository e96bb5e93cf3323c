// SPDX-License-Identifier: MIT
// `import` and `put` where there is no store yet.
#include <boost/filesystem/operations.hpp>
#include <iterator>

#include "core/store/store.hpp"
#include "tests/control/helpers.hpp"
#include "tests/control/pax.hpp"
#include "tests/support/check.hpp"

using namespace memoria;
using memoria::test::document;
using memoria::test::pax_archive;
using memoria::test::run_ctl;
using memoria::test::TemporaryDirectory;
namespace files = boost::filesystem;

namespace {

const std::string kArchive = pax_archive({{.path = "f", .contents = "text"}});

std::string made(const std::string& path) {
  return "memoria-ctl: made a new store in " + path + "\n";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(first_store)

BOOST_AUTO_TEST_CASE(a_store_begins_with_an_import_or_a_file) {
  const TemporaryDirectory place;
  const auto imported = place.path("imported"), again = place.path("again"),
             put = place.path("put/");
  for (const auto& path : {imported, again}) {
    const auto ran = run_ctl({"import", path}, kArchive);
    BOOST_TEST(ran.code == 0, ran.err);
    BOOST_TEST(ran.err == made(path));
    BOOST_TEST(run_ctl({"get", path, "/f"}).out == "text");
    const auto more = run_ctl({"import", path, "/new"}, kArchive);
    BOOST_TEST(more.code == 0, more.err);
    BOOST_TEST(more.err == "");
    BOOST_TEST(run_ctl({"verify", path}).code == 0);
  }
  const auto ran = run_ctl({"--json", "put", put, "/x"}, "text");
  BOOST_TEST(ran.code == 0, ran.err);
  BOOST_TEST(ran.err == made(place.path("put")));
  BOOST_TEST(document(ran)["path"] == "/x");
  BOOST_TEST(run_ctl({"get", put, "/x"}).out == "text");
  BOOST_TEST(files::status(put).permissions() == files::owner_all);  // as memoria-fs makes it
}

BOOST_AUTO_TEST_CASE(what_is_no_place_for_a_store_stays_as_it_is) {
  const TemporaryDirectory place;
  const auto full = place.path("full"), none = place.path("none");
  files::create_directory(full);
  test::write_whole_file(full + "/letter", "dear");
  for (const auto& ran : {run_ctl({"import", full}, kArchive), run_ctl({"put", full, "/x"}, "x")}) {
    BOOST_TEST(ran.code == 3);
    BOOST_TEST(ran.err.find(full + " holds no store: name a data directory") != std::string::npos,
               ran.err);
  }
  BOOST_TEST(std::distance(files::directory_iterator(full), {}) == 1);
  // It may be the mount point of a store that is not mounted just now.
  const auto empty = place.path("empty");
  files::create_directory(empty);
  for (const auto& ran :
       {run_ctl({"import", empty}, kArchive), run_ctl({"put", empty, "/x"}, "x")}) {
    BOOST_TEST(ran.code == 3);
    BOOST_TEST(ran.err.find(empty + " is empty") != std::string::npos, ran.err);
    BOOST_TEST(ran.err.find("If it is a mount point, mount its store first") != std::string::npos,
               ran.err);
  }
  BOOST_TEST(files::is_empty(empty));
  // What is wrong with the rest of the command is known before a directory is made.
  BOOST_TEST(run_ctl({"put", none}, "x").code == 2);
  BOOST_TEST(run_ctl({"put", none, "/x", place.path("no")}).code == 2);
  BOOST_TEST(run_ctl({"put", none, "/x", empty}).code == 2);
  BOOST_TEST(run_ctl({"import", none, "-i", place.path("no.tar")}).code == 2);
  BOOST_TEST(run_ctl({"import", none, "--from-bitcask", place.path("no")}).code == 2);
  BOOST_TEST(run_ctl({"put", none, "--key", "k"}, "x").code == 3);
  BOOST_TEST(run_ctl({"stats", none}).code == 3);
  BOOST_TEST(!files::exists(none));
  const auto deep = run_ctl({"import", none + "/below"}, kArchive);
  BOOST_TEST(deep.code == 3);
  BOOST_TEST(deep.err.find(none + "/below") != std::string::npos, deep.err);
}

BOOST_AUTO_TEST_CASE(a_first_import_that_failed_is_no_obstacle) {
  const TemporaryDirectory place;
  const auto damaged = place.path("damaged"), interrupted = place.path("interrupted"),
             plain = place.path("plain");
  const auto failed = run_ctl({"import", damaged}, "this is no archive");
  BOOST_TEST(failed.code == 6, failed.err);
  BOOST_TEST(failed.err.find("the standard input is no intact tar archive") != std::string::npos);
  test::Console console;
  console.in = kArchive;
  console.interrupted = true;
  BOOST_TEST(console.run({"import", interrupted}).code == 130);
  // Killed when there was a store, and no volume in it yet.
  REQUIRE_OK(test::open_plain_store(plain)->close());
  for (const auto& path : {damaged, interrupted, plain}) {
    const auto ran = run_ctl({"import", path}, kArchive);
    BOOST_TEST(ran.code == 0, ran.err);
    BOOST_TEST(run_ctl({"get", path, "/f"}).out == "text");
  }
}

BOOST_AUTO_TEST_SUITE_END()
