// SPDX-License-Identifier: MIT
#include "tools/bench/directories/open_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace memoria::bench {

Result<OpenFile> OpenFile::open(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (fd < 0) return Error::from_errno(errno, "open", path);
  return OpenFile(path, fd);
}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

OpenFile::~OpenFile() {
  if (fd_ >= 0) ::close(fd_);
}

Error OpenFile::failed(std::string_view what) const {
  return Error::from_errno(errno, what, path_);
}

Status OpenFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(size_t(n));
    } else if (errno != EINTR) {
      return failed("write");
    }
  }
  return ok();
}

Status OpenFile::write_at(uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), off_t(offset));
    if (n >= 0) {
      bytes.remove_prefix(size_t(n));
      offset += uint64_t(n);
    } else if (errno != EINTR) {
      return failed("write");
    }
  }
  return ok();
}

Result<std::string_view> OpenFile::read(std::span<char> out) {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = ::read(fd_, out.data() + done, out.size() - done);
    if (n == 0) break;
    if (n > 0) {
      done += size_t(n);
    } else if (errno != EINTR) {
      return failed("read");
    }
  }
  return std::string_view(out.data(), done);
}

Result<std::string_view> OpenFile::read_at(uint64_t offset, std::span<char> out) {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t n =
        ::pread(fd_, out.data() + done, out.size() - done, off_t(offset) + off_t(done));
    if (n == 0) break;
    if (n > 0) {
      done += size_t(n);
    } else if (errno != EINTR) {
      return failed("read");
    }
  }
  return std::string_view(out.data(), done);
}

Status OpenFile::sync() {
  if (::fsync(fd_) != 0) return failed("fsync");
  return ok();
}

Status OpenFile::sync_data() {
  if (::fdatasync(fd_) != 0) return failed("fdatasync");
  return ok();
}

Status OpenFile::close() {
  if (::close(std::exchange(fd_, -1)) != 0) return failed("close");
  return ok();
}

}  // namespace memoria::bench
