// SPDX-License-Identifier: MIT
#include "tools/command_line.hpp"

#include <vector>

#include "tests/support/check.hpp"

using namespace memoria;
using namespace memoria::ctl;

namespace {

CommandLine parsed(const std::vector<std::string>& arguments) {
  auto result = parse_command_line(arguments);
  if (const auto* message = std::get_if<Message>(&result)) BOOST_FAIL(message->text);
  return std::get<CommandLine>(std::move(result));
}

Message refused(const std::vector<std::string>& arguments) {
  auto result = parse_command_line(arguments);
  BOOST_REQUIRE(std::holds_alternative<Message>(result));
  return std::get<Message>(std::move(result));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(command_line)

BOOST_AUTO_TEST_CASE(every_command_is_known) {
  BOOST_TEST(int(parsed({"stats", "d"}).verb) == int(Verb::kStats));
  BOOST_TEST(int(parsed({"merge", "d"}).verb) == int(Verb::kMerge));
  BOOST_TEST(int(parsed({"hints", "rebuild", "d"}).verb) == int(Verb::kHintsRebuild));
  BOOST_TEST(int(parsed({"hints", "check", "d"}).verb) == int(Verb::kHintsCheck));
  BOOST_TEST(int(parsed({"verify", "d"}).verb) == int(Verb::kVerify));
  BOOST_TEST(int(parsed({"ls", "d"}).verb) == int(Verb::kList));
  BOOST_TEST(int(parsed({"get", "d", "p"}).verb) == int(Verb::kGet));
  BOOST_TEST(int(parsed({"put", "d", "p"}).verb) == int(Verb::kPut));
  BOOST_TEST(int(parsed({"rm", "d", "p"}).verb) == int(Verb::kRemove));
  BOOST_TEST(int(parsed({"locate", "d", "p"}).verb) == int(Verb::kLocate));
}

BOOST_AUTO_TEST_CASE(what_is_no_number_is_in_no_range) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"stats", "d", "--watch", "nan"},
           {"merge", "d", "--min-dead", "NaN"},
           {"merge", "d", "--rate", "-nan"},
           {"scrub", "d", "--rate", "nan"},
           {"import", "d", "--from-bitcask", "b", "--expiry-secs", "nan"}}) {
    BOOST_TEST(refused(arguments).text.find("number") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(json_may_stand_anywhere) {
  BOOST_TEST(parsed({"--json", "stats", "d"}).json);
  BOOST_TEST(parsed({"stats", "--json", "d"}).json);
  BOOST_TEST(parsed({"hints", "check", "d", "--json"}).json);
  BOOST_TEST(!parsed({"stats", "d"}).json);
}

BOOST_AUTO_TEST_CASE(arguments_reach_their_fields) {
  const auto put = parsed({"put", "data", "/a", "file"});
  BOOST_TEST(put.target == "data");
  BOOST_TEST(put.name.value() == "/a");
  BOOST_TEST(put.input == "file");
  BOOST_TEST(parsed({"put", "data", "/a"}).input == "-");
  BOOST_TEST(parsed({"put", "data", "/a", "-"}).input == "-");
  BOOST_TEST(parsed({"get", "data", "/a", "-o", "x"}).output == "x");
  BOOST_TEST(parsed({"get", "data", "/a", "-o", "-"}).output == "");
  BOOST_TEST(parsed({"export", "data", "-o", "-"}).output == "");
  BOOST_TEST(!parsed({"ls", "data"}).name.has_value());
  BOOST_TEST(parsed({"ls", "-l", "data"}).long_format);
  const auto merge = parsed({"merge", "d", "--min-dead", "0.25", "--rate", "2", "--dry-run"});
  BOOST_TEST(merge.min_dead.value() == 0.25);
  BOOST_TEST(merge.rate.value() == 2.0 * 1024 * 1024);
  BOOST_TEST(merge.dry_run);
  BOOST_TEST(parsed({"hints", "rebuild", "d", "--all"}).all);
}

BOOST_AUTO_TEST_CASE(keys_are_given_as_text_or_digits) {
  BOOST_TEST(parsed({"get", "d", "--key", "k"}).name.value() == "k");
  BOOST_TEST(parsed({"get", "d", "--key", "--hex", "00ff"}).name.value() ==
             std::string("\x00\xff", 2));
  BOOST_TEST(parsed({"ls", "d", "--key"}).is_key);
  BOOST_TEST(int(refused({"get", "d", "--key", "--hex", "0"}).code) == 2);
  BOOST_TEST(int(refused({"get", "d", "--hex", "00"}).code) == 2);
  BOOST_TEST(int(refused({"get", "d", "--key"}).code) == 2);
  BOOST_TEST(int(refused({"rm", "d", "--key", ""}).code) == 2);
}

BOOST_AUTO_TEST_CASE(wrong_use_is_one_clear_line) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {"stats"},
                                             {"frobnicate", "d"},
                                             {"hints", "d"},
                                             {"hints"},
                                             {"put"},
                                             {"stats", "d", "--no-such-option"},
                                             {"stats", "d", "extra"},
                                             {"merge", "d", "--min-dead", "1.5"},
                                             {"merge", "d", "--min-dead", "x"},
                                             {"merge", "d", "--rate", "-1"},
                                             {"merge", "d", "--all", "--min-dead", "0.5"},
                                             {"stats", "d", "--json", "--prometheus"},
                                             {"get", "d", "p", "--json"},
                                             {"export", "d", "--json", "-o", "-"}}) {
    const auto message = refused(arguments);
    BOOST_TEST(int(message.code) == 2);
    BOOST_TEST(!message.text.empty());
    BOOST_TEST(message.text.find('\n') == std::string::npos);
    const bool json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
    BOOST_TEST(message.json == json);
  }
  BOOST_TEST(!refused({"frobnicate", "--", "--json"}).json);
}

BOOST_AUTO_TEST_CASE(help_tells_commands_and_exit_codes) {
  const auto help = refused({"--help"});
  BOOST_TEST(int(help.code) == 0);
  for (const char* word :
       {"stats", "merge", "hints", "verify", "ls", "get", "put", "rm", "locate"}) {
    BOOST_TEST(help.text.find(word) != std::string::npos);
  }
  for (const auto& row : kExitCodes) {
    BOOST_TEST(help.text.find(std::string(row.meaning)) != std::string::npos);
  }
  BOOST_TEST(int(refused({"get", "--help"}).code) == 0);
  BOOST_TEST(refused({"get", "--help"}).text.find("--output") != std::string::npos);
  BOOST_TEST(help.text.find("with a leading \"/\" to the volume's root") != std::string::npos);
  BOOST_TEST(refused({"--version"}).text.starts_with("memoria-ctl "));
}

BOOST_AUTO_TEST_SUITE_END()
