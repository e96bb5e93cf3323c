// SPDX-License-Identifier: MIT
// Checks of Results for Boost.Test, and the seed in the message of every failure.
#pragma once

#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>

#include "core/base/result.hpp"
#include "tests/support/random.hpp"

namespace memoria::test {

/// "ok", or the error's code and message.
template <class T>
std::string explain(const Result<T>& result) {
  if (result.has_value()) return "ok";
  return std::string(name(result.error().code)) + ": " + result.error().describe();
}

/// Only call it from the test's own thread: Boost.Test's checks are not for several.
template <class T>
T unwrap(Result<T> result) {
  BOOST_REQUIRE_MESSAGE(result.has_value(), "unexpected " + explain(result));
  return std::move(result).value();
}

template <class T>
boost::test_tools::assertion_result succeeds(const Result<T>& result) {
  boost::test_tools::assertion_result out(result.has_value());
  if (!result.has_value()) out.message() << explain(result);
  return out;
}

template <class T>
boost::test_tools::assertion_result fails(Errc code, const Result<T>& result) {
  boost::test_tools::assertion_result out(!result.has_value() && result.error().code == code);
  if (!out) out.message() << "expected " << name(code) << ", got " << explain(result);
  return out;
}

}  // namespace memoria::test

#define REQUIRE_OK(...) BOOST_REQUIRE(memoria::test::succeeds(__VA_ARGS__))
#define CHECK_FAILS(code, ...) BOOST_CHECK(memoria::test::fails(code, __VA_ARGS__))

/// Opens a block in which every failure prints how to repeat it.
#define WITH_SEED(seed) BOOST_TEST_CONTEXT("MEMORIA_TEST_SEED=" << (seed))
