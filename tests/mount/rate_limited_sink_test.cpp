// SPDX-License-Identifier: MIT
#include "fs/binding/rate_limited_sink.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <boost/test/unit_test.hpp>
#include <sstream>

using memoria::RateLimit, memoria::RateLimitedSink;
using std::chrono::hours, std::chrono::seconds, std::chrono::milliseconds;

namespace {

const RateLimit::Time kStart{hours(1)};

std::string lines_of(spdlog::sinks::ostream_sink_mt& sink, std::ostringstream& text,
                     void (*log)(spdlog::logger&),
                     const std::shared_ptr<RateLimitedSink>& limited) {
  sink.set_pattern("%l %v");
  spdlog::logger logger("test", limited);
  log(logger);
  return text.str();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rate_limited_sink)

BOOST_AUTO_TEST_CASE(what_is_too_much_is_counted_once) {
  RateLimit limit(2, seconds(10));
  BOOST_TEST(limit.admit(kStart));
  BOOST_TEST(limit.admit(kStart + seconds(1)));
  BOOST_TEST(!limit.admit(kStart + seconds(2)));
  BOOST_TEST(!limit.admit(kStart + milliseconds(9'999)));
  BOOST_TEST(limit.settle(kStart + milliseconds(9'999)) == 0U);

  BOOST_TEST(limit.settle(kStart + seconds(10)) == 2U);
  BOOST_TEST(limit.settle(kStart + seconds(10)) == 0U);
  BOOST_TEST(limit.admit(kStart + seconds(10)));
  BOOST_TEST(limit.settle() == 0U);
}

BOOST_AUTO_TEST_CASE(a_clock_that_jumps_back_silences_nothing) {
  RateLimit limit(1, seconds(10));
  BOOST_TEST(limit.admit(kStart));
  BOOST_TEST(!limit.admit(kStart + seconds(1)));
  BOOST_TEST(limit.admit(kStart - seconds(60)));
  BOOST_TEST(!limit.admit(kStart - seconds(59)));
}

BOOST_AUTO_TEST_CASE(a_flood_of_warnings_hides_no_error) {
  std::ostringstream text;
  const auto inner = std::make_shared<spdlog::sinks::ostream_sink_mt>(text);
  const auto limited = std::make_shared<RateLimitedSink>(inner, 3, hours(1));
  const auto log = [](spdlog::logger& logger) {
    for (int i = 0; i < 100; ++i) logger.warn("warning {}", i);
    logger.error("error");
  };
  BOOST_TEST(lines_of(*inner, text, log, limited) ==
             "warning warning 0\nwarning warning 1\nwarning warning 2\nerror error\n");
}

BOOST_AUTO_TEST_CASE(what_was_left_out_is_said_with_the_next) {
  std::ostringstream text;
  const auto inner = std::make_shared<spdlog::sinks::ostream_sink_mt>(text);
  const auto limited = std::make_shared<RateLimitedSink>(inner, 1, seconds(30));
  const auto log = [](spdlog::logger& logger) {
    const auto now = spdlog::log_clock::now();
    for (const auto& [age, event] :
         {std::pair(0, "first"), {1, "second"}, {2, "third"}, {31, "last"}}) {
      logger.log(now + seconds(age), {}, spdlog::level::err, event);
    }
  };
  BOOST_TEST(lines_of(*inner, text, log, limited) ==
             "error first\nerror 2 events like this were too many, and left out of the log\n"
             "error last\n");
}

BOOST_AUTO_TEST_CASE(what_was_left_out_is_said_with_an_event_of_another_severity_later_on) {
  std::ostringstream text;
  const auto inner = std::make_shared<spdlog::sinks::ostream_sink_mt>(text);
  const auto limited = std::make_shared<RateLimitedSink>(inner, 1, seconds(30));
  const auto log = [](spdlog::logger& logger) {
    const auto now = spdlog::log_clock::now();
    logger.log(now, {}, spdlog::level::err, "first");
    logger.log(now, {}, spdlog::level::err, "second");
    logger.log(now + seconds(1), {}, spdlog::level::warn, "soon");
    logger.log(now + seconds(31), {}, spdlog::level::info, "later");
  };
  BOOST_TEST(lines_of(*inner, text, log, limited) ==
             "error first\nwarning soon\n"
             "error 1 events like this were too many, and left out of the log\ninfo later\n");
}

BOOST_AUTO_TEST_CASE(what_was_left_out_is_said_when_the_log_ends) {
  std::ostringstream text;
  const auto inner = std::make_shared<spdlog::sinks::ostream_sink_mt>(text);
  const auto limited = std::make_shared<RateLimitedSink>(inner, 1, hours(1));
  const auto log = [](spdlog::logger& logger) {
    for (int i = 0; i < 3; ++i) logger.error("error {}", i);
    for (int i = 0; i < 2; ++i) logger.warn("warning {}", i);
    logger.flush();
    logger.flush();
  };
  BOOST_TEST(lines_of(*inner, text, log, limited) ==
             "error error 0\nwarning warning 0\n"
             "warning 1 events like this were too many, and left out of the log\n"
             "error 2 events like this were too many, and left out of the log\n");
}

BOOST_AUTO_TEST_SUITE_END()
