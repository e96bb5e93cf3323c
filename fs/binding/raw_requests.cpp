// SPDX-License-Identifier: MIT
#include "fs/binding/raw_requests.hpp"

#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <new>
#include <span>

namespace memoria {
namespace {

// A process has one mount.
std::atomic<uint64_t> init_to_answer{0};  // the number of an INIT that offers the flag
std::atomic<bool> agreed{false};
thread_local bool taken{false};

template <class T>
T decode(std::span<const char> bytes) {
  T out{};
  std::memcpy(&out, bytes.data(), std::min(sizeof out, bytes.size()));
  return out;
}

bool says_to_take_set_ids(uint32_t opcode, std::span<const char> argument) {
  switch (opcode) {
    case FUSE_WRITE:
      return (decode<fuse_write_in>(argument).write_flags & FUSE_WRITE_KILL_SUIDGID) != 0;
    case FUSE_SETATTR: {
      const uint32_t valid = decode<fuse_setattr_in>(argument).valid;
      const uint32_t changes = valid & ~uint32_t{FATTR_FH | FATTR_LOCKOWNER};
      return (valid & FATTR_KILL_SUIDGID) != 0 || changes == 0 || changes == FATTR_CTIME;
    }
    default:
      return false;
  }
}

void look_at(std::span<const char> request) {
  const auto header = decode<fuse_in_header>(request);
  const auto argument = request.subspan(std::min(request.size(), sizeof header));
  taken = agreed && says_to_take_set_ids(header.opcode, argument);
  if (header.opcode == FUSE_INIT &&
      (decode<fuse_init_in>(argument).flags & FUSE_HANDLE_KILLPRIV_V2) != 0) {
    init_to_answer = header.unique;
  }
}

ssize_t read_request(int fd, void* buffer, size_t size, void*) {
  const ssize_t count = ::read(fd, buffer, size);
  if (count > 0) look_at({static_cast<const char*>(buffer), size_t(count)});
  return count;
}

bool answers_init(const iovec* parts, int count) {
  const uint64_t init = init_to_answer.load(std::memory_order_relaxed);
  if (init == 0 || count != 2 || parts[0].iov_len < sizeof(fuse_out_header)) return false;
  const auto header =
      decode<fuse_out_header>({static_cast<char*>(parts[0].iov_base), parts[0].iov_len});
  return header.unique == init && header.error == 0 &&
         parts[1].iov_len >= offsetof(fuse_init_out, flags) + sizeof(fuse_init_out::flags);
}

ssize_t write_reply(int fd, iovec* parts, int count, void*) {
  if (!answers_init(parts, count)) return ::writev(fd, parts, count);
  std::array<char, sizeof(fuse_init_out)> answer{};
  const size_t size = std::min(answer.size(), parts[1].iov_len);
  std::memcpy(answer.data(), parts[1].iov_base, size);
  auto told = decode<fuse_init_out>(answer);
  told.flags |= FUSE_HANDLE_KILLPRIV_V2;
  std::memcpy(answer.data(), &told, sizeof told);
  init_to_answer = 0;
  agreed = true;
  iovec both[] = {parts[0], {answer.data(), size}};
  return ::writev(fd, both, 2);
}

}  // namespace

void watch_requests(fuse_session* session) {
  const fuse_custom_io io{.writev = write_reply,
                          .read = read_request,
                          .splice_receive = nullptr,
                          .splice_send = nullptr};
  if (fuse_session_custom_io(session, &io, fuse_session_fd(session)) != 0) throw std::bad_alloc();
}

bool takes_set_ids() {
  return agreed;
}

bool request_takes_set_ids() {
  return taken;
}

}  // namespace memoria
