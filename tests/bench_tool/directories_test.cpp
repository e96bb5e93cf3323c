// SPDX-License-Identifier: MIT
// memoria-bench in process, on two plain directories.
#include <boost/filesystem/operations.hpp>
#include <nlohmann/json.hpp>

#include "tests/bench_tool/helpers.hpp"
#include "tests/support/check.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tools/bench/directories/program.hpp"

using namespace memoria;
using memoria::test::run_bench;

namespace {

/// Two empty directories and a small tar file.
struct Arena {
  test::TemporaryDirectory directory;

  Arena() {
    for (const char* name : {"one", "two", "tree", "tree/inner"}) {
      boost::filesystem::create_directory(directory.path(name));
    }
    for (int i = 0; i < 20; ++i) {
      test::write_whole_file(directory.path("tree/inner/" + std::to_string(i)),
                             std::string(size_t(i) * 1000, char('a' + i)));
    }
    REQUIRE_OK(bench::run_program({"tar", "-cf", "tree.tar", "tree"}, directory.path()));
  }

  std::vector<std::string> arguments(const std::vector<std::string>& more) const {
    std::vector<std::string> all = {"--quick", "--dir", "one=" + directory.path("one"), "--dir",
                                    "two=" + directory.path("two")};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  bool is_clean() const {
    return boost::filesystem::is_empty(directory.path("one")) &&
           boost::filesystem::is_empty(directory.path("two"));
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(directories)

BOOST_AUTO_TEST_CASE(every_group_runs_and_gives_positive_figures) {
  const Arena arena;
  const auto json = arena.directory.path("out.json"), svg = arena.directory.path("out.svg");
  const auto ran =
      run_bench(arena.arguments({"--tar", arena.directory.path("tree.tar"), "--cold", "one=true",
                                 "--cold", "two=true", "--json", json, "--svg", svg}));
  BOOST_TEST_REQUIRE(ran.code == 0, ran.err);
  BOOST_TEST(ran.err.find("round 1 of 1: small: 1 KiB, 1 thread, two\n") != std::string::npos);
  BOOST_TEST(ran.out.find("git status") != std::string::npos);
  BOOST_TEST(test::read_whole_file(svg).ends_with("</svg>\n"));
  const auto document = nlohmann::json::parse(test::read_whole_file(json));
  BOOST_TEST(document["contests"].size() == 11u);
  for (const auto& contest : document["contests"]) {
    BOOST_TEST(contest["rows"].size() > 0u);
    for (const auto& row : contest["rows"]) {
      for (const char* name : {"one", "two"}) {
        const auto samples = row["results"][name]["samples"].get<std::vector<double>>();
        BOOST_TEST(samples.size() == 1u);
        BOOST_TEST(samples.at(0) > 0, row.dump());
      }
    }
  }
  BOOST_TEST(arena.is_clean());
}

BOOST_AUTO_TEST_CASE(chosen_groups_and_rounds_only) {
  const Arena arena;
  const auto ran = run_bench(arena.arguments({"--groups", "append", "--rounds", "2"}));
  BOOST_TEST(ran.code == 0);
  BOOST_TEST(ran.err ==
             "round 1 of 2: append, one\nround 1 of 2: append, two\n"
             "round 2 of 2: append, one\nround 2 of 2: append, two\n");
}

BOOST_AUTO_TEST_CASE(failed_run_ends_with_one_and_still_reports_what_was_finished) {
  const Arena arena;
  const auto ran = run_bench(
      arena.arguments({"--groups", "append,cold", "--tar", arena.directory.path("tree.tar"),
                       "--cold", "one=echo no power >&2; exit 1"}));
  BOOST_TEST(ran.code == 1);
  BOOST_TEST(ran.out.find("read it whole") != std::string::npos);
  BOOST_TEST(ran.err.find("cold: the tree read again, one: ") != std::string::npos);
  BOOST_TEST(ran.err.find("no power") != std::string::npos);
  BOOST_TEST(arena.is_clean());
}

BOOST_AUTO_TEST_CASE(cold_reading_that_differs_is_an_error) {
  const Arena arena;
  const auto damage =
      "for f in " + arena.directory.path("one") + "/*/tree/tree/inner/3; do echo >>\"$f\"; done";
  const auto ran = run_bench(arena.arguments(
      {"--groups", "cold", "--tar", arena.directory.path("tree.tar"), "--cold", "one=" + damage}));
  BOOST_TEST(ran.code == 1);
  BOOST_TEST(ran.err.find("not what was there") != std::string::npos, ran.err);
}

BOOST_AUTO_TEST_CASE(stopping_cleans_up_and_fails) {
  const Arena arena;
  int asked = 0;
  const auto ran = run_bench(arena.arguments({"--groups", "append"}), [&] { return ++asked == 2; });
  BOOST_TEST(ran.code == 1);
  BOOST_TEST(ran.err.find("stopped on request") != std::string::npos);
  BOOST_TEST(arena.is_clean());
}

BOOST_AUTO_TEST_CASE(report_that_cannot_be_written_is_noticed_before_the_work) {
  const Arena arena;
  const auto ran = run_bench(arena.arguments({"--json", "/nonexistent/out.json"}));
  BOOST_TEST(ran.code == 1);
  BOOST_TEST(ran.err == "memoria-bench: /nonexistent/out.json: cannot be written\n");
}

BOOST_AUTO_TEST_SUITE_END()
