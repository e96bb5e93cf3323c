// SPDX-License-Identifier: MIT
// The sample of memoria.toml that the package brings: every setting, its range and its default, as
// the table of settings has them.
#include <fmt/format.h>

#include <boost/algorithm/string/replace.hpp>
#include <boost/test/unit_test.hpp>

#include "fs/settings/settings_edit.hpp"
#include "tests/support/check.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace memoria;

namespace {

std::string sample() {
  return test::read_whole_file(MEMORIA_SAMPLE_SETTINGS);
}

/// As the sample shows it, or would set it.
std::string line_of(const StoreSetting& setting) {
  return test::unwrap(with_setting("", "empty", setting, setting.get(Options())));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sample_settings)

BOOST_AUTO_TEST_CASE(sample_has_every_setting_with_its_range_and_default) {
  std::string expected;
  for (const auto& setting : store_settings()) {
    expected += fmt::format("\n# {} ({})\n#{}", setting.meaning, setting.range, line_of(setting));
  }
  const auto text = sample();
  const auto heading = text.find("\n\n");
  BOOST_REQUIRE(heading != std::string::npos);
  BOOST_TEST(text.substr(heading + 1) == expected);
}

BOOST_AUTO_TEST_CASE(sample_is_a_valid_file_as_it_is_and_with_everything_taken_in) {
  BOOST_TEST(test::unwrap(parse_settings(sample(), "sample")).empty());
  auto taken_in = sample();
  for (const auto& setting : store_settings()) {
    boost::algorithm::replace_all(taken_in, "\n#" + line_of(setting), "\n" + line_of(setting));
  }
  const auto settings = test::unwrap(parse_settings(taken_in, "sample"));
  BOOST_TEST(settings.size() == store_settings().size());
}

BOOST_AUTO_TEST_SUITE_END()
