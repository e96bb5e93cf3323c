// SPDX-License-Identifier: MIT
// Socket addresses, permissions, and frames over a socket that stalls or breaks.
#include <sys/socket.h>
#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>
#include <thread>

#include "fs/control/frame_socket.hpp"
#include "fs/control/socket_address.hpp"
#include "tests/support/check.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace memoria;
using namespace std::chrono_literals;

namespace {

struct Pair {
  FrameSocket socket;
  UniqueFd other;
};

Pair make_pair() {
  int fds[2];
  BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  return {FrameSocket(UniqueFd(fds[0])), UniqueFd(fds[1])};
}

void send_raw(int fd, std::string_view bytes) {
  BOOST_REQUIRE(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == ssize_t(bytes.size()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(socket_address)

BOOST_AUTO_TEST_CASE(socket_is_for_its_owner_only) {
  const test::TemporaryDirectory directory;
  const auto path = directory.path("control");
  const auto listener = test::unwrap(ListeningSocket::at(path));
  struct stat found {};
  BOOST_REQUIRE(::stat(path.c_str(), &found) == 0);
  BOOST_TEST((found.st_mode & 07777) == 0600);
  BOOST_TEST(connect_to(path).has_value());
}

BOOST_AUTO_TEST_CASE(only_the_owner_and_root_may_control) {
  BOOST_TEST(may_control(1000, 1000));
  BOOST_TEST(may_control(0, 1000));
  BOOST_TEST(!may_control(1001, 1000));
  BOOST_TEST(!may_control(1000, 0));
}

BOOST_AUTO_TEST_CASE(peer_is_known_by_its_user) {
  const auto pair = make_pair();
  BOOST_TEST(test::unwrap(peer_of(pair.other.get())).uid == ::geteuid());
}

BOOST_AUTO_TEST_CASE(path_longer_than_a_socket_address_works) {
  const test::TemporaryDirectory directory;
  const auto deep = directory.path(std::string(200, 'd'));
  boost::filesystem::create_directory(deep);
  const auto listener = test::unwrap(ListeningSocket::at(deep + "/control"));
  BOOST_TEST(connect_to(deep + "/control").has_value());
}

BOOST_AUTO_TEST_CASE(socket_of_a_dead_owner_is_replaced) {
  const test::TemporaryDirectory directory;
  const auto path = directory.path("control");
  {
    const auto dead = test::unwrap(ListeningSocket::at(path));
    boost::filesystem::rename(path, path + ".left");
  }
  boost::filesystem::rename(path + ".left", path);
  CHECK_FAILS(Errc::kNotFound, connect_to(path));
  const auto listener = test::unwrap(ListeningSocket::at(path));
  BOOST_TEST(connect_to(path).has_value());
}

/// The owner of a directory may put another in its place while a daemon of root's listens there.
BOOST_AUTO_TEST_CASE(what_is_removed_at_the_end_is_the_socket_wherever_it_is) {
  const test::TemporaryDirectory directory;
  const auto place = directory.path("place"), moved = directory.path("moved");
  boost::filesystem::create_directory(place);
  {
    const auto listener = test::unwrap(ListeningSocket::at(place + "/control"));
    boost::filesystem::rename(place, moved);
    boost::filesystem::create_directory(place);
    test::write_whole_file(place + "/control", "precious");
  }
  BOOST_TEST(test::read_whole_file(place + "/control") == "precious");
  BOOST_TEST(boost::filesystem::is_empty(moved));
}

BOOST_AUTO_TEST_CASE(ordinary_file_is_not_replaced) {
  const test::TemporaryDirectory directory;
  test::write_whole_file(directory.path("control"), "precious");
  CHECK_FAILS(Errc::kExists, ListeningSocket::at(directory.path("control")));
  BOOST_TEST(test::read_whole_file(directory.path("control")) == "precious");
}

BOOST_AUTO_TEST_CASE(nobody_listens_where_there_is_nothing) {
  const test::TemporaryDirectory directory;
  CHECK_FAILS(Errc::kNotFound, connect_to(directory.path("control")));
  CHECK_FAILS(Errc::kNotFound, connect_to(directory.path("no/such/control")));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(frame_socket)

BOOST_AUTO_TEST_CASE(close_between_frames_is_an_end_and_within_one_an_error) {
  auto clean = make_pair();
  send_raw(clean.other.get(), encode_frame_head(FrameType::kEnd, 0));
  clean.other.reset();
  BOOST_TEST(test::unwrap(clean.socket.receive(1s)).has_value());
  BOOST_TEST(!test::unwrap(clean.socket.receive(1s)).has_value());

  auto torn = make_pair();
  send_raw(torn.other.get(), encode_frame_head(FrameType::kData, 10) + "half");
  torn.other.reset();
  const auto result = torn.socket.receive(1s);
  CHECK_FAILS(Errc::kIo, result);
  BOOST_TEST(result.error().system == ECONNRESET);
}

BOOST_AUTO_TEST_CASE(frame_that_trickles_in_runs_into_the_limit) {
  auto pair = make_pair();
  std::jthread trickle([fd = pair.other.get()](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      (void)::send(fd, "\0", 1, MSG_NOSIGNAL);
      std::this_thread::sleep_for(20ms);
    }
  });
  // Its zeros would make a head with an unknown type after five bytes: that is refused at once.
  CHECK_FAILS(Errc::kInvalidArgument, pair.socket.receive(5s));

  auto slow = make_pair();
  send_raw(slow.other.get(), encode_frame_head(FrameType::kData, 1000));
  std::jthread bytes([fd = slow.other.get()](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      (void)::send(fd, "x", 1, MSG_NOSIGNAL);
      std::this_thread::sleep_for(20ms);
    }
  });
  const auto result = slow.socket.receive(200ms);
  CHECK_FAILS(Errc::kIo, result);
  BOOST_TEST(result.error().system == ETIMEDOUT);
}

BOOST_AUTO_TEST_CASE(peer_that_takes_nothing_runs_into_the_limit) {
  auto pair = make_pair();
  const std::string large(kMaxFramePayload, 'x');
  Status sent = ok();
  for (int i = 0; i < 8 && sent; ++i) sent = pair.socket.send(FrameType::kData, large, 100ms);
  CHECK_FAILS(Errc::kIo, sent);
  BOOST_TEST(sent.error().system == ETIMEDOUT);
  BOOST_TEST(!pair.socket.ready_to_send());
  // Half a frame is on its way: whatever came behind it would be taken for the other half.
  FrameSocket other(std::move(pair.other));
  while (other.receive(10ms)) {
  }
  CHECK_FAILS(Errc::kIo, pair.socket.send(FrameType::kEnd, {}, 100ms));
}

BOOST_AUTO_TEST_CASE(answer_can_be_sent_after_receiving_was_stopped) {
  auto pair = make_pair();
  pair.socket.stop_receiving();
  BOOST_TEST(!test::unwrap(pair.socket.receive(1h)).has_value());
  REQUIRE_OK(pair.socket.send(FrameType::kResult, "{}", 1s));
  FrameSocket other(std::move(pair.other));
  BOOST_TEST(test::unwrap(other.receive(1s))->payload == "{}");
}

BOOST_AUTO_TEST_CASE(large_frames_arrive_whole) {
  auto pair = make_pair();
  FrameSocket other(std::move(pair.other));
  const std::string large(kMaxFramePayload, 'y');
  std::jthread sender([&] { (void)pair.socket.send(FrameType::kData, large, 5s); });
  const auto frame = test::unwrap(other.receive(5s));
  BOOST_REQUIRE(frame.has_value());
  BOOST_TEST((frame->payload == large));
}

BOOST_AUTO_TEST_CASE(waiting_ends_when_it_is_cancelled_or_shut_down) {
  auto pair = make_pair();
  CHECK_FAILS(Errc::kCancelled, pair.socket.receive(1h, [] { return true; }));
  std::jthread ender([&] {
    std::this_thread::sleep_for(50ms);
    pair.socket.shutdown();
  });
  BOOST_TEST(!test::unwrap(pair.socket.receive(1h)).has_value());
}

BOOST_AUTO_TEST_CASE(departed_peer_is_noticed) {
  auto pair = make_pair();
  BOOST_TEST(!pair.socket.peer_gone());
  send_raw(pair.other.get(), "unread");
  pair.other.reset();
  BOOST_TEST(pair.socket.peer_gone());
  const auto sent = pair.socket.send(FrameType::kEnd, {}, 1s);
  CHECK_FAILS(Errc::kIo, sent);
  BOOST_TEST(sent.error().system == ECONNRESET);
}

BOOST_AUTO_TEST_SUITE_END()
