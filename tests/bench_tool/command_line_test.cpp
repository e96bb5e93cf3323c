// SPDX-License-Identifier: MIT
#include "tools/bench/command_line.hpp"

#include "tests/bench_tool/helpers.hpp"
#include "tests/support/check.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace memoria;
using namespace memoria::bench;
using Words = std::vector<std::string>;

namespace {

CommandLine parsed(const Words& words) {
  const auto result = parse_command_line(words);
  if (const auto* message = std::get_if<Message>(&result)) BOOST_FAIL(message->text);
  return std::get<CommandLine>(result);
}

std::string refusal(const Words& words) {
  const auto result = parse_command_line(words);
  const auto* message = std::get_if<Message>(&result);
  BOOST_REQUIRE(message != nullptr);
  BOOST_TEST(int(message->code) == int(ExitCode::kUsage));
  return message->text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(command_line)

BOOST_AUTO_TEST_CASE(all_groups_that_have_contestants_are_the_default) {
  const test::TemporaryDirectory directory;
  const auto dir = "a=" + directory.path();
  BOOST_TEST(parsed({"--dir", dir}).groups == (Words{"durable", "small", "big", "append"}),
             boost::test_tools::per_element());
  test::write_whole_file(directory.path("t.tar"), "");
  const auto all =
      parsed({"--dir", dir, "--tar", directory.path("t.tar"), "--cold", "a=true"}).groups;
  BOOST_TEST(all.size() == 6u);
  BOOST_TEST(parsed({"--engine-dir", directory.path()}).groups == engine_group_names(),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(given_sizes_prevail_over_quick) {
  const test::TemporaryDirectory directory;
  const auto line = parsed({"--appends", "7", "--quick", "--dir", "a=" + directory.path()});
  BOOST_TEST(line.rounds == 1u);
  BOOST_TEST(line.directories.sizes.appends == 7u);
  BOOST_TEST(line.directories.sizes.big_mib == DirectorySizes::quick().big_mib);
  BOOST_TEST(parsed({"--rounds", "3", "--quick", "--dir", "a=" + directory.path()}).rounds == 3u);
}

BOOST_AUTO_TEST_CASE(wrong_usage_is_refused_with_the_reason) {
  const test::TemporaryDirectory directory;
  const auto dir = "a=" + directory.path();
  for (const auto& [words, reason] : std::vector<std::pair<Words, std::string>>{
           {{}, "nothing to compare"},
           {{"--dir", "a"}, "not NAME=PATH"},
           {{"--dir", "a=/nonexistent"}, "not a directory"},
           {{"--dir", dir, "--dir", dir}, "twice"},
           {{"--dir", dir, "--cold", "b=true"}, "no such --dir"},
           {{"--dir", dir, "--groups", "nonsense"}, "no group nonsense"},
           {{"--dir", dir, "--groups", "tree"}, "group tree needs --tar"},
           {{"--groups", "small", "--engine-dir", directory.path()}, "group small needs --dir"},
           {{"--dir", dir, "--rounds", "0"}, "--rounds"},
           {{"--dir", dir, "--tar", "/nonexistent"}, "--tar"}}) {
    BOOST_TEST(refusal(words).find(reason) != std::string::npos, refusal(words));
  }
}

BOOST_AUTO_TEST_CASE(help_names_every_group) {
  const auto ran = test::run_bench({"--help"});
  BOOST_TEST(ran.code == 0);
  for (const auto& group : directory_groups()) {
    BOOST_TEST(ran.out.find(group.description) != std::string::npos);
  }
  BOOST_TEST(test::run_bench({"--nonsense"}).code == 2);
}

BOOST_AUTO_TEST_SUITE_END()
