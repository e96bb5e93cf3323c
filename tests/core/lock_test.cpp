// SPDX-License-Identifier: MIT
// One owner at a time, on a real directory.
#include <sys/wait.h>
#include <unistd.h>

#include "tests/core/store_helpers.hpp"
#include "tests/support/temporary_directory.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(lock)

BOOST_AUTO_TEST_CASE(a_second_open_fails_and_names_the_owner) {
  const TemporaryDirectory directory;
  auto store = open_store(unwrap(open_directory(directory.path(), false)));
  const auto second = Store::open(unwrap(open_directory(directory.path(), false)), quiet_options());
  CHECK_FAILS(Errc::kLocked, second);
  BOOST_REQUIRE(!second.has_value());
  BOOST_TEST(second.error().message.find(std::to_string(getpid())) != std::string::npos);
  BOOST_TEST(second.error().message.find(directory.path()) != std::string::npos);
  REQUIRE_OK(store->put("a", "the owner is not disturbed"));
  REQUIRE_OK(store->close());
  open_store(unwrap(open_directory(directory.path(), false)));
}

BOOST_AUTO_TEST_CASE(behind_a_fork_the_store_is_the_parent_s) {
  const TemporaryDirectory directory;
  auto store = open_store(unwrap(open_directory(directory.path(), false)));
  REQUIRE_OK(store->put("a", "1"));
  const pid_t child = fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    alarm(20);  // if it waits for threads that are not there
    const bool refused =
        !store->put("b", "of the child") && !store->erase("a") && !store->sync() && !store->close();
    store.reset();
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  BOOST_REQUIRE(waitpid(child, &status, 0) == child);
  BOOST_TEST(status == 0);
  REQUIRE_OK(store->put("b", "of the parent", {.sync = true}));
  check_contents(*store, {{"a", "1"}, {"b", "of the parent"}});
  REQUIRE_OK(store->close());
  store = open_store(unwrap(open_directory(directory.path(), false)));
  check_contents(*store, {{"a", "1"}, {"b", "of the parent"}});
}

BOOST_AUTO_TEST_CASE(a_lock_of_another_process_is_seen_and_dies_with_it) {
  const TemporaryDirectory directory;
  int ready[2], done[2];
  BOOST_REQUIRE(pipe(ready) == 0 && pipe(done) == 0);
  const pid_t child = fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    // In the child: no Boost.Test, no destructors; it dies holding the lock.
    const auto environment = open_directory(directory.path(), false);
    const auto held =
        environment ? environment.value()->lock(LockMode::kExclusive) : environment.error();
    char c = held ? 'y' : 'n';
    if (write(ready[1], &c, 1) == 1 && read(done[0], &c, 1) == 1) _exit(0);
    _exit(1);
  }
  char c = 0;
  BOOST_REQUIRE(read(ready[0], &c, 1) == 1);
  BOOST_TEST(c == 'y');
  const auto refused =
      Store::open(unwrap(open_directory(directory.path(), false)), quiet_options());
  CHECK_FAILS(Errc::kLocked, refused);
  if (!refused) {
    BOOST_TEST(refused.error().message.find(std::to_string(child)) != std::string::npos);
  }
  BOOST_REQUIRE(write(done[1], "x", 1) == 1);
  int status = 0;
  BOOST_REQUIRE(waitpid(child, &status, 0) == child);
  for (const int fd : {ready[0], ready[1], done[0], done[1]}) close(fd);
  open_store(unwrap(open_directory(directory.path(), false)));
}

BOOST_AUTO_TEST_CASE(a_failed_open_does_not_keep_the_lock) {
  const TemporaryDirectory directory;
  write_whole_file(directory.path("stranger"), "x");
  CHECK_FAILS(Errc::kNotAStore,
              Store::open(unwrap(open_directory(directory.path(), false)), quiet_options()));
  unlink(directory.path("stranger").c_str());
  open_store(unwrap(open_directory(directory.path(), false)));
}

BOOST_AUTO_TEST_CASE(destroying_a_store_without_close_lets_go_and_loses_nothing) {
  const auto environment = SimulatedEnvironment::make();
  {
    const auto store = open_store(environment);
    REQUIRE_OK(store->put("a", "1"));
  }
  check_contents(*open_store(environment), {{"a", "1"}});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
