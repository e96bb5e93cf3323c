// SPDX-License-Identifier: MIT
#include "fs/control/frame_socket.hpp"

#include <poll.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace memoria {
namespace {

constexpr auto kTick = std::chrono::milliseconds(200);
constexpr size_t kReceiveSize = 64 << 10;

short poll_now(int fd, short events) {
  pollfd entry{fd, events, 0};
  return ::poll(&entry, 1, 0) > 0 ? entry.revents : short{0};
}

Error connection_lost() {
  return {Errc::kIo, ECONNRESET, "the other end closed the control connection"};
}

/// Takes `n` bytes off the front of the parts.
void advance(msghdr& message, size_t n) {
  while (message.msg_iovlen > 0 && n >= message.msg_iov->iov_len) {
    n -= message.msg_iov->iov_len;
    ++message.msg_iov;
    --message.msg_iovlen;
  }
  if (message.msg_iovlen > 0) {
    message.msg_iov->iov_base = static_cast<char*>(message.msg_iov->iov_base) + n;
    message.msg_iov->iov_len -= n;
  }
}

}  // namespace

Status FrameSocket::wait(short events, Clock::time_point until, const Cancelled& cancelled) const {
  for (;;) {
    if (cancelled && cancelled()) return Error(Errc::kCancelled);
    const auto left = until - Clock::now();
    if (left <= Clock::duration::zero()) {
      return Error(Errc::kIo, ETIMEDOUT, "the other end of the control connection stalled");
    }
    const auto tick = std::chrono::ceil<std::chrono::milliseconds>(
        cancelled ? std::min<Clock::duration>(left, kTick) : left);
    pollfd entry{fd_.get(), events, 0};
    const int n = ::poll(&entry, 1, int(std::min<int64_t>(tick.count(), 1'000'000)));
    if (n > 0) return ok();
    if (n < 0 && errno != EINTR) return Error::from_errno(errno, "wait on", "the control socket");
  }
}

Result<std::optional<Frame>> FrameSocket::receive(Clock::duration limit,
                                                  const Cancelled& cancelled) {
  const auto until = Clock::now() + limit;
  std::string buffer(kReceiveSize, '\0');
  for (;;) {
    MEMORIA_TRY(auto frame, decoder_.next());
    if (frame) return frame;
    MEMORIA_TRY(wait(POLLIN, until, cancelled));
    const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n > 0) {
      decoder_.append(std::string_view(buffer).substr(0, size_t(n)));
    } else if (n == 0) {
      if (!decoder_.at_boundary()) return connection_lost();
      return std::optional<Frame>();
    } else if (errno == ECONNRESET) {
      return connection_lost();
    } else if (errno != EAGAIN && errno != EINTR) {
      return Error::from_errno(errno, "read", "the control socket");
    }
  }
}

Status FrameSocket::send(FrameType type, std::string_view payload, Clock::duration limit,
                         const Cancelled& cancelled, const Arrived& arrived) {
  if (torn_) return connection_lost();
  auto head = encode_frame_head(type, payload.size());
  iovec parts[] = {{head.data(), head.size()}, {const_cast<char*>(payload.data()), payload.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = payload.empty() ? 1 : 2;
  const auto sent = send_all(message, limit, cancelled, arrived);
  torn_ = !sent && message.msg_iov->iov_base != head.data();
  return sent;
}

Status FrameSocket::send_all(msghdr& message, Clock::duration limit, const Cancelled& cancelled,
                             const Arrived& arrived) {
  const short events = arrived ? POLLOUT | POLLIN : POLLOUT;
  auto until = Clock::now() + limit;
  while (message.msg_iovlen > 0) {
    const ssize_t n = ::sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) {
      advance(message, size_t(n));
      until = Clock::now() + limit;
    } else if (errno == EAGAIN) {
      MEMORIA_TRY(wait(events, until, cancelled));
      if (arrived && has_arrived()) MEMORIA_TRY(arrived());
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return connection_lost();
    } else if (errno != EINTR) {
      return Error::from_errno(errno, "write", "the control socket");
    }
  }
  return ok();
}

bool FrameSocket::ready_to_send() const {
  return (poll_now(fd_.get(), POLLOUT) & POLLOUT) != 0;
}

bool FrameSocket::has_arrived() const {
  return !decoder_.at_boundary() || (poll_now(fd_.get(), POLLIN) & POLLIN) != 0;
}

bool FrameSocket::peer_gone() const {
  return (poll_now(fd_.get(), POLLRDHUP) & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void FrameSocket::stop_receiving() {
  ::shutdown(fd_.get(), SHUT_RD);
}

void FrameSocket::stop_sending() {
  ::shutdown(fd_.get(), SHUT_WR);
}

void FrameSocket::shutdown() {
  ::shutdown(fd_.get(), SHUT_RDWR);
}

}  // namespace memoria
