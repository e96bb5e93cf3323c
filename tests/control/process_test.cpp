// SPDX-License-Identifier: MIT
// memoria-ctl as a process: pipes, signals, exit codes.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include "tests/control/helpers.hpp"
#include "tests/support/check.hpp"

using namespace memoria;
using memoria::test::SampleStore;

namespace {

const std::string kProgram = MEMORIA_CTL_PROGRAM;

/// Runs a script in which $ctl is the program and $data the data directory.
test::Ran shell(const std::string& data, const std::string& script) {
  const test::TemporaryDirectory directory;
  test::write_whole_file(directory.path("script"),
                         "ctl='" + kProgram + "'; data='" + data + "'\n" + script + "\n");
  const auto command = "bash " + directory.path("script") + " 2>" + directory.path("err");
  FILE* pipe = ::popen(command.c_str(), "r");
  BOOST_REQUIRE(pipe != nullptr);
  test::Ran ran;
  std::array<char, 65536> buffer;
  while (const size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    ran.out.append(buffer.data(), n);
  }
  const int status = ::pclose(pipe);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
  ran.err = test::read_whole_file(directory.path("err"));
  return ran;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(process)

BOOST_AUTO_TEST_CASE(values_go_through_pipes_unchanged) {
  const SampleStore place(false);
  const auto ran =
      shell(place.path(),
            "\"$ctl\" get \"$data\" /directory/inner | \"$ctl\" put \"$data-none\" /x; "
            "echo ${PIPESTATUS[1]}; \"$ctl\" get \"$data\" /directory/inner");
  BOOST_TEST((ran.out == "3\n" + SampleStore::inner()));
  BOOST_TEST(ran.code == 0);
}

BOOST_AUTO_TEST_CASE(reader_that_stops_early_ends_it_quietly) {
  SampleStore place(true);
  test::put_file(place.volume(), "/large", std::string(8 << 20, 'x'));
  const auto ran =
      shell(place.path(), "\"$ctl\" get \"$data\" /large | head -c 5; echo \" ${PIPESTATUS[0]}\"");
  BOOST_TEST(ran.out == "xxxxx 141\n");
  BOOST_TEST(ran.err == "");
}

BOOST_AUTO_TEST_CASE(interrupt_ends_a_put_that_waits_for_its_input) {
  for (const bool served : {false, true}) {
    SampleStore place(served);
    const auto ran =
        shell(place.path(),
              "mkfifo \"$0.fifo\"; exec 3<>\"$0.fifo\"; echo half >&3\n"
              "timeout --foreground -s INT 1 \"$ctl\" put \"$data\" /hello <&3; "
              "echo $? ; \"$ctl\" put \"$data\" /hello <&3 &\n"
              "sleep 0.5; kill -TERM $!; wait $!; echo $?; \"$ctl\" get \"$data\" /hello");
    // timeout tells 124 when it had to act, whatever the program's own code.
    BOOST_TEST(ran.out == "124\n130\nhello, world");
    BOOST_TEST(ran.err.find("interrupted") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(full_output_device_is_an_error) {
  const SampleStore place(false);
  const auto ran = shell(place.path(), "\"$ctl\" stats \"$data\" >/dev/full");
  BOOST_TEST(ran.code == 7);
  BOOST_TEST(ran.err.find("standard output") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(relative_data_directory_and_socket_of_a_served_store_work) {
  const SampleStore place(true);
  const auto ran =
      shell(place.path(), "cd \"$data\" && \"$ctl\" ls . && cd / && \"$ctl\" ls \"$data\"");
  BOOST_TEST(ran.code == 0);
  BOOST_TEST(ran.out == "directory\nempty\nhello\nlink\ndirectory\nempty\nhello\nlink\n");
}

BOOST_AUTO_TEST_CASE(help_and_wrong_use_have_their_codes) {
  BOOST_TEST(shell("", "\"$ctl\" --help").code == 0);
  BOOST_TEST(shell("", "\"$ctl\"").code == 2);
  BOOST_TEST(shell("", "\"$ctl\" stats /no/such/directory").code == 3);
}

BOOST_AUTO_TEST_SUITE_END()
