// SPDX-License-Identifier: MIT
#include "core/foreign/source_directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace memoria::foreign {
namespace {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  void release() { fd_ = -1; }

 private:
  int fd_;
};

class LocalSourceFile final : public SourceFile {
 public:
  LocalSourceFile(Descriptor fd, std::string path, mode_t mode)
      : fd_(std::move(fd)), path_(std::move(path)), mode_(mode) {}

  Result<size_t> read(uint64_t offset, std::span<char> out) const override {
    size_t done = 0;
    while (done < out.size()) {
      const auto n = ::pread(fd_.get(), out.data() + done, out.size() - done, off_t(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Error::from_errno(errno, "read", path_);
      if (n == 0) break;
      done += size_t(n);
    }
    return done;
  }
  Result<uint64_t> size() const override {
    struct stat st {};
    if (::fstat(fd_.get(), &st) != 0) return Error::from_errno(errno, "stat", path_);
    return uint64_t(st.st_size);
  }
  mode_t mode() const override { return mode_; }

 private:
  Descriptor fd_;
  std::string path_;
  mode_t mode_;
};

class LocalSourceDirectory final : public SourceDirectory {
 public:
  LocalSourceDirectory(Descriptor fd, std::string path)
      : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<std::vector<std::string>> list() const override {
    Descriptor again(::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(
        again.get() < 0 ? nullptr : ::fdopendir(again.get()), ::closedir);
    if (!stream) return Error::from_errno(errno, "list", path_);
    again.release();  // it is the stream's now
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream.get())) {
      names.emplace_back(entry->d_name);
      errno = 0;
    }
    if (errno != 0) return Error::from_errno(errno, "list", path_);
    return names;
  }

  Result<std::unique_ptr<SourceFile>> open(const std::string& name) const override {
    const auto path = path_ + "/" + name;
    // O_NONBLOCK: a fifo that nobody writes to must not hold this up.
    Descriptor fd(::openat(fd_.get(), name.c_str(),
                           O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (fd.get() < 0 && (errno == ELOOP || errno == ENXIO)) return refused(path);
    if (fd.get() < 0) return Error::from_errno(errno, "open", path);
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return Error::from_errno(errno, "stat", path);
    if (!S_ISREG(st.st_mode)) return refused(path);
    return std::unique_ptr<SourceFile>(
        std::make_unique<LocalSourceFile>(std::move(fd), path, st.st_mode));
  }

  std::string describe() const override { return path_; }

 private:
  static Error refused(const std::string& path) {
    return {Errc::kInvalidArgument,
            fmt::format("{} is not a regular file: links and fifos are not followed; put the file "
                        "itself there, or take it away",
                        path)};
  }

  Descriptor fd_;
  std::string path_;
};

}  // namespace

Result<std::unique_ptr<SourceDirectory>> open_source_directory(const std::string& path) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return Error::from_errno(errno, "open", path);
  return std::unique_ptr<SourceDirectory>(
      std::make_unique<LocalSourceDirectory>(std::move(fd), path));
}

}  // namespace memoria::foreign
