// SPDX-License-Identifier: MIT
#include "tools/bench/directories/program.hpp"

#include <chrono>

#include "tests/support/check.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace memoria;
using namespace memoria::bench;

BOOST_AUTO_TEST_SUITE(program)

BOOST_AUTO_TEST_CASE(program_runs_in_its_directory) {
  const test::TemporaryDirectory directory;
  REQUIRE_OK(run_program({"touch", "made"}, directory.path()));
  REQUIRE_OK(run_script("test -f \"$1\"", {"made"}, directory.path()));
}

BOOST_AUTO_TEST_CASE(other_exit_code_is_an_error_with_the_complaint) {
  REQUIRE_OK(run_program({"sh", "-c", "exit 3"}, "/", 3));
  const auto failed = run_script("echo gone wrong >&2; exit 3", {}, "/");
  CHECK_FAILS(Errc::kIo, failed);
  BOOST_TEST(failed.error().message.find("ended with exit code 3: gone wrong") !=
             std::string::npos);
  CHECK_FAILS(Errc::kIo, run_script("kill -9 $$", {}, "/"));
}

BOOST_AUTO_TEST_CASE(missing_program_is_an_error) {
  CHECK_FAILS(Errc::kNotFound, run_program({"no-such-program-anywhere"}, "/"));
}

BOOST_AUTO_TEST_CASE(daemon_left_behind_is_not_waited_for) {
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE_OK(run_script("sleep 5 & exit 0", {}, "/"));
  BOOST_TEST((std::chrono::steady_clock::now() - begin < std::chrono::seconds(4)));
}

BOOST_AUTO_TEST_SUITE_END()
