// SPDX-License-Identifier: MIT
#include "tools/bench/contest.hpp"

#include "tests/bench_tool/helpers.hpp"
#include "tests/support/check.hpp"
#include "tools/bench/statistics.hpp"

using namespace memoria;
using namespace memoria::bench;
using memoria::test::scripted;
using memoria::test::unwrap;

namespace {

/// Always goes on.
bool go_on(const std::string&, const std::string&, unsigned) {
  return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(contest)

BOOST_AUTO_TEST_CASE(median_is_the_middle_or_between_the_two) {
  BOOST_TEST(median({}) == 0);
  BOOST_TEST(median({7}) == 7);
  BOOST_TEST(median({9, 1, 5}) == 5);
  BOOST_TEST(median({4, 1, 3, 2}) == 2.5);
}

BOOST_AUTO_TEST_CASE(percentile_is_a_value_that_was_seen) {
  BOOST_TEST(percentile({}, 0.99) == 0);
  BOOST_TEST(percentile({3}, 0.99) == 3);
  std::vector<double> hundred;
  for (int i = 100; i > 0; --i) hundred.push_back(i);
  BOOST_TEST(percentile(hundred, 0.99) == 99);
  BOOST_TEST(percentile(hundred, 0) == 1);
  BOOST_TEST(percentile(hundred, 1) == 100);
}

BOOST_AUTO_TEST_CASE(contestants_take_turns) {
  std::vector<std::string> order;
  const auto announce = [&](const std::string& title, const std::string& name, unsigned round) {
    order.push_back(title + name + std::to_string(round));
    return true;
  };
  const Contest both{"t", {scripted("A", {1, 2}), scripted("B", {3, 4})}};
  const auto outcome = unwrap(hold(both, 2, announce));
  const std::vector<std::string> expected = {"tA1", "tB1", "tA2", "tB2"};
  BOOST_TEST(order == expected, boost::test_tools::per_element());
  BOOST_REQUIRE(outcome.rows.size() == 1u);
  BOOST_TEST(outcome.rows[0].samples.at("A") == (std::vector<double>{1, 2}));
  BOOST_TEST(outcome.rows[0].samples.at("B") == (std::vector<double>{3, 4}));
}

BOOST_AUTO_TEST_CASE(advantage_is_the_median_of_the_rounds_where_more_is_better) {
  const Contest both{"t", {scripted("A", {10, 20, 40}), scripted("B", {20, 30, 200})}};
  const auto outcome = unwrap(hold(both, 3, go_on));
  BOOST_TEST(advantage(outcome.rows[0], outcome, "A") == 1);
  BOOST_TEST(advantage(outcome.rows[0], outcome, "B") == 2);  // of 2, 1.5 and 5
}

BOOST_AUTO_TEST_CASE(advantage_is_above_one_for_less_where_less_is_better) {
  const Contest both{"t", {scripted("A", {10, 20, 40}, false), scripted("B", {5, 40, 10}, false)}};
  const auto outcome = unwrap(hold(both, 3, go_on));
  BOOST_TEST(advantage(outcome.rows[0], outcome, "B") == 2);  // of 2, 0.5 and 4
}

BOOST_AUTO_TEST_CASE(advantage_is_nothing_without_positive_figures) {
  const Contest both{"t", {scripted("A", {0, 0}), scripted("B", {1, 2})}};
  const auto outcome = unwrap(hold(both, 2, go_on));
  BOOST_TEST(advantage(outcome.rows[0], outcome, "B") == 0);
  BOOST_TEST(advantage(outcome.rows[0], outcome, "nobody") == 0);
}

BOOST_AUTO_TEST_CASE(first_error_ends_the_contest_and_names_who_and_what) {
  const Contestant broken{"B", []() -> Result<std::vector<Figure>> {
                            return Error(Errc::kNoSpace, "the disk is full");
                          }};
  const auto outcome = hold({"filling", {scripted("A", {1, 2}), broken}}, 2, go_on);
  CHECK_FAILS(Errc::kNoSpace, outcome);
  BOOST_TEST(outcome.error().message == "filling, B: the disk is full");
}

BOOST_AUTO_TEST_CASE(refused_announcement_cancels_before_the_run) {
  const Contest one{"t", {scripted("A", {1, 2})}};
  const auto first_only = [](const std::string&, const std::string&, unsigned round) {
    return round == 1;
  };
  CHECK_FAILS(Errc::kCancelled, hold(one, 2, first_only));
}

BOOST_AUTO_TEST_CASE(figure_that_is_missing_in_a_later_round_is_an_error) {
  int round = 0;
  const Contestant changing{"A", [&]() -> Result<std::vector<Figure>> {
                              if (++round == 1) return std::vector<Figure>{{"x", "s", 1, false}};
                              return std::vector<Figure>{};
                            }};
  CHECK_FAILS(Errc::kInvalidArgument, hold({"t", {changing}}, 2, go_on));
}

BOOST_AUTO_TEST_SUITE_END()
