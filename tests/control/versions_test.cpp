// SPDX-License-Identifier: MIT
// `snapshot diff`, `history` and `snapshot rollback`, on a store that is served and on one that is
// not.
#include <boost/test/data/test_case.hpp>

#include "tests/control/helpers.hpp"
#include "tests/support/check.hpp"

using namespace memoria;
using memoria::test::document;
using memoria::test::kBothWays;
using memoria::test::run_ctl;
using memoria::test::SampleStore;

namespace {

void take(const SampleStore& place, const std::string& name) {
  BOOST_REQUIRE(run_ctl({"snapshot", "create", place.path(), name}).code == 0);
}

void put(const SampleStore& place, const std::string& path, const std::string& contents) {
  BOOST_REQUIRE(run_ctl({"put", place.path(), path}, contents).code == 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(versions)

BOOST_DATA_TEST_CASE(diff_tells_what_changed, kBothWays, served) {
  SampleStore place(served);
  take(place, "one");
  BOOST_TEST(run_ctl({"snapshot", "diff", place.path(), "one"}).out == "no differences\n");
  put(place, "/hello", "hello, moon!");
  put(place, "/new", "x");
  BOOST_TEST(run_ctl({"rm", place.path(), "/empty"}).code == 0);
  place.with_volume([](Volume& volume) {
    REQUIRE_OK(volume.rename(kRootInode, "link", kRootInode, "renamed", 0));
  });
  const auto ran = run_ctl({"snapshot", "diff", place.path(), "one"});
  BOOST_TEST(ran.code == 0);
  BOOST_TEST(ran.err == "");
  BOOST_TEST(ran.out ==
             "removed  /empty\nchanged  /hello (contents)\nadded    /new\n"
             "renamed  /link -> /renamed\n");
  take(place, "two");
  put(place, "/later", "x");
  const auto json = document(run_ctl({"snapshot", "diff", "--json", place.path(), "one", "two"}));
  BOOST_TEST(json["changes"].size() == 4u);
  BOOST_TEST(json["changes"][3]["change"] == "renamed");
  BOOST_TEST(json["changes"][3]["old_path"] == "/link");
  BOOST_TEST(json["changes"][3]["type"] == "symlink");
  for (const auto* word : {"added", "removed", "changed", "renamed"}) BOOST_TEST(json[word] == 1);
  BOOST_TEST(json["after"] == "two");
  // Backwards it is the other way round.
  const auto back = document(run_ctl({"snapshot", "diff", "--json", place.path(), "two", "one"}));
  BOOST_TEST(back["changes"].size() == 4u);
  BOOST_TEST(run_ctl({"snapshot", "diff", place.path(), "two"}).out == "added    /later\n");
}

BOOST_DATA_TEST_CASE(diff_of_what_is_not_there_is_told, kBothWays, served) {
  const SampleStore place(served);
  take(place, "one");
  for (const auto& names : {std::vector<std::string>{"none"}, {"one", "none"}}) {
    std::vector<std::string> arguments{"snapshot", "diff", place.path()};
    arguments.insert(arguments.end(), names.begin(), names.end());
    const auto ran = run_ctl(arguments);
    BOOST_TEST(ran.code == 5);
    BOOST_TEST(ran.err.find("there is no snapshot \"none\"") != std::string::npos, ran.err);
  }
  BOOST_TEST(run_ctl({"snapshot", "diff", place.path()}).code == 2);
}

BOOST_DATA_TEST_CASE(history_lists_the_versions_of_a_file, kBothWays, served) {
  const SampleStore place(served);
  take(place, "first");
  take(place, "second");
  put(place, "/hello", "changed");
  take(place, "third");
  BOOST_TEST(run_ctl({"rm", place.path(), "/hello"}).code == 0);
  const auto json = document(run_ctl({"history", "--json", place.path(), "/hello"}));
  const auto& versions = json["versions"];
  BOOST_REQUIRE(versions.size() == 4u);
  BOOST_TEST(versions[0]["snapshot"] == "first");
  BOOST_TEST(versions[0]["size"] == 12);
  BOOST_TEST(versions[0]["differs"] == true);
  BOOST_TEST(versions[1]["differs"] == false);
  BOOST_TEST(versions[2]["differs"] == true);
  BOOST_TEST(versions[2]["contents"] == true);
  BOOST_TEST(versions[2]["size"] == 7);
  BOOST_TEST(versions[3]["snapshot"].is_null());
  BOOST_TEST(versions[3]["exists"] == false);
  BOOST_TEST(versions[3]["differs"] == true);
  const auto human = run_ctl({"history", place.path(), "/hello"});
  BOOST_TEST(human.code == 0);
  for (const auto* word : {"first", "the same", "contents", "removed", "the present"}) {
    BOOST_TEST(human.out.find(word) != std::string::npos, word);
  }
  BOOST_TEST(run_ctl({"history", place.path(), "/never/there"}).code == 5);
  BOOST_TEST(run_ctl({"history", place.path()}).code == 2);
}

BOOST_DATA_TEST_CASE(a_damaged_snapshot_has_no_date_that_nobody_knows, kBothWays, served) {
  SampleStore place(served);
  take(place, "then");
  test::write_whole_file(place.path() + "/snapshots/then/manifest", "no manifest");
  const auto listed =
      document(run_ctl({"--json", "snapshot", "list", place.path()}))["snapshots"][0];
  BOOST_TEST(listed["damaged"] == true);
  BOOST_TEST(!listed.contains("created"), listed.dump());
  const auto table = run_ctl({"snapshot", "list", place.path()}).out;
  BOOST_TEST(table.find("damaged") != std::string::npos, table);
  BOOST_TEST(table.find("1970") == std::string::npos, table);
  const auto history = run_ctl({"history", place.path(), "/hello"}).out;
  BOOST_TEST(history.find("1970") == std::string::npos, history);
}

BOOST_AUTO_TEST_CASE(rollback_makes_the_present_what_the_snapshot_is) {
  SampleStore place(false);
  take(place, "then");
  put(place, "/hello", "changed");
  put(place, "/new", "x");
  const auto ran = run_ctl({"snapshot", "rollback", place.path(), "then", "--keep", "now"});
  BOOST_TEST(ran.code == 0);
  BOOST_TEST(ran.out == "the present is now what then is; what it was is the snapshot now\n");
  BOOST_TEST(run_ctl({"get", place.path(), "/hello"}).out == "hello, world");
  BOOST_TEST(run_ctl({"get", place.path(), "/new"}).code == 5);
  BOOST_TEST(run_ctl({"verify", place.path()}).code == 0);
  BOOST_TEST(run_ctl({"snapshot", "diff", place.path(), "then"}).out == "no differences\n");
  BOOST_TEST(run_ctl({"snapshot", "diff", place.path(), "then", "now"}).out ==
             "changed  /hello (contents)\nadded    /new\n");
  const auto json = document(run_ctl({"snapshot", "rollback", "--json", place.path(), "now"}));
  BOOST_TEST(json["name"] == "now");
  BOOST_TEST(json["kept"].get<std::string>().starts_with("before-rollback-20"));
  BOOST_TEST(run_ctl({"get", place.path(), "/hello"}).out == "changed");
  BOOST_TEST(run_ctl({"snapshot", "rollback", place.path(), "then", "--discard"}).code == 0);
  BOOST_TEST(document(run_ctl({"snapshot", "list", "--json", place.path()}))["count"] == 3);
}

BOOST_AUTO_TEST_CASE(rollback_that_cannot_be_changes_nothing) {
  SampleStore place(false);
  take(place, "then");
  put(place, "/new", "x");
  const auto missing = run_ctl({"snapshot", "rollback", place.path(), "none"});
  BOOST_TEST(missing.code == 5);
  BOOST_TEST(run_ctl({"snapshot", "rollback", place.path(), "then", "--keep", "then"}).code == 8);
  BOOST_TEST(run_ctl({"snapshot", "rollback", place.path(), "then", "--keep", ".x"}).code == 2);
  BOOST_TEST(
      run_ctl({"snapshot", "rollback", place.path(), "then", "--keep", "x", "--discard"}).code ==
      2);
  BOOST_TEST(run_ctl({"get", place.path(), "/new"}).out == "x");
  BOOST_TEST(document(run_ctl({"snapshot", "list", "--json", place.path()}))["count"] == 1);
}

BOOST_AUTO_TEST_CASE(a_store_in_use_refuses_a_rollback) {
  SampleStore place(true);
  take(place, "then");
  put(place, "/new", "x");
  const auto ran = run_ctl({"snapshot", "rollback", place.path(), "then"});
  BOOST_TEST(ran.code == 8);
  BOOST_TEST(ran.err.find("unmount it") != std::string::npos, ran.err);
  BOOST_TEST(run_ctl({"get", place.path(), "/new"}).out == "x");
}

BOOST_AUTO_TEST_SUITE_END()
