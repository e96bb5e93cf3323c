// SPDX-License-Identifier: MIT
// What `export` takes and what it refuses, in process.
#include <boost/filesystem/operations.hpp>
#include <boost/test/data/test_case.hpp>

#include "tests/control/helpers.hpp"
#include "tests/control/pax.hpp"
#include "tests/support/check.hpp"

using namespace memoria;
using memoria::test::document;
using memoria::test::kBothWays;
using memoria::test::pax_entries;
using memoria::test::run_ctl;
using memoria::test::SampleStore;
using memoria::test::TemporaryDirectory;
namespace files = boost::filesystem;

namespace {

std::string names_in(const std::string& archive) {
  std::string out;
  for (const auto& entry : pax_entries(archive)) out += entry.path + " ";
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(exporting)

BOOST_DATA_TEST_CASE(a_directory_is_exported_by_its_path, kBothWays, served) {
  const SampleStore place(served);
  for (const std::string path : {"/directory", "directory", "/directory/"}) {
    const auto ran = run_ctl({"export", place.path(), path});
    BOOST_TEST(ran.code == 0, ran.err);
    BOOST_TEST(names_in(ran.out) == "./ inner ");
  }
  BOOST_TEST(names_in(run_ctl({"export", place.path(), "/"}).out) ==
             names_in(run_ctl({"export", place.path()}).out));
  BOOST_TEST(run_ctl({"snapshot", "create", place.path(), "kept"}).code == 0);
  BOOST_TEST(run_ctl({"rm", place.path(), "/directory/inner"}).code == 0);
  BOOST_TEST(names_in(run_ctl({"export", place.path(), "/directory", "--snapshot", "kept"}).out) ==
             "./ inner ");
  BOOST_TEST(names_in(run_ctl({"export", place.path(), "/directory"}).out) == "./ ");
}

BOOST_DATA_TEST_CASE(an_export_counts_as_an_import, kBothWays, served) {
  SampleStore place(served);
  place.with_volume([](Volume& volume) {
    const auto file = memoria::test::unwrap(volume.resolve("/hello"));
    volume.forget(memoria::test::unwrap(volume.link(file.ino, kRootInode, "same")).ino, 1);
  });
  const TemporaryDirectory elsewhere;
  const auto archive = elsewhere.path("a.tar");
  BOOST_TEST(document(run_ctl({"export", "--json", place.path(), "-o", archive}))["files"] == 6);
  const auto imported = run_ctl({"import", "--json", place.path(), "/new", "-i", archive});
  BOOST_TEST(document(imported)["files"] == 6);
}

BOOST_DATA_TEST_CASE(an_export_that_finds_no_space_says_so_and_leaves_nothing, kBothWays, served) {
  const SampleStore place(served);
  const TemporaryDirectory elsewhere;
  const auto contents = elsewhere.path("contents");
  memoria::test::write_whole_file(contents, std::string(100'000, 'x'));
  for (int i = 0; i < 30; ++i) {
    const auto path = "/file-" + std::to_string(i);
    BOOST_TEST(run_ctl({"put", place.path(), path, contents}).code == 0);
  }
  const auto ran = run_ctl({"export", place.path(), "-o", "/dev/full"});
  BOOST_TEST(ran.code == 7, ran.err);
  BOOST_TEST(ran.err.find("/dev/full") != std::string::npos, ran.err);
  BOOST_TEST(run_ctl({"snapshot", "list", place.path()}).out == "no snapshots\n");
}

BOOST_DATA_TEST_CASE(what_cannot_be_exported_is_named, kBothWays, served) {
  const SampleStore place(served);
  const auto said = [&](const Json& ran) { return ran["error"]["message"].get<std::string>(); };
  const TemporaryDirectory elsewhere;
  const auto to = elsewhere.path("e.tar");
  for (const std::string path : {"/nodir", "/hello/x"}) {
    const auto missing = run_ctl({"--json", "export", place.path(), path, "-o", to});
    BOOST_TEST(missing.code == 5);
    BOOST_TEST(said(document(missing)) ==
               "there is no directory " + path + " in the volume " + place.path());
    BOOST_TEST(missing.err == "memoria-ctl: export: " + said(document(missing)) + "\n");
  }
  const auto file = run_ctl({"--json", "export", place.path(), "/hello", "-o", to});
  BOOST_TEST(file.code == 2);
  BOOST_TEST(said(document(file)).starts_with("/hello is not a directory"));
  BOOST_TEST(files::is_empty(elsewhere.path()));

  const auto snapshot = run_ctl({"export", place.path(), "--snapshot", "nope"});
  BOOST_TEST(snapshot.code == 5);
  BOOST_TEST(snapshot.err.find("has no snapshot \"nope\"") != std::string::npos, snapshot.err);
  BOOST_TEST(run_ctl({"export", elsewhere.path("none"), "--snapshot", "nope"}).code == 3);
  BOOST_TEST(run_ctl({"export", place.path(), "-o", elsewhere.path("none/e.tar")}).code == 2);
}

BOOST_AUTO_TEST_SUITE_END()
