// SPDX-License-Identifier: MIT
#include "fs/control/protocol.hpp"
#include "tests/support/check.hpp"
#include "tools/progress_display.hpp"

using namespace memoria;
using namespace memoria::ctl;
using namespace std::chrono_literals;
using Style = ProgressDisplay::Style;

namespace {

constexpr uint64_t kMiB = 1 << 20;

/// A terminal and a clock that the test moves.
struct Terminal {
  std::string text;
  std::chrono::steady_clock::time_point time{1000s};
  Streams streams;

  Terminal() {
    streams.err = [this](std::string_view t) -> Status {
      text += t;
      return ok();
    };
    streams.now = [this] { return time; };
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(progress)

BOOST_AUTO_TEST_CASE(terminal_shows_share_rate_and_time_left) {
  Terminal terminal;
  ProgressDisplay display(terminal.streams, Style::kTerminal);
  display.update({"merge", 0, 100 * kMiB});
  terminal.time += 2s;
  terminal.text.clear();
  display.update({"merge", 50 * kMiB, 100 * kMiB});
  BOOST_TEST(terminal.text == "\rmerge   50 %  50.0 MiB of 100 MiB  25.0 MiB/s  2.0 s left\x1b[K");
}

BOOST_AUTO_TEST_CASE(terminal_is_redrawn_at_most_ten_times_a_second) {
  Terminal terminal;
  ProgressDisplay display(terminal.streams, Style::kTerminal);
  for (int i = 0; i < 1000; ++i) {
    display.update({"verify", uint64_t(i), 1000});
    terminal.time += 1ms;
  }
  BOOST_TEST(std::count(terminal.text.begin(), terminal.text.end(), '\r') == 10);
}

BOOST_AUTO_TEST_CASE(terminal_is_clean_at_the_end) {
  Terminal terminal;
  ProgressDisplay display(terminal.streams, Style::kTerminal);
  display.erase();
  BOOST_TEST(terminal.text.empty());
  display.update({"verify", 1, 2});
  display.erase();
  BOOST_TEST(terminal.text.ends_with("\r\x1b[K"));
  const auto before = terminal.text.size();
  display.erase();
  BOOST_TEST(terminal.text.size() == before);
}

BOOST_AUTO_TEST_CASE(line_never_wraps_on_a_narrow_terminal) {
  Terminal terminal;
  terminal.streams.err_columns = 12;
  ProgressDisplay display(terminal.streams, Style::kTerminal);
  display.update({"verify", 50 * kMiB, 100 * kMiB});
  BOOST_TEST(terminal.text == "\rverify   50\x1b[K");
}

BOOST_AUTO_TEST_CASE(elsewhere_only_what_takes_long_is_told) {
  Terminal terminal;
  ProgressDisplay display(terminal.streams, Style::kLines);
  display.update({"merge", 1, 100});
  terminal.time += 900ms;
  display.update({"merge", 50, 100});
  BOOST_TEST(terminal.text.empty());
  for (int i = 0; i < 110; ++i) {
    terminal.time += 100ms;
    display.update({"merge", 60, 100});
  }
  display.erase();
  BOOST_TEST(std::count(terminal.text.begin(), terminal.text.end(), '\n') == 3);
  BOOST_TEST(terminal.text.find('\r') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_rate_is_that_of_the_last_seconds) {
  Terminal terminal;
  ProgressDisplay display(terminal.streams, Style::kTerminal);
  uint64_t done = 0;
  display.update({"merge", done, 1000 * kMiB});
  for (int second = 0; second < 40; ++second) {
    terminal.time += 1s;
    done += second < 20 ? 40 * kMiB : 2 * kMiB;  // it has become slow
    terminal.text.clear();
    display.update({"merge", done, 1000 * kMiB});
  }
  BOOST_TEST(terminal.text.find("  2.00 MiB/s  1 min 20 s left") != std::string::npos,
             terminal.text);
}

BOOST_AUTO_TEST_CASE(who_only_waits_is_told_nothing_but_what_for) {
  Terminal terminal;
  ProgressDisplay display(terminal.streams, Style::kTerminal);
  display.update({"waiting for a merge that is running", 0, 0});
  BOOST_TEST(terminal.text == "\rwaiting for a merge that is running\x1b[K");
}

BOOST_AUTO_TEST_CASE(unknown_total_shows_amount_and_rate) {
  Terminal terminal;
  ProgressDisplay display(terminal.streams, Style::kTerminal);
  display.update({"put", 0, 0});
  terminal.time += 1s;
  terminal.text.clear();
  display.update({"put", 3 * kMiB, 0});
  BOOST_TEST(terminal.text == "\rput  3.00 MiB  3.00 MiB/s\x1b[K");
}

BOOST_AUTO_TEST_CASE(entries_are_counted_not_measured) {
  Terminal terminal;
  ProgressDisplay display(terminal.streams, Style::kTerminal);
  display.update({"find", 0, 40'000, Progress::Unit::kEntries});
  terminal.time += 1s;
  terminal.text.clear();
  display.update({"find", 10'000, 40'000, Progress::Unit::kEntries});
  BOOST_TEST(terminal.text ==
             "\rfind   25 %  10,000 of 40,000 entries  10,000/s  3.0 s left\x1b[K");
}

BOOST_AUTO_TEST_CASE(one_entry_is_no_entries) {
  Terminal terminal;
  ProgressDisplay display(terminal.streams, Style::kTerminal);
  display.update({"count", 1, 0, Progress::Unit::kEntries});
  BOOST_TEST(terminal.text == "\rcount  1 entry\x1b[K");
}

BOOST_AUTO_TEST_CASE(json_progress_is_one_object_a_line) {
  Terminal terminal;
  ProgressDisplay display(terminal.streams, Style::kJson);
  display.update({"merge", 1, 2});
  BOOST_REQUIRE(terminal.text.ends_with("\n"));
  const auto json = Json::parse(terminal.text);
  BOOST_TEST(json["phase"] == "merge");
  BOOST_TEST(json["done"] == 1);
  BOOST_TEST(json["total"] == 2);
  BOOST_TEST(json["unit"] == "bytes");
}

BOOST_AUTO_TEST_SUITE_END()
