// SPDX-License-Identifier: MIT
// The control socket against those who mean no good, or just stall.
#include "fs/control/server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <mutex>
#include <thread>

#include "core/base/coding.hpp"
#include "fs/control/client.hpp"
#include "fs/control/socket_address.hpp"
#include "fs/control/tree_stream.hpp"
#include "tests/control/helpers.hpp"
#include "tests/support/check.hpp"

using namespace memoria;
using namespace std::chrono_literals;
using memoria::test::RecordingSink;
using memoria::test::SampleStore;
using memoria::test::TextSource;

namespace {

const auto kImpatient =
    ControlServerOptions{.max_connections = 4, .request_limit = 300ms, .stall_limit = 300ms};

FrameSocket connect(const SampleStore& place) {
  return FrameSocket(test::unwrap(connect_to(place.path() + "/control")));
}

void send_raw(const FrameSocket& socket, std::string_view bytes) {
  (void)::send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

Result<Json> ask(const SampleStore& place, const Json& request) {
  auto client = test::unwrap(ControlClient::connect(place.path()));
  RecordingSink sink;
  TextSource source;
  return client->execute(request, sink, source);
}

bool answers(const SampleStore& place) {
  return ask(place, {{"command", "stats"}}).has_value();
}

/// The code in the X frame that ends the connection; "nothing" without one.
std::string refusal(FrameSocket& socket) {
  for (;;) {
    const auto frame = socket.receive(10s);
    if (!frame || !frame.value()) return "nothing";
    if (frame.value()->type == FrameType::kError) {
      return test::unwrap(parse_payload(*frame.value()))["code"];
    }
  }
}

std::string frame(FrameType type, const std::string& payload) {
  return encode_frame_head(type, payload.size()) + payload;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(server)

BOOST_AUTO_TEST_CASE(request_is_answered_and_the_connection_ends) {
  const SampleStore place(true);
  auto socket = connect(place);
  send_raw(socket, frame(FrameType::kRequest, R"({"protocol":1,"command":"stats"})"));
  const auto items = test::unwrap(socket.receive(5s));
  BOOST_TEST(char(items->type) == 'I');
  BOOST_TEST(test::unwrap(parse_payload(*items)).is_array());
  const auto result = test::unwrap(socket.receive(5s));
  BOOST_TEST(char(result->type) == 'R');
  BOOST_TEST(test::unwrap(parse_payload(*result))["kind"] == "volume");
  BOOST_TEST(!test::unwrap(socket.receive(5s)).has_value());
}

BOOST_AUTO_TEST_CASE(garbage_ends_its_connection_with_an_error_and_nothing_else) {
  const SampleStore place(true);
  const std::string oversized = std::string("\xff\xff\xff\xff", 4) + "Q";
  for (const std::string& garbage :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100'000, '\0'), oversized,
        frame(FrameType::kRequest, "not json"), frame(FrameType::kRequest, "[1,2]"),
        frame(FrameType::kRequest, std::string(kMaxFramePayload, '[')),
        frame(FrameType::kData, "data first"), frame(FrameType::kResult, "{}")}) {
    auto socket = connect(place);
    send_raw(socket, garbage);
    BOOST_TEST(refusal(socket) == "invalid-argument");
  }
  BOOST_TEST(answers(place));
}

BOOST_AUTO_TEST_CASE(random_garbage_never_stops_the_server) {
  const SampleStore place(true, kImpatient);
  const auto seed = test::base_seed();
  WITH_SEED(seed) {
    test::Random random(seed);
    for (uint64_t round = 0; round < test::rounds(50); ++round) {
      auto socket = connect(place);
      auto bytes = random.bytes(random.below(200));
      if (random.one_in(2)) bytes = frame(FrameType::kRequest, bytes);
      send_raw(socket, bytes);
      if (random.one_in(2)) socket.shutdown();
    }
    std::this_thread::sleep_for(400ms);  // those that sent half a frame run into the limit
    BOOST_TEST(answers(place));
  }
}

BOOST_AUTO_TEST_CASE(garbage_makes_one_log_line) {
  const test::TemporaryDirectory directory;
  std::mutex mutex;
  std::vector<std::string> lines;
  const auto volume = test::open_volume(directory.path(), [&](Severity s, std::string_view line) {
    const std::lock_guard lock(mutex);
    if (s >= Severity::kWarning) lines.emplace_back(line);
  });
  {
    const auto running =
        test::unwrap(ControlServer::start(*volume, directory.path("control"), kImpatient));
    FrameSocket socket(test::unwrap(connect_to(directory.path("control"))));
    send_raw(socket, "garbage that is no frame");
    BOOST_TEST(refusal(socket) == "invalid-argument");
    // Connecting and going away again is no event.
    connect_to(directory.path("control")).value().reset();
  }
  BOOST_REQUIRE(lines.size() == 1);
  BOOST_TEST(lines[0].find("control") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(client_of_another_version_is_told_so) {
  const SampleStore place(true);
  for (const char* request : {R"({"command":"stats"})", R"({"protocol":2,"command":"stats"})",
                              R"({"protocol":"1","command":"stats"})"}) {
    auto socket = connect(place);
    send_raw(socket, frame(FrameType::kRequest, request));
    BOOST_TEST(refusal(socket) == "unsupported");
  }
}

BOOST_AUTO_TEST_CASE(client_that_sends_half_a_request_is_given_up) {
  const SampleStore place(true, kImpatient);
  auto socket = connect(place);
  send_raw(socket, encode_frame_head(FrameType::kRequest, 100) + "half");
  const auto begin = std::chrono::steady_clock::now();
  BOOST_TEST(refusal(socket) == "io-error");
  BOOST_TEST((std::chrono::steady_clock::now() - begin < 5s));
}

BOOST_AUTO_TEST_CASE(stalled_put_is_given_up_and_changes_nothing) {
  SampleStore place(true, kImpatient);
  auto socket = connect(place);
  send_raw(socket, frame(FrameType::kRequest, R"({"protocol":1,"command":"put","path":"/hello"})"));
  send_raw(socket, frame(FrameType::kData, "half"));
  BOOST_TEST(refusal(socket) == "io-error");
  BOOST_TEST(test::file_contents(place.volume(), "/hello") == "hello, world");
}

BOOST_AUTO_TEST_CASE(put_whose_client_vanishes_changes_nothing) {
  SampleStore place(true);
  const auto files = place.volume().files();
  {
    auto socket = connect(place);
    send_raw(socket,
             frame(FrameType::kRequest, R"({"protocol":1,"command":"put","path":"/hello"})"));
    send_raw(socket, frame(FrameType::kData, "half"));
  }
  place.stop_server();
  BOOST_TEST(test::file_contents(place.volume(), "/hello") == "hello, world");
  BOOST_TEST(place.volume().files() == files);
}

BOOST_AUTO_TEST_CASE(reader_that_takes_nothing_is_given_up) {
  SampleStore place(true, kImpatient);
  test::put_file(place.volume(), "/large", std::string(8 << 20, 'x'));
  auto socket = connect(place);
  send_raw(socket, frame(FrameType::kRequest, R"({"protocol":1,"command":"get","path":"/large"})"));
  std::this_thread::sleep_for(1s);
  BOOST_TEST(socket.peer_gone());
  BOOST_TEST(answers(place));
}

BOOST_AUTO_TEST_CASE(more_clients_than_allowed_are_turned_away_until_others_end) {
  const SampleStore place(true, {.max_connections = 4});
  std::vector<FrameSocket> idle;
  for (int i = 0; i < 4; ++i) idle.push_back(connect(place));
  auto one_more = connect(place);
  BOOST_TEST(refusal(one_more) == "conflict");
  idle.clear();
  bool served = false;  // the places come back when the server has noticed
  for (int attempt = 0; attempt < 500 && !served; ++attempt) {
    served = answers(place);
    if (!served) std::this_thread::sleep_for(20ms);
  }
  BOOST_TEST(served);
}

BOOST_AUTO_TEST_CASE(many_clients_at_once_are_all_served) {
  const SampleStore place(true, {.max_connections = 32});
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 16; ++i) {
      clients.emplace_back([&] {
        auto client = ControlClient::connect(place.path());
        if (!client) return;
        RecordingSink sink;
        TextSource source;
        const Json request = {{"command", "get"}, {"path", "/directory/inner"}};
        const auto result = client.value()->execute(request, sink, source);
        if (result && sink.received == SampleStore::inner()) ++right;
      });
    }
  }
  BOOST_TEST(right == 16);
}

BOOST_AUTO_TEST_CASE(puts_of_one_file_at_once_leave_one_of_them_whole) {
  SampleStore place(true);
  {
    std::vector<std::jthread> clients;
    for (char c = 'a'; c < 'i'; ++c) {
      clients.emplace_back([&, c] {
        auto client = ControlClient::connect(place.path());
        if (!client) return;
        RecordingSink sink;
        TextSource source(std::string(600'000, c));
        (void)client.value()->execute({{"command", "put"}, {"path", "/hello"}}, sink, source);
      });
    }
  }
  const auto left = test::file_contents(place.volume(), "/hello");
  BOOST_TEST((left == std::string(600'000, left[0])));
}

BOOST_AUTO_TEST_CASE(refused_put_of_a_large_file_tells_why) {
  const SampleStore place(true);
  auto client = test::unwrap(ControlClient::connect(place.path()));
  RecordingSink sink;
  TextSource source(std::string(4 << 20, 'x'));
  CHECK_FAILS(Errc::kNotFound,
              client->execute({{"command", "put"}, {"path", "/no/such/parent"}}, sink, source));
}

/// Tells how much progress had been heard of when its last bytes were taken.
struct SlowSource : TextSource {
  SlowSource(std::string t, const RecordingSink& s) : TextSource(std::move(t)), sink(s) {}
  Result<size_t> read(std::span<char> out) override {
    heard = sink.progresses;
    if (!text.empty()) std::this_thread::sleep_for(50ms);
    return TextSource::read(out);
  }
  const RecordingSink& sink;
  int heard = 0;
};

BOOST_AUTO_TEST_CASE(progress_is_heard_while_data_are_sent) {
  const SampleStore place(true);
  auto client = test::unwrap(ControlClient::connect(place.path()));
  RecordingSink sink;
  SlowSource source(std::string(4 << 20, 'x'), sink);
  test::unwrap(client->execute({{"command", "put"}, {"path", "/hello"}}, sink, source));
  BOOST_TEST(source.heard >= 3);
}

BOOST_AUTO_TEST_CASE(refusal_is_heard_while_data_are_sent) {
  const SampleStore place(true);
  auto client = test::unwrap(ControlClient::connect(place.path()));
  RecordingSink sink;
  SlowSource source(std::string(64 << 20, 'x'), sink);
  CHECK_FAILS(Errc::kNotFound,
              client->execute({{"command", "put"}, {"path", "/no/such/parent"}}, sink, source));
  BOOST_TEST(source.text.size() > 60u << 20);
}

BOOST_AUTO_TEST_CASE(more_remarks_than_the_socket_holds_hold_nobody_up) {
  const SampleStore place(true, {.stall_limit = 2s});
  constexpr size_t kEntries = 10'000;
  std::string tree;
  TreeEntry entry;
  entry.mode = S_IFREG | 0644;
  for (size_t i = 0; i < kEntries; ++i) {
    entry.path = "../" + std::to_string(i);
    tree += encode(entry);
  }
  tree += encode_tree_end();
  auto client = test::unwrap(ControlClient::connect(place.path()));
  RecordingSink sink;
  TextSource source(std::move(tree));
  const auto result =
      test::unwrap(client->execute({{"command", "import"}, {"path", "/new"}}, sink, source));
  BOOST_TEST(result["clean"] == false);
  BOOST_TEST(sink.items.size() == kEntries);
}

BOOST_AUTO_TEST_CASE(progress_is_told_to_a_reader_who_is_slower_than_the_disk) {
  const SampleStore place(true);
  std::string large(8 << 20, 'x');
  for (size_t i = 0; i < large.size(); i += 100) large[i] = char(i * 31);
  auto client = test::unwrap(ControlClient::connect(place.path()));
  struct SlowSink : RecordingSink {
    Status data(std::string_view bytes) override {
      std::this_thread::sleep_for(20ms);
      return RecordingSink::data(bytes);
    }
  } sink;
  TextSource source(large);
  test::unwrap(client->execute({{"command", "put"}, {"path", "/large"}}, sink, source));
  client = test::unwrap(ControlClient::connect(place.path()));
  sink.progresses = 0;
  test::unwrap(client->execute({{"command", "get"}, {"path", "/large"}}, sink, source));
  BOOST_TEST((sink.received == large));
  BOOST_TEST(sink.progresses >= 4);
}

BOOST_AUTO_TEST_CASE(stopping_ends_idle_and_busy_connections_and_removes_the_socket) {
  SampleStore place(true);
  test::put_file(place.volume(), "/large", std::string(8 << 20, 'x'));
  auto idle = connect(place);
  auto busy = connect(place);
  send_raw(busy, frame(FrameType::kRequest, R"({"protocol":1,"command":"get","path":"/large"})"));
  std::this_thread::sleep_for(50ms);
  const auto begin = std::chrono::steady_clock::now();
  place.stop_server();
  BOOST_TEST((std::chrono::steady_clock::now() - begin < 5s));
  BOOST_TEST(refusal(busy) == "nothing");  // the file's bytes were on their way
  BOOST_TEST(!boost::filesystem::exists(place.path() + "/control"));
  CHECK_FAILS(Errc::kNotFound, ControlClient::connect(place.path()));
}

BOOST_AUTO_TEST_CASE(client_is_told_when_the_daemon_ends) {
  SampleStore place(true);
  auto socket = connect(place);
  send_raw(socket, frame(FrameType::kRequest, R"({"protocol":1,"command":"put","path":"/hello"})"));
  send_raw(socket, frame(FrameType::kData, "half"));
  std::this_thread::sleep_for(100ms);
  place.stop_server();
  BOOST_TEST(refusal(socket) == "closed");
  BOOST_TEST(test::file_contents(place.volume(), "/hello") == "hello, world");
}

BOOST_AUTO_TEST_CASE(cancelled_client_returns_at_once) {
  const SampleStore place(true);
  auto client = test::unwrap(ControlClient::connect(place.path()));
  RecordingSink sink;
  sink.stop = true;
  TextSource source;
  CHECK_FAILS(Errc::kCancelled, client->execute({{"command", "verify"}}, sink, source));
  BOOST_TEST(answers(place));
}

BOOST_AUTO_TEST_CASE(other_users_are_refused_even_when_they_reach_the_socket) {
  if (::geteuid() != 0) return;  // only root can become somebody else
  const SampleStore place(true);
  const auto path = place.path() + "/control";
  BOOST_REQUIRE(::chmod(place.path().c_str(), 0777) == 0);
  BOOST_REQUIRE(::chmod(path.c_str(), 0666) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (::setresuid(kNobody, kNobody, kNobody) != 0) ::_exit(10);
    auto fd = connect_to(path);
    if (!fd) ::_exit(11);
    FrameSocket socket(std::move(fd.value()));
    const auto answer = socket.receive(5s);
    if (!answer || !answer.value()) ::_exit(12);
    const auto json = parse_payload(*answer.value());
    ::_exit(json && json.value().value("errno", 0) == EPERM ? 0 : 13);
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_TEST(WIFEXITED(status));
  BOOST_TEST(WEXITSTATUS(status) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
