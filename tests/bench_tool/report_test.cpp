// SPDX-License-Identifier: MIT
#include "tools/bench/report.hpp"

#include <boost/property_tree/xml_parser.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/bench_tool/helpers.hpp"
#include "tests/support/check.hpp"
#include "tools/bench/log_scale.hpp"
#include "tools/bench/svg_text.hpp"

using namespace memoria::bench;
using memoria::test::sample_conditions;
using memoria::test::sample_outcomes;

namespace {

/// The line that contains `words`.
std::string line_with(const std::string& text, const std::string& words) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(words) != std::string::npos) return line;
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report)

BOOST_AUTO_TEST_CASE(numbers_have_three_digits_or_are_grouped) {
  for (const auto& [value, text] :
       std::vector<std::pair<double, std::string>>{{0, "0"},
                                                   {0.01234, "0.0123"},
                                                   {0.9999, "1.00"},
                                                   {4.561, "4.56"},
                                                   {78.94, "78.9"},
                                                   {99.96, "100"},
                                                   {999.7, "1,000"},
                                                   {12345.4, "12,345"},
                                                   {1234567, "1,234,567"},
                                                   {-123456, "-123,456"}}) {
    BOOST_TEST(number_text(value) == text);
  }
  BOOST_TEST(ratio_text(2.311) == "2.31x");
  BOOST_TEST(ratio_text(0.0123) == "0.012x");
  BOOST_TEST(ratio_text(1234) == "1,234x");
}

BOOST_AUTO_TEST_CASE(table_has_median_ratio_and_spread) {
  const auto table = text_table(sample_outcomes(), sample_conditions());
  BOOST_TEST(contains(table, "this & that"));
  BOOST_TEST(contains(table, "memoria-bench --rounds 3"));
  const auto speed = line_with(table, "speed < light");
  for (const char* part : {"op/s", " 2,000 ", "50..150%", " 6,000 ", "2.00x", "33..133%"}) {
    BOOST_TEST(contains(speed, part), part << " in " << speed);
  }
  BOOST_TEST(contains(line_with(table, "  time"), "0.25x"));
  const auto missing = line_with(table, "only the first");
  BOOST_TEST(contains(missing, "12,346"));
  BOOST_TEST(missing.back() == '-');
}

BOOST_AUTO_TEST_CASE(json_has_conditions_and_every_sample) {
  const auto document = nlohmann::json::parse(json_report(sample_outcomes(), sample_conditions()));
  BOOST_TEST(document["version"].get<std::string>() == MEMORIA_VERSION);
  BOOST_TEST(document["date"].get<std::string>() == "2024-05-31T12:00:00Z");
  BOOST_TEST(document["machine"]["cores"].get<unsigned>() > 0);
  BOOST_TEST(document["machine"]["memory_bytes"].get<uint64_t>() > 0);
  BOOST_TEST(document["machine"]["kernel"].get<std::string>().starts_with("Linux"));
  const auto& rows = document["contests"][0]["rows"];
  BOOST_REQUIRE(rows.size() == 3u);
  const auto& odd = rows[0]["results"]["<odd> & \"quoted\""];
  BOOST_TEST(odd["samples"].get<std::vector<double>>() == (std::vector<double>{2000, 8000, 6000}));
  BOOST_TEST(odd["median"].get<double>() == 6000);
  BOOST_TEST(odd["advantage"].get<double>() == 2);
  BOOST_TEST(rows[1]["more_is_better"].get<bool>() == false);
  BOOST_TEST(rows[2]["results"].size() == 1u);
}

BOOST_AUTO_TEST_CASE(json_of_a_name_that_is_not_utf8_is_still_json) {
  auto outcomes = sample_outcomes();
  outcomes[0].title = "\xff";
  BOOST_TEST(nlohmann::json::accept(json_report(outcomes, sample_conditions())));
}

BOOST_AUTO_TEST_CASE(chart_is_well_formed_and_escapes_names) {
  const auto svg = svg_chart(sample_outcomes(), sample_conditions());
  BOOST_TEST(contains(svg, "&lt;odd&gt; &amp; &quot;quoted&quot;"));
  BOOST_TEST(contains(svg, "speed &lt; light"));
  BOOST_TEST(contains(svg, "2.00x  (6,000 op/s)"));
  BOOST_TEST(contains(svg, "not measured"));
  std::istringstream stream(svg);
  boost::property_tree::ptree tree;
  BOOST_CHECK_NO_THROW(boost::property_tree::read_xml(stream, tree));
  BOOST_TEST(tree.get<std::string>("svg.<xmlattr>.version") == "1.1");
}

BOOST_AUTO_TEST_CASE(chart_of_one_contestant_or_of_nothing_is_still_a_chart) {
  auto outcomes = sample_outcomes();
  outcomes[0].contestants.resize(1);
  for (const auto& some : {outcomes, std::vector<Outcome>{}, std::vector<Outcome>{{"t", {}, {}}}}) {
    std::istringstream stream(svg_chart(some, sample_conditions()));
    boost::property_tree::ptree tree;
    BOOST_CHECK_NO_THROW(boost::property_tree::read_xml(stream, tree));
  }
}

BOOST_AUTO_TEST_CASE(control_characters_do_not_get_into_xml) {
  BOOST_TEST(xml_escaped("a\x01'\n") == "a &apos; ");
}

BOOST_AUTO_TEST_CASE(scale_covers_all_ratios_with_one_among_its_marks) {
  for (const auto& ratios :
       std::vector<std::vector<double>>{{}, {1}, {0.3, 7}, {1e-4, 1e5}, {1e-20, 1e20}, {0.5, 2}}) {
    const LogScale scale(ratios, 100, 200);
    BOOST_TEST(std::count(scale.marks().begin(), scale.marks().end(), 1.0) == 1);
    BOOST_TEST(std::is_sorted(scale.marks().begin(), scale.marks().end()));
    for (const double ratio : ratios) {
      BOOST_TEST(scale.x(ratio) >= 100);
      BOOST_TEST(scale.x(ratio) <= 200);
      if (ratio > 1) BOOST_TEST(scale.x(ratio) > scale.x(1));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
