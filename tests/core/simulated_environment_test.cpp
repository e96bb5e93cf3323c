// SPDX-License-Identifier: MIT
// The simulator itself: a test that trusts it must know what it does.
#include "tests/support/simulated_environment.hpp"

#include <sys/uio.h>

#include <cerrno>

#include "tests/support/check.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(simulated_environment)

Status write(File& file, uint64_t offset, std::string bytes) {
  const iovec part{bytes.data(), bytes.size()};
  return file.write(offset, std::span(&part, 1));
}

struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  std::unique_ptr<File> file = unwrap(environment->create("a"));
  Random random{base_seed()};

  Image after(Loss loss) { return environment->after_crash(loss, random); }
};

BOOST_FIXTURE_TEST_CASE(unsynced_data_is_lost_and_synced_data_is_not, Fixture) {
  REQUIRE_OK(environment->sync_directory());
  REQUIRE_OK(write(*file, 0, "synced"));
  REQUIRE_OK(file->sync());
  REQUIRE_OK(write(*file, 6, " lost"));
  BOOST_TEST(after(Loss::kUnsynced).at("a") == "synced");
  BOOST_TEST(after(Loss::kNothing).at("a") == "synced lost");
}

BOOST_FIXTURE_TEST_CASE(a_name_is_lost_without_a_sync_of_the_directory, Fixture) {
  REQUIRE_OK(write(*file, 0, "data"));
  REQUIRE_OK(file->sync());
  BOOST_TEST(!after(Loss::kUnsynced).contains("a"));
  REQUIRE_OK(environment->sync_directory());
  BOOST_TEST(after(Loss::kUnsynced).at("a") == "data");
  REQUIRE_OK(environment->rename("a", "b"));
  BOOST_TEST(after(Loss::kUnsynced).contains("a"));
  BOOST_TEST(after(Loss::kNothing).contains("b"));
}

BOOST_FIXTURE_TEST_CASE(names_survive_in_the_order_they_were_made, Fixture) {
  REQUIRE_OK(environment->sync_directory());
  unwrap(environment->create("b"));
  REQUIRE_OK(environment->remove("a"));
  int states[2][2] = {};
  for (int i = 0; i < 200; ++i) {
    const auto image = after(Loss::kRandom);
    ++states[image.contains("b")][image.contains("a")];
  }
  BOOST_TEST(states[0][0] == 0);  // never the removal without the creation
  BOOST_TEST(states[0][1] > 0);
  BOOST_TEST(states[1][1] > 0);
  BOOST_TEST(states[1][0] > 0);
}

BOOST_FIXTURE_TEST_CASE(random_losses_tear_writes_at_sectors_only, Fixture) {
  REQUIRE_OK(environment->sync_directory());
  REQUIRE_OK(write(*file, 100, std::string(2000, 'x')));
  int torn = 0;
  for (int i = 0; i < 300; ++i) {
    auto bytes = after(Loss::kRandom).at("a");
    bytes.resize(2100, '\0');
    bool differs = false;
    for (size_t at = 100; at < 2100; ++at) {
      const bool same_sector = at / 512 == (at - 1) / 512 && at > 100;
      if (same_sector) BOOST_REQUIRE_EQUAL(bytes[at], bytes[at - 1]);
      differs = differs || bytes[at] != bytes[100];
    }
    torn += differs ? 1 : 0;
  }
  BOOST_TEST(torn > 20);
}

BOOST_FIXTURE_TEST_CASE(what_a_failed_sync_dropped_stays_lost, Fixture) {
  REQUIRE_OK(environment->sync_directory());
  REQUIRE_OK(write(*file, 0, "one"));
  environment->inject({.calls = kCallSync});
  CHECK_FAILS(Errc::kIo, file->sync());
  REQUIRE_OK(write(*file, 3, "two"));
  REQUIRE_OK(file->sync());
  BOOST_TEST(after(Loss::kUnsynced).at("a") == std::string("\0\0\0two", 6));
}

BOOST_FIXTURE_TEST_CASE(the_nth_call_fails_with_the_chosen_error, Fixture) {
  environment->inject({.calls = kCallWrite, .nth = 3, .error = ENOSPC, .times = 2});
  REQUIRE_OK(write(*file, 0, "1"));
  REQUIRE_OK(write(*file, 1, "2"));
  CHECK_FAILS(Errc::kNoSpace, write(*file, 2, "3"));
  CHECK_FAILS(Errc::kNoSpace, write(*file, 2, "4"));
  REQUIRE_OK(write(*file, 2, "5"));
  BOOST_TEST(environment->contents("a") == "125");
  BOOST_TEST(environment->faults_hit() == 2u);
  environment->inject({.calls = kCallWrite, .partial = true});
  CHECK_FAILS(Errc::kIo, write(*file, 3, "abcdef"));
  BOOST_TEST(environment->contents("a") == "125abc");
}

BOOST_FIXTURE_TEST_CASE(a_full_disk_refuses_new_pages_and_takes_old_ones, Fixture) {
  environment->set_capacity(8192);
  REQUIRE_OK(write(*file, 0, std::string(8192, 'x')));
  CHECK_FAILS(Errc::kNoSpace, write(*file, 8192, "y"));
  REQUIRE_OK(write(*file, 100, "overwriting"));
  BOOST_TEST(unwrap(environment->space()).free_bytes == 0u);
  REQUIRE_OK(file->truncate(4096));
  BOOST_TEST(unwrap(environment->space()).free_bytes == 4096u);
  REQUIRE_OK(environment->remove("a"));
  BOOST_TEST(unwrap(environment->space()).free_bytes == 8192u);
  char c = 0;
  BOOST_TEST(unwrap(file->read(0, std::span(&c, 1))) == 1u);  // open files live on
}

BOOST_FIXTURE_TEST_CASE(a_trace_replays_to_the_same_state, Fixture) {
  file.reset();
  environment->start_trace();
  file = unwrap(environment->open("a", Environment::Access::kWrite));
  REQUIRE_OK(write(*file, 0, "abc"));
  REQUIRE_OK(environment->make_directory("snapshots"));
  REQUIRE_OK(environment->link("a", "snapshots/a"));
  const auto other = unwrap(environment->create("b"));
  REQUIRE_OK(write(*other, 5, "b"));
  REQUIRE_OK(other->truncate(3));
  REQUIRE_OK(environment->rename("b", "c"));
  REQUIRE_OK(environment->remove("a"));
  SimulatedDisk disk(environment->trace_begin());
  for (const auto& operation : environment->trace()) disk.apply(operation);
  BOOST_TEST((disk.image() == environment->image()));
  BOOST_TEST(disk.image().at("snapshots/a") == "abc");
}

BOOST_FIXTURE_TEST_CASE(the_lock_is_one_owners_or_the_readers_and_the_clock_can_be_set, Fixture) {
  {
    const auto held = unwrap(environment->lock(LockMode::kExclusive));
    CHECK_FAILS(Errc::kLocked, environment->lock(LockMode::kExclusive));
    CHECK_FAILS(Errc::kLocked, environment->lock(LockMode::kShared));
  }
  {
    auto first = unwrap(environment->lock(LockMode::kShared));
    const auto second = unwrap(environment->lock(LockMode::kShared));
    first.reset();
    CHECK_FAILS(Errc::kLocked, environment->lock(LockMode::kExclusive));
  }
  unwrap(environment->lock(LockMode::kExclusive));
  environment->set_clock(5000);
  BOOST_TEST(environment->now_ns() == 6000u);
  BOOST_TEST(environment->now_ns() == 7000u);
}

BOOST_FIXTURE_TEST_CASE(names_that_are_taken_or_missing_are_errors, Fixture) {
  CHECK_FAILS(Errc::kExists, environment->create("a"));
  CHECK_FAILS(Errc::kNotFound, environment->open("b", Environment::Access::kRead));
  CHECK_FAILS(Errc::kNotFound, environment->remove("b"));
  CHECK_FAILS(Errc::kNotFound, environment->rename("b", "c"));
  const auto reader = unwrap(environment->open("a", Environment::Access::kRead));
  BOOST_TEST(!write(*reader, 0, "x").has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
