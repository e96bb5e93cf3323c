// SPDX-License-Identifier: MIT
#include "fs/control/server.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <list>
#include <system_error>
#include <thread>

#include "core/base/signals.hpp"
#include "fs/control/connection.hpp"
#include "fs/control/socket_address.hpp"

namespace memoria {
namespace {

/// A connection and its thread.
struct Served {
  Served(UniqueFd fd, Volume& volume, const ControlServerOptions& options,
         const std::atomic<bool>& stopping)
      : connection(std::move(fd), volume, options, stopping), thread(thread_without_signals([this] {
          connection.serve();
          done = true;
        })) {}

  std::atomic<bool> done = false;
  ControlConnection connection;
  std::thread thread;  // last: starts when the rest is there
};

}  // namespace

class ControlServer::Impl {
 public:
  Impl(Volume& volume, const ControlServerOptions& options, ListeningSocket listener, UniqueFd wake)
      : volume_(volume), options_(options), listener_(std::move(listener)), wake_(std::move(wake)) {
    thread_ = thread_without_signals([this] { accept_all(); });
  }

  ~Impl() {
    stopping_ = true;
    eventfd_write(wake_.get(), 1);
    thread_.join();
    for (auto& one : served_) one.connection.stop();
    for (auto& one : served_) one.thread.join();
  }

 private:
  void accept_all() {
    while (!stopping_) {
      pollfd waiting[] = {{listener_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
      ::poll(waiting, 2, -1);
      reap();
      if (stopping_) return;
      accept_one();
    }
  }

  void accept_one() {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      // Out of descriptors: the connection stays in the queue, so poll would return at once.
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
      return;
    }
    if (served_.size() >= options_.max_connections) {
      turn_away(FrameSocket(std::move(fd)), "too many control connections: try again later");
      return;
    }
    try {
      served_.emplace_back(std::move(fd), volume_, options_, stopping_);
    } catch (const std::system_error&) {  // no thread: the connection is closed, the client told so
      const auto& logger = volume_.store().options().logger;
      if (logger) logger(Severity::kWarning, "no thread for a control connection");
    }
  }

  static void turn_away(FrameSocket socket, std::string_view why) {
    const Error error(Errc::kConflict, std::string(why));
    (void)socket.send(FrameType::kError, to_text(error_to_json(error)), {});
  }

  /// Joins the threads that are through.
  void reap() {
    served_.remove_if([](Served& one) {
      if (!one.done) return false;
      one.thread.join();
      return true;
    });
  }

  Volume& volume_;
  const ControlServerOptions options_;
  ListeningSocket listener_;
  UniqueFd wake_;
  std::atomic<bool> stopping_ = false;
  std::list<Served> served_;  // used by thread_ alone, until that has been joined
  std::thread thread_;
};

Result<std::unique_ptr<ControlServer>> ControlServer::start(Volume& volume,
                                                            const std::string& socket_path,
                                                            const ControlServerOptions& options) {
  MEMORIA_TRY(auto listener, ListeningSocket::at(socket_path));
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return Error::from_errno(errno, "make", "an event");
  try {
    auto impl = std::make_unique<Impl>(volume, options, std::move(listener), std::move(wake));
    return std::unique_ptr<ControlServer>(new ControlServer(std::move(impl)));
  } catch (const std::system_error& error) {
    return Error::from_errno(error.code().value(), "start", "the thread of the control socket");
  }
}

ControlServer::ControlServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControlServer::~ControlServer() = default;

}  // namespace memoria
