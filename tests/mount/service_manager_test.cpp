// SPDX-License-Identifier: MIT
#include "fs/binding/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "fs/binding/opening_report.hpp"
#include "fs/binding/service_reporter.hpp"
#include "tests/support/temporary_directory.hpp"

using memoria::ServiceManager;

namespace {

/// What a manager listens at. `name`: a path, or an abstract name that begins with a NUL.
class Inbox {
 public:
  explicit Inbox(const std::string& name) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    const auto length = socklen_t(offsetof(sockaddr_un, sun_path) + name.size());
    BOOST_REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), length) == 0);
  }
  ~Inbox() { ::close(fd_); }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  std::string next() const {
    std::array<char, 1000> text{};
    const auto n = ::recv(fd_, text.data(), text.size(), MSG_DONTWAIT);
    return n < 0 ? "nothing" : std::string(text.data(), size_t(n));
  }

 private:
  int fd_;
};

/// As the manager leaves the environment; a null is not set.
ServiceManager manager_of(const char* socket, const char* interval, const char* pid) {
  const auto set = [](const char* name, const char* value) {
    if (value != nullptr) ::setenv(name, value, 1);
  };
  set("NOTIFY_SOCKET", socket);
  set("WATCHDOG_USEC", interval);
  set("WATCHDOG_PID", pid);
  return ServiceManager::from_environment();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(service_manager)

BOOST_AUTO_TEST_CASE(a_long_opening_is_told_and_waited_for) {
  const memoria::test::TemporaryDirectory directory;
  const auto name = directory.path() + "/notify";
  const Inbox inbox(name);
  const auto manager = manager_of(name.c_str(), nullptr, nullptr);
  using memoria::Progress;
  const Progress read{"open", 70 << 20, 200 << 20};
  const Progress loaded{"index", 3, 4, Progress::Unit::kEntries};
  memoria::OpeningReport eager("/srv/data", &manager, std::chrono::milliseconds(0));
  eager.update(read);
  BOOST_TEST(inbox.next() ==
             "EXTEND_TIMEOUT_USEC=300000000\nSTATUS=Opening /srv/data: 35 % of 200.0 MiB");
  eager.update(loaded);
  BOOST_TEST(inbox.next() ==
             "EXTEND_TIMEOUT_USEC=300000000\nSTATUS=Opening /srv/data: 3 of 4 records");
  memoria::OpeningReport patient("/srv/data", &manager);
  patient.update(read);
  BOOST_TEST(inbox.next() == "nothing");
}

BOOST_AUTO_TEST_CASE(sends_to_a_socket_in_the_file_system) {
  const memoria::test::TemporaryDirectory directory;
  const std::string path = directory.path() + "/notify";
  const Inbox inbox(path);
  manager_of(path.c_str(), nullptr, nullptr).notify("READY=1");
  BOOST_TEST(inbox.next() == "READY=1");
}

BOOST_AUTO_TEST_CASE(sends_to_an_abstract_socket) {
  const auto name = "memoria-test-" + std::to_string(::getpid());
  const Inbox inbox('\0' + name);
  manager_of(("@" + name).c_str(), nullptr, nullptr).notify("STOPPING=1\nSTATUS=x");
  BOOST_TEST(inbox.next() == "STOPPING=1\nSTATUS=x");
}

BOOST_AUTO_TEST_CASE(without_a_listener_nothing_happens) {
  BOOST_TEST(!manager_of(nullptr, nullptr, nullptr).listens());
  manager_of("/nowhere/at/all", nullptr, nullptr).notify("READY=1");
  for (const char* wrong : {"", "/", "relative"}) {
    BOOST_TEST(!manager_of(wrong, nullptr, nullptr).listens());
  }
  BOOST_TEST(!manager_of(("/" + std::string(200, 'x')).c_str(), nullptr, nullptr).listens());
}

BOOST_AUTO_TEST_CASE(children_do_not_inherit_the_right_to_speak) {
  manager_of("/nowhere", "1", "1");
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
    BOOST_TEST(::getenv(name) == nullptr);
  }
}

BOOST_AUTO_TEST_CASE(a_watchdog_that_watches_another_process_is_not_fed) {
  const auto self = std::to_string(::getpid());
  BOOST_TEST(manager_of("/nowhere", "600000", nullptr).watchdog().count() == 600'000);
  BOOST_TEST(manager_of("/nowhere", "600000", self.c_str()).watchdog().count() == 600'000);
  BOOST_TEST(manager_of("/nowhere", "600000", "1").watchdog().count() == 0);
  BOOST_TEST(manager_of("/nowhere", "soon", nullptr).watchdog().count() == 0);
}

BOOST_AUTO_TEST_CASE(the_status_line_has_the_counts) {
  memoria::StoreStats stats;
  stats.keys = 12;
  stats.live_bytes = 9 << 19;
  stats.segments.resize(2);
  BOOST_TEST(memoria::describe_counts(stats, 3) ==
             "3 files, 12 keys, 4.5 MiB live, 0.0 MiB dead in 2 segments");
  stats.read_errors = 1;
  BOOST_TEST(memoria::describe_counts(stats, 3).ends_with(", 1 reads failed"));
  stats.read_only = true;
  stats.read_only_reason = "fdatasync: Input/output error";
  BOOST_TEST(memoria::describe_counts(stats, 3) == "read-only since fdatasync: Input/output error");
}

BOOST_AUTO_TEST_SUITE_END()
