// SPDX-License-Identifier: MIT
// One file over system calls that misbehave.
#include <cerrno>
#include <map>

#include "core/io/environment.hpp"
#include "tests/support/check.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/system_calls/faulty_calls.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(local_file)

// A loop that never ends would otherwise not fail, but hang.
constexpr int kPatience = 10'000;

struct Fixture {
  TemporaryDirectory directory;
  std::shared_ptr<Environment> environment = unwrap(open_directory(directory.path(), false));
  std::unique_ptr<File> file = unwrap(environment->create("a"));
  Random random{base_seed()};

  std::string expected;
  std::vector<iovec> parts;

  Fixture() {
    // More than the kernel takes at once, some of them empty.
    expected = random.bytes(20'000);
    for (size_t at = 0; at < expected.size();) {
      const size_t n = std::min<size_t>(random.below(12), expected.size() - at);
      parts.push_back({expected.data() + at, n});
      at += n;
    }
    BOOST_REQUIRE(parts.size() > 2000u);
  }
};

BOOST_FIXTURE_TEST_CASE(what_the_system_cuts_short_goes_on_where_it_stopped, Fixture) {
  const FaultyCalls faulty([&](SystemCall, size_t bytes) {
    return Misbehaviour{.at_most = random.between(1, std::max<size_t>(bytes, 1))};
  });
  REQUIRE_OK(file->write(7, parts));
  std::string out(expected.size() + 100, '\xee');
  BOOST_TEST(unwrap(file->read(7, out)) == expected.size());  // and short at the end of the file
  BOOST_TEST((out.substr(0, expected.size()) == expected));
  BOOST_TEST((read_whole_file(directory.path("a")) == std::string(7, '\0') + expected));
  BOOST_TEST(faulty.hits() > 10u);
}

BOOST_FIXTURE_TEST_CASE(a_write_of_no_bytes_at_all_is_a_full_disk, Fixture) {
  for (const size_t first : {0, 100}) {
    int calls = 0;
    const FaultyCalls faulty([&](SystemCall call, size_t) {
      if (call != SystemCall::kWrite) return Misbehaviour{};
      if (++calls > kPatience) return Misbehaviour{.error = EIO};
      return Misbehaviour{.at_most = calls == 1 ? first : 0};
    });
    CHECK_FAILS(Errc::kNoSpace, file->write(0, parts));
    BOOST_TEST(calls < 5);
  }
  REQUIRE_OK(file->write(0, parts));
  BOOST_TEST((read_whole_file(directory.path("a")) == expected));
}

BOOST_FIXTURE_TEST_CASE(a_write_of_empty_parts_is_none, Fixture) {
  const std::vector<iovec> empty(3000, iovec{expected.data(), 0});
  REQUIRE_OK(file->write(0, empty));
  REQUIRE_OK(file->write(0, {}));
  BOOST_TEST(unwrap(file->size()) == 0u);
}

BOOST_FIXTURE_TEST_CASE(an_error_in_the_middle_of_a_write_is_told, Fixture) {
  for (const int error : {ENOSPC, EDQUOT, EIO}) {
    int calls = 0;
    const FaultyCalls faulty([&](SystemCall, size_t) {
      return ++calls == 1 ? Misbehaviour{.at_most = 1000} : Misbehaviour{.error = error};
    });
    CHECK_FAILS(error == EIO ? Errc::kIo : Errc::kNoSpace, file->write(0, parts));
    BOOST_TEST(calls == 2);
  }
}

BOOST_FIXTURE_TEST_CASE(what_a_signal_interrupts_is_done_all_the_same, Fixture) {
  std::map<SystemCall, int> interrupted;
  const FaultyCalls faulty([&](SystemCall call, size_t) {
    return ++interrupted[call] % 3 == 0 ? Misbehaviour{} : Misbehaviour{.error = EINTR};
  });
  REQUIRE_OK(file->write(0, parts));
  REQUIRE_OK(file->sync());
  REQUIRE_OK(file->truncate(10'000));
  std::string out(expected.size(), '\xee');
  BOOST_TEST(unwrap(file->read(0, out)) == 10'000u);
  REQUIRE_OK(environment->sync_directory());
  unwrap(environment->create("b"));
  unwrap(environment->open("b", Environment::Access::kWrite));
  REQUIRE_OK(environment->make_directory("sub"));
  unwrap(environment->directory("sub"));
  unwrap(environment->space());
  unwrap(environment->lock(LockMode::kExclusive));
  unwrap(open_directory(directory.path(), false));
  for (const auto call :
       {SystemCall::kOpen, SystemCall::kRead, SystemCall::kWrite, SystemCall::kSync,
        SystemCall::kTruncate, SystemCall::kSpace, SystemCall::kLock}) {
    BOOST_TEST(interrupted[call] >= 3, "call " << int(call) << " was never interrupted");
  }
}

BOOST_FIXTURE_TEST_CASE(who_is_refused_a_lock_is_told_who_has_it, Fixture) {
  const auto refused = [&](LockMode mode) {
    const auto lock = environment->lock(mode);
    CHECK_FAILS(Errc::kLocked, lock);
    return lock.has_value() ? std::string() : lock.error().describe();
  };
  const auto self = "in use by process " + std::to_string(::getpid()) + ";";
  {
    const auto owner = unwrap(environment->lock(LockMode::kExclusive));
    BOOST_TEST(refused(LockMode::kExclusive).find(self) != std::string::npos);
    BOOST_TEST(refused(LockMode::kShared).find(self) != std::string::npos);
  }
  const auto reader = unwrap(environment->lock(LockMode::kShared));
  const auto another = unwrap(environment->lock(LockMode::kShared));
  // Not every filesystem's files can be found in /proc/locks.
  const auto said = refused(LockMode::kExclusive);
  BOOST_TEST((said.find(self) != std::string::npos ||
              said.find("in use by another process;") != std::string::npos));
}

BOOST_FIXTURE_TEST_CASE(no_descriptor_left_is_an_error_of_its_own, Fixture) {
  for (const int error : {EMFILE, ENFILE}) {
    const FaultyCalls faulty([&](SystemCall, size_t) { return Misbehaviour{.error = error}; });
    const auto opened = environment->open("a", Environment::Access::kRead);
    CHECK_FAILS(Errc::kIo, opened);
    BOOST_TEST((!opened.has_value() && opened.error().lacks_descriptors()));
  }
  BOOST_TEST(!Error::from_errno(EIO, "open", "a").lacks_descriptors());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
