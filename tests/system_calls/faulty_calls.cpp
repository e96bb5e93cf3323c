// SPDX-License-Identifier: MIT
// The linker's --wrap=CALL makes each use of CALL one of __wrap_CALL, and __real_CALL the call
// itself.
#include "tests/system_calls/faulty_calls.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <mutex>
#include <utility>
#include <vector>

namespace memoria::test {
namespace {

std::mutex mutex;
Chooser chooser;  // guarded by the mutex; empty: calls behave
std::atomic<uint64_t> hits;

/// What this call does instead. With an error, errno is set.
Misbehaviour choose(SystemCall call, size_t bytes = 0) {
  const std::lock_guard guard(mutex);
  if (!chooser) return {};
  const auto chosen = chooser(call, bytes);
  if (chosen.error != 0 || chosen.at_most < bytes) ++hits;
  errno = chosen.error;
  return chosen;
}

size_t total(const iovec* parts, int count) {
  size_t bytes = 0;
  for (int i = 0; i < count; ++i) bytes += parts[i].iov_len;
  return bytes;
}

/// The first `limit` bytes of `parts`.
std::vector<iovec> first_of(const iovec* parts, int count, size_t limit) {
  std::vector<iovec> out(parts, parts + count);
  for (auto& part : out) {
    part.iov_len = std::min(part.iov_len, limit);
    limit -= part.iov_len;
  }
  return out;
}

}  // namespace

FaultyCalls::FaultyCalls(Chooser wanted) {
  const std::lock_guard guard(mutex);
  chooser = std::move(wanted);
  test::hits = 0;
}

FaultyCalls::~FaultyCalls() {
  const std::lock_guard guard(mutex);
  chooser = nullptr;
}

uint64_t FaultyCalls::hits() const {
  return test::hits;
}

}  // namespace memoria::test

using memoria::test::choose;
using memoria::test::SystemCall;

// The names are the linker's, and open() has always had as many arguments as it is given.
// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming, cert-dcl50-cpp)
extern "C" {

int __real_open64(const char* path, int flags, ...);
int __real_openat64(int directory, const char* path, int flags, ...);
ssize_t __real_pread64(int fd, void* bytes, size_t size, off64_t offset);
ssize_t __real_pwrite64(int fd, const void* bytes, size_t size, off64_t offset);
ssize_t __real_pwritev64(int fd, const iovec* parts, int count, off64_t offset);
int __real_fdatasync(int fd);
int __real_fsync(int fd);
int __real_ftruncate64(int fd, off64_t size);
int __real_fstatvfs64(int fd, struct statvfs* out);
int __real_flock(int fd, int operation);

int __wrap_open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return choose(SystemCall::kOpen).error != 0 ? -1 : __real_open64(path, flags, mode);
}

int __wrap_openat64(int directory, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return choose(SystemCall::kOpen).error != 0 ? -1 : __real_openat64(directory, path, flags, mode);
}

ssize_t __wrap_pread64(int fd, void* bytes, size_t size, off64_t offset) {
  const auto chosen = choose(SystemCall::kRead, size);
  if (chosen.error != 0) return -1;
  return __real_pread64(fd, bytes, std::min(size, chosen.at_most), offset);
}

ssize_t __wrap_pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  const auto chosen = choose(SystemCall::kWrite, size);
  if (chosen.error != 0) return -1;
  return __real_pwrite64(fd, bytes, std::min(size, chosen.at_most), offset);
}

ssize_t __wrap_pwritev64(int fd, const iovec* parts, int count, off64_t offset) {
  const auto chosen = choose(SystemCall::kWrite, memoria::test::total(parts, count));
  if (chosen.error != 0) return -1;
  const auto taken = memoria::test::first_of(parts, count, chosen.at_most);
  return __real_pwritev64(fd, taken.data(), count, offset);
}

int __wrap_fdatasync(int fd) {
  return choose(SystemCall::kSync).error != 0 ? -1 : __real_fdatasync(fd);
}

int __wrap_fsync(int fd) {
  return choose(SystemCall::kSync).error != 0 ? -1 : __real_fsync(fd);
}

int __wrap_ftruncate64(int fd, off64_t size) {
  return choose(SystemCall::kTruncate).error != 0 ? -1 : __real_ftruncate64(fd, size);
}

int __wrap_fstatvfs64(int fd, struct statvfs* out) {
  return choose(SystemCall::kSpace).error != 0 ? -1 : __real_fstatvfs64(fd, out);
}

int __wrap_flock(int fd, int operation) {
  return choose(SystemCall::kLock).error != 0 ? -1 : __real_flock(fd, operation);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming, cert-dcl50-cpp)
