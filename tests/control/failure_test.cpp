// SPDX-License-Identifier: MIT
// What memoria-ctl says when it fails: what happened, to which thing, and what to do next.
#include <boost/test/data/test_case.hpp>

#include "tests/control/helpers.hpp"
#include "tests/support/check.hpp"

using namespace memoria;
using memoria::test::document;
using memoria::test::kBothWays;
using memoria::test::run_ctl;
using memoria::test::SampleStore;

namespace {

Json error_of(const std::vector<std::string>& arguments) {
  auto all = arguments;
  all.insert(all.begin(), "--json");
  return document(run_ctl(all))["error"];
}

}  // namespace

BOOST_AUTO_TEST_SUITE(failure)

BOOST_DATA_TEST_CASE(error_in_json_names_the_thing, kBothWays, served) {
  const SampleStore place(served);
  BOOST_TEST(error_of({"put", place.path(), "/directory"})["path"] == "/directory");
  BOOST_TEST(error_of({"ls", place.path(), "/nope"})["path"] == "/nope");
  BOOST_TEST(error_of({"rm", place.path(), "/n\xff"})["path_hex"] == "2f6eff");
  BOOST_TEST(error_of({"locate", place.path(), "--key", "nope"})["key"] == "nope");
  BOOST_TEST(error_of({"snapshot", "delete", place.path(), "nope"})["snapshot"] == "nope");
  BOOST_TEST(error_of({"snapshot", "rollback", place.path(), "nope"})["snapshot"] == "nope");
  BOOST_TEST(error_of({"import", place.path(), "/nope/x", "-i", "/dev/null"})["path"] == "/nope/x");
  const auto target = error_of({"ls", place.path() + "/missing", "/x"});
  BOOST_TEST(!target.contains("path"));  // it is the target that is not there
}

BOOST_DATA_TEST_CASE(interrupted_copy_says_how_it_goes_on, kBothWays, served) {
  const SampleStore place(served);
  const test::TemporaryDirectory elsewhere;
  const auto copy = elsewhere.path("copy"), again = elsewhere.path("again");
  // What is told by the first run that is stopped while it copies.
  const auto told = [](const std::vector<std::string>& arguments) -> std::string {
    test::Console console;
    // The first question is whether to begin, and the next ones come with the first segment.
    for (int question = 1; question < 20; ++question) {
      console.interrupted = false;
      console.interrupted_at = question;
      const auto ran = console.run(arguments);
      if (ran.err.find("stopped on request") == std::string::npos) continue;
      BOOST_TEST(ran.code == 130);
      return ran.err;
    }
    return "it was not stopped";
  };
  const std::string goes_on = ", and the next run goes on from here\n";
  BOOST_TEST(told({"backup", place.path(), copy}) == "memoria-ctl: backup: stopped on request; " +
                                                         copy + " is no complete backup yet" +
                                                         goes_on);
  BOOST_TEST(run_ctl({"backup", place.path(), copy}).code == 0);
  BOOST_TEST(run_ctl({"put", place.path(), "/hello"}, "changed").code == 0);
  BOOST_TEST(told({"backup", place.path(), copy}) ==
             "memoria-ctl: backup: stopped on request; what " + copy + " held before is untouched" +
                 goes_on);
  BOOST_TEST(told({"restore", copy, again}) == "memoria-ctl: restore: stopped on request; " +
                                                   again + " is no complete store yet" + goes_on);
}

BOOST_DATA_TEST_CASE(restore_of_a_store_in_use_says_what_copies_it, kBothWays, served) {
  const SampleStore place(served);
  const test::TemporaryDirectory elsewhere;
  const auto ran = run_ctl({"restore", place.path(), elsewhere.path("new")});
  BOOST_TEST(ran.code == 3);
  BOOST_TEST(ran.err == "memoria-ctl: restore: " + place.path() +
                            " is a store to be used and can change, neither a backup nor a "
                            "snapshot: `memoria-ctl backup " +
                            place.path() + " DEST` copies it\n");
}

BOOST_AUTO_TEST_CASE(rollbacks_in_one_second_keep_the_present_under_names_of_their_own) {
  const SampleStore place(false);
  BOOST_TEST(run_ctl({"snapshot", "create", place.path(), "then"}).code == 0);
  std::set<std::string> kept;
  for (int round = 0; round < 5; ++round) {
    const auto ran = run_ctl({"--json", "snapshot", "rollback", place.path(), "then"});
    BOOST_REQUIRE(ran.code == 0);
    kept.insert(document(ran)["kept"].get<std::string>());
  }
  BOOST_TEST(kept.size() == 5u);
  for (const auto& name : kept) BOOST_TEST(name.starts_with("before-rollback-20"), name);
}

BOOST_AUTO_TEST_CASE(name_that_is_taken_is_told_with_the_way_out) {
  const SampleStore place(false);
  BOOST_TEST(run_ctl({"snapshot", "create", place.path(), "then"}).code == 0);
  const auto ran = run_ctl({"snapshot", "rollback", place.path(), "then", "--keep", "then"});
  BOOST_TEST(ran.code == 8);
  BOOST_TEST(
      ran.err ==
      "memoria-ctl: snapshot rollback then: there is a snapshot \"then\" already: --keep the "
      "present under another name\n");
}

BOOST_AUTO_TEST_CASE(what_is_only_read_says_why_and_what_to_do) {
  const SampleStore place(false);
  const test::TemporaryDirectory elsewhere;
  const auto copy = elsewhere.path("copy");
  BOOST_TEST(run_ctl({"snapshot", "create", place.path(), "then"}).code == 0);
  BOOST_TEST(run_ctl({"backup", place.path(), copy}).code == 0);
  const std::vector<std::vector<std::string>> changing{{"put", "/x"},
                                                       {"rm", "/hello"},
                                                       {"merge"},
                                                       {"snapshot", "create", "x"},
                                                       {"hints", "rebuild"},
                                                       {"import", "/x", "-i", "/dev/null"}};
  for (const auto& command : changing) {
    for (const bool backup : {true, false}) {
      auto arguments = command;
      const auto target = backup ? copy : place.path() + "/snapshots/then";
      const bool two_words = command[0] == "snapshot" || command[0] == "hints";
      arguments.insert(arguments.begin() + (two_words ? 2 : 1), target);
      const auto ran = run_ctl(arguments);
      BOOST_TEST(ran.code == 8, command[0] << ": " << ran.err);
      const auto told = backup ? copy +
                                     " is a backup, which only the next backup changes; "
                                     "`memoria-ctl restore " +
                                     copy + " NEWDIR` makes a store to go on with\n"
                               : target +
                                     " is a snapshot, which never changes; change the store "
                                     "that it is of, " +
                                     place.path() + "\n";
      BOOST_TEST(ran.err.ends_with(": " + told), ran.err);
    }
  }
  for (const char* command : {"delete", "rollback"}) {
    const auto ran = run_ctl({"snapshot", command, copy, "then"});
    BOOST_TEST(ran.code == 8, ran.err);
    BOOST_TEST(ran.err.find("is a backup") != std::string::npos, ran.err);
  }
}

BOOST_AUTO_TEST_CASE(history_calls_nothing_the_present_that_is_not) {
  const SampleStore place(false);
  const test::TemporaryDirectory elsewhere;
  const auto copy = elsewhere.path("copy");
  BOOST_TEST(run_ctl({"snapshot", "create", place.path(), "then"}).code == 0);
  BOOST_TEST(run_ctl({"backup", place.path(), copy}).code == 0);
  const auto then = run_ctl({"history", place.path() + "/snapshots/then", "/hello"}).out;
  BOOST_TEST(then.find("then") != std::string::npos, then);
  BOOST_TEST(then.find("present") == std::string::npos, then);
  const auto backup = run_ctl({"history", copy, "/hello"}).out;
  BOOST_TEST(backup.find("the backup") != std::string::npos, backup);
  BOOST_TEST(backup.find("present") == std::string::npos, backup);
  const auto json = document(run_ctl({"--json", "history", copy, "/hello"}));
  BOOST_TEST(json["versions"][1]["snapshot"].is_null());
  BOOST_TEST(json["versions"][1]["backup"] == true);
  BOOST_TEST(json["versions"][1]["created"].is_string());
}

BOOST_AUTO_TEST_SUITE_END()
