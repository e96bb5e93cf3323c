// SPDX-License-Identifier: MIT
#include "tools/units.hpp"

#include <cstdlib>
#include <ctime>

#include "tests/support/check.hpp"
#include "tools/table.hpp"

using namespace memoria::ctl;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(units)

BOOST_AUTO_TEST_CASE(bytes_have_three_digits_and_binary_units) {
  BOOST_TEST(format_bytes(0) == "0 B");
  BOOST_TEST(format_bytes(999) == "999 B");
  BOOST_TEST(format_bytes(1000) == "0.98 KiB");
  BOOST_TEST(format_bytes(1024) == "1.00 KiB");
  BOOST_TEST(format_bytes(1536) == "1.50 KiB");
  BOOST_TEST(format_bytes(20.25 * 1024) == "20.2 KiB");
  BOOST_TEST(format_bytes(999.4 * 1024) == "999 KiB");
  BOOST_TEST(format_bytes(999.6 * 1024) == "0.98 MiB");
  BOOST_TEST(format_bytes(312.0 * 1024 * 1024) == "312 MiB");
  BOOST_TEST(format_bytes(1.8446744073709552e19) == "16.0 EiB");
}

BOOST_AUTO_TEST_CASE(counts_are_grouped) {
  BOOST_TEST(format_count(0) == "0");
  BOOST_TEST(format_count(999) == "999");
  BOOST_TEST(format_count(1000) == "1,000");
  BOOST_TEST(format_count(1234567) == "1,234,567");
  BOOST_TEST(format_count(UINT64_MAX) == "18,446,744,073,709,551,615");
  BOOST_TEST(format_many(1, "file", "files") == "1 file");
  BOOST_TEST(format_many(0, "file", "files") == "0 files");
}

BOOST_AUTO_TEST_CASE(shares_of_nothing_are_nothing) {
  BOOST_TEST(format_share(0, 0) == "0 %");
  BOOST_TEST(format_share(0, 10) == "0 %");
  BOOST_TEST(format_share(175, 1000) == "17.5 %");
  BOOST_TEST(format_share(10, 10) == "100 %");
}

BOOST_AUTO_TEST_CASE(durations_choose_their_unit) {
  BOOST_TEST(format_duration(0ns) == "0 us");
  BOOST_TEST(format_duration(850us) == "850 us");
  BOOST_TEST(format_duration(12300us) == "12.3 ms");
  BOOST_TEST(format_duration(4200ms) == "4.2 s");
  BOOST_TEST(format_duration(42s) == "42 s");
  BOOST_TEST(format_duration(200s) == "3 min 20 s");
  BOOST_TEST(format_duration(2h + 5min) == "2 h 5 min");
}

BOOST_AUTO_TEST_CASE(times_are_shown_in_the_local_zone) {
  const char* before = std::getenv("TZ");
  const std::string saved = before != nullptr ? before : "";
  setenv("TZ", "UTC-2", 1);
  tzset();
  BOOST_TEST(format_local_time("2025-11-22T19:50:11.123456789Z") == "2025-11-22 21:50:11");
  BOOST_TEST(format_local_time("nonsense") == "nonsense");
  before != nullptr ? setenv("TZ", saved.c_str(), 1) : unsetenv("TZ");
  tzset();
}

BOOST_AUTO_TEST_CASE(columns_are_aligned) {
  using enum Table::Align;
  Table table({kLeft, kRight, kLeft});
  table.add({"a", "1", "x"});
  table.add({"long", "1000", "yyyyyyyy"});
  BOOST_TEST(table.text(1) == " a        1  x\n long  1000  yyyyyyyy\n");
  table.add({"b", "2", ""});
  BOOST_TEST(table.text().ends_with("\nb        2\n"));
  BOOST_TEST(Table({kLeft}).text() == "");
}

BOOST_AUTO_TEST_SUITE_END()
