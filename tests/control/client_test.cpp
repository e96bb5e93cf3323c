// SPDX-License-Identifier: MIT
// What a client that is told to stop says of a command that a daemon already has.
#include "fs/control/client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <thread>

#include "fs/control/socket_address.hpp"
#include "tests/control/helpers.hpp"
#include "tests/support/check.hpp"

using namespace memoria;
using namespace std::chrono_literals;
using memoria::test::RecordingSink;
using memoria::test::TextSource;

namespace {

/// A daemon with one client, who gives up as soon as his request is here.
class Daemon {
 public:
  /// `answer` is what it does once it knows that the client gave up.
  Daemon(RecordingSink& sink, std::function<void(FrameSocket&)> answer)
      : listener_(test::unwrap(ListeningSocket::at(directory_.path("control")))),
        thread_([this, &sink, answer = std::move(answer)] {
          pollfd waiting{listener_.get(), POLLIN, 0};
          ::poll(&waiting, 1, -1);
          FrameSocket socket(UniqueFd(::accept(listener_.get(), nullptr, nullptr)));
          (void)socket.receive(10s);
          sink.stop = true;
          for (int i = 0; i < 1000 && !socket.peer_gone(); ++i) std::this_thread::sleep_for(10ms);
          knew_ = socket.peer_gone();
          answer(socket);
        }) {}
  ~Daemon() {
    thread_.join();
    BOOST_TEST(knew_);
  }

  Result<Json> asked(RecordingSink& sink) const {
    auto client = test::unwrap(ControlClient::connect(directory_.path()));
    TextSource source;
    return client->execute({{"command", "snapshot-create"}}, sink, source);
  }

 private:
  test::TemporaryDirectory directory_;
  ListeningSocket listener_;
  bool knew_ = false;
  std::thread thread_;
};

void send(FrameSocket& socket, FrameType type, const Json& json) {
  (void)socket.send(type, to_text(json), 5s);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(client)

BOOST_AUTO_TEST_CASE(what_was_done_before_the_daemon_knew_is_told_as_done) {
  RecordingSink sink;
  const Daemon daemon(sink, [](FrameSocket& socket) {
    send(socket, FrameType::kItems, Json::array({1}));
    send(socket, FrameType::kResult, {{"made", true}});
  });
  BOOST_TEST(test::unwrap(daemon.asked(sink))["made"] == true);
  BOOST_TEST(sink.items.size() == 1);
}

BOOST_AUTO_TEST_CASE(what_the_daemon_stopped_is_cancelled) {
  RecordingSink sink;
  const Daemon daemon(sink, [](FrameSocket& socket) {
    send(socket, FrameType::kError, error_to_json(Error(Errc::kCancelled, "nothing was done")));
  });
  const auto asked = daemon.asked(sink);
  CHECK_FAILS(Errc::kCancelled, asked);
  BOOST_TEST(asked.error().system != EINPROGRESS);
}

BOOST_AUTO_TEST_CASE(when_the_daemon_says_nothing_more_it_may_be_done) {
  RecordingSink sink;
  const auto begin = std::chrono::steady_clock::now();
  std::atomic<bool> given_up = false;
  const Daemon daemon(sink, [&](FrameSocket& socket) {
    for (int i = 0; i < 2000 && !given_up; ++i) {  // progress is no last word
      send(socket, FrameType::kProgress, progress_to_json({"merge", 1, 2}));
      std::this_thread::sleep_for(10ms);
    }
  });
  const auto asked = daemon.asked(sink);
  given_up = true;
  CHECK_FAILS(Errc::kCancelled, asked);
  BOOST_TEST(asked.error().system == EINPROGRESS);
  BOOST_TEST(asked.error().message.find("may still be done") != std::string::npos);
  BOOST_TEST((std::chrono::steady_clock::now() - begin < 10s));
}

BOOST_AUTO_TEST_CASE(what_is_cancelled_in_advance_is_not_asked_for) {
  test::SampleStore place(true);
  auto client = test::unwrap(ControlClient::connect(place.path()));
  RecordingSink sink;
  sink.stop = true;
  TextSource source;
  CHECK_FAILS(Errc::kCancelled,
              client->execute({{"command", "rm"}, {"path", "/hello"}}, sink, source));
  place.stop_server();  // waits for what it still does
  BOOST_TEST(test::file_contents(place.volume(), "/hello") == "hello, world");
}

BOOST_AUTO_TEST_SUITE_END()
