// SPDX-License-Identifier: MIT
#include "fs/control/exit_code.hpp"

#include <cerrno>
#include <set>

#include "tests/support/check.hpp"

using namespace memoria;

namespace {
int exit_of(const Error& error) {
  return int(exit_code_of(error));
}
}  // namespace

BOOST_AUTO_TEST_SUITE(exit_code)

BOOST_AUTO_TEST_CASE(every_error_ends_as_documented) {
  BOOST_TEST(exit_of(Error(Errc::kNotFound)) == 5);
  BOOST_TEST(exit_of(Error::posix(ENOTDIR)) == 5);
  BOOST_TEST(exit_of(Error(Errc::kInvalidArgument)) == 2);
  BOOST_TEST(exit_of(Error(Errc::kTooLarge)) == 2);
  BOOST_TEST(exit_of(Error::posix(ENAMETOOLONG)) == 2);
  BOOST_TEST(exit_of(Error(Errc::kNotAStore)) == 3);
  BOOST_TEST(exit_of(Error(Errc::kNewerFormat)) == 3);
  BOOST_TEST(exit_of(Error(Errc::kLocked)) == 4);
  BOOST_TEST(exit_of(Error(Errc::kCorrupt)) == 6);
  BOOST_TEST(exit_of(Error(Errc::kNoSpace)) == 7);
  BOOST_TEST(exit_of(Error::posix(ENOSPC)) == 7);
  BOOST_TEST(exit_of(Error::posix(ENOTEMPTY)) == 8);
  BOOST_TEST(exit_of(Error(Errc::kReadOnly)) == 8);
  BOOST_TEST(exit_of(Error(Errc::kIo)) == 8);
  BOOST_TEST(exit_of(Error(Errc::kCancelled)) == 130);
  BOOST_TEST(exit_of(Error(Errc::kIo, EPIPE, "")) == 141);
}

BOOST_AUTO_TEST_CASE(no_error_ends_in_success_and_all_codes_are_in_the_table) {
  std::set<int> documented;
  for (const auto& row : kExitCodes) {
    BOOST_TEST(!row.meaning.empty());
    BOOST_TEST(documented.insert(int(row.code)).second);
  }
  for (int code = int(Errc::kNotFound); code <= int(Errc::kPosix); ++code) {
    const int exit = exit_of(Error(Errc(code)));
    BOOST_TEST(exit != 0);
    BOOST_TEST(documented.contains(exit));
  }
}

BOOST_AUTO_TEST_SUITE_END()
