// SPDX-License-Identifier: MIT
// The Environment of a directory of the local filesystem. All paths are relative to one open
// directory descriptor, so renaming the directory while a store is open is harmless.
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <boost/filesystem.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <utility>

#include "core/base/unique_fd.hpp"
#include "core/io/environment.hpp"
#include "core/io/permission.hpp"

namespace memoria {
namespace {

/// The call's result, which is -1 for an error; made again as long as a signal interrupts it, which
/// filesystems over a network or in user space let happen.
template <class Call>
auto uninterrupted(Call&& call) {
  for (;;) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

/// Without what is written already, and without empty parts in front.
std::span<const iovec> behind(std::span<const iovec> parts, size_t& written) {
  while (!parts.empty() && written >= parts.front().iov_len) {
    written -= parts.front().iov_len;
    parts = parts.subspan(1);
  }
  return parts;
}

/// Written over the old one, so that a full disk does not matter; and if it does, the lock holds
/// all the same and only its owner's name is missing.
void note_owner(int lock_file) {
  const auto pid = std::to_string(::getpid());
  if (::pwrite(lock_file, pid.data(), pid.size(), 0) == ssize_t(pid.size())) {
    (void)!::ftruncate(lock_file, off_t(pid.size()));
  }
}

/// One of those who share the lock on this file, if /proc/locks has it: there are filesystems whose
/// files have other numbers there, and processes that cannot be seen from here.
std::string sharer(int lock_file) {
  struct stat st {};
  if (::fstat(lock_file, &st) != 0) return {};
  const auto file = fmt::format("{:02x}:{:02x}:{}", major(st.st_dev), minor(st.st_dev), st.st_ino);
  std::ifstream locks("/proc/locks");
  std::string line, number, type, kind, access, pid, locked;
  while (std::getline(locks, line)) {
    std::istringstream fields(line);
    fields >> number >> type >> kind >> access >> pid >> locked;
    if (type == "FLOCK" && locked == file) return pid;
  }
  return {};
}

/// Of a lock that was refused. Who has it alone has written his pid there.
std::string holder(int lock_file) {
  std::string pid;
  if (uninterrupted([&] { return ::flock(lock_file, LOCK_SH | LOCK_NB); }) == 0) {
    ::flock(lock_file, LOCK_UN);  // or this process would be found
    pid = sharer(lock_file);
  } else {
    char written[24] = {};
    if (::pread(lock_file, written, sizeof written - 1, 0) > 0) pid = written;
  }
  return pid.empty() ? "another process" : "process " + pid;
}

class LocalFile final : public File {
 public:
  LocalFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<size_t> read(uint64_t offset, std::span<char> out) const override {
    size_t done = 0;
    while (done < out.size()) {
      const auto n = uninterrupted([&] {
        return ::pread(fd_.get(), out.data() + done, out.size() - done, off_t(offset + done));
      });
      if (n < 0) return Error::from_errno(errno, "read", path_);
      if (n == 0) break;
      done += size_t(n);
    }
    return done;
  }

  Status write(uint64_t offset, std::span<const iovec> parts) override {
    std::vector<iovec> rest;  // only for what a short write leaves
    size_t written = 0;
    while (!(parts = behind(parts, written)).empty()) {
      if (written > 0) {
        std::vector<iovec> cut(parts.begin(), parts.end());
        cut.front().iov_base = static_cast<char*>(cut.front().iov_base) + written;
        cut.front().iov_len -= written;
        rest = std::move(cut);
        parts = rest;
      }
      const auto n = uninterrupted([&] { return write_some(parts, off_t(offset)); });
      if (n < 0) return Error::from_errno(errno, "write", path_);
      // Not an error by the letter; but there is no more that could be done about it.
      if (n == 0) return Error::from_errno(ENOSPC, "write", path_);
      offset += uint64_t(n);
      written = size_t(n);
    }
    return ok();
  }

  Status sync() override {
    if (uninterrupted([&] { return ::fdatasync(fd_.get()); }) != 0) {
      return Error::from_errno(errno, "sync", path_);
    }
    return ok();
  }

  void start_writeback(uint64_t offset, uint64_t length) override {
    ::sync_file_range(fd_.get(), off_t(offset), off_t(length), SYNC_FILE_RANGE_WRITE);
  }

  Status truncate(uint64_t size) override {
    if (uninterrupted([&] { return ::ftruncate(fd_.get(), off_t(size)); }) != 0) {
      return Error::from_errno(errno, "truncate", path_);
    }
    return ok();
  }

  Result<uint64_t> size() const override {
    struct stat st {};
    if (::fstat(fd_.get(), &st) != 0) return Error::from_errno(errno, "stat", path_);
    return uint64_t(st.st_size);
  }

 private:
  /// Tried, and left: small records copied into a shared mapping of what is prepared already take
  /// 0.73 of the time in order of the keys and 0.81 in random order (memoria-bench --groups put
  /// --engines raw, 3 runs in turns: 0.87 us and 0.63, 1.37 and 1.11). But where the disk fails or
  /// somebody cuts the file, the answer is no error but a SIGBUS, in whatever process the store is.
  ssize_t write_some(std::span<const iovec> parts, off_t offset) const {
    // The kernel's work on a vector of one was 4 % of a put of 100 bytes (perf record).
    if (parts.size() == 1) {
      return ::pwrite(fd_.get(), parts[0].iov_base, parts[0].iov_len, offset);
    }
    const auto count = int(std::min<size_t>(parts.size(), IOV_MAX));
    return ::pwritev(fd_.get(), parts.data(), count, offset);
  }

  UniqueFd fd_;
  std::string path_;
};

bool is_read_only(const struct statvfs& disk) {
  return (disk.f_flag & ST_RDONLY) != 0;
}

class LocalDirectory final : public Environment {
 public:
  LocalDirectory(UniqueFd fd, std::string path)
      : fd_(std::move(fd)), path_(std::move(path)), heir_(fd_.get()) {}

  Result<std::unique_ptr<File>> create(std::string_view name) override {
    UniqueFd fd = open_at(name, O_RDWR | O_CREAT | O_EXCL);
    if (fd) heir_.take(fd.get());
    return opened(std::move(fd), name, "create");
  }

  Result<std::unique_ptr<File>> open(std::string_view name, Access access) override {
    return opened(open_at(name, access == Access::kRead ? O_RDONLY : O_RDWR), name, "open");
  }

  Result<std::vector<std::string>> list() override {
    namespace fs = boost::filesystem;
    std::vector<std::string> names;
    boost::system::error_code ec;
    const auto self = "/proc/self/fd/" + std::to_string(fd_.get());
    for (fs::directory_iterator it(self, ec), end; !ec && it != end; it.increment(ec)) {
      names.push_back(it->path().filename().string());
    }
    if (ec) return Error::from_errno(ec.value(), "list", path_);
    return names;
  }

  Status rename(std::string_view from, std::string_view to) override {
    return check(::renameat(fd_.get(), text(from), fd_.get(), text(to)), "rename", from);
  }

  Status exchange(std::string_view name, std::string_view other) override {
    const int rc = ::renameat2(fd_.get(), text(name), fd_.get(), text(other), RENAME_EXCHANGE);
    if (rc != 0 && (errno == EINVAL || errno == ENOSYS)) return Error{Errc::kUnsupported};
    return check(rc, "exchange", name);
  }

  Status link(std::string_view from, std::string_view to) override {
    return check(::linkat(fd_.get(), text(from), fd_.get(), text(to), 0), "link", from);
  }

  Status remove(std::string_view name) override {
    const int rc = ::unlinkat(fd_.get(), text(name), 0);
    if (rc != 0 && errno == EISDIR) {
      return check(::unlinkat(fd_.get(), text(name), AT_REMOVEDIR), "remove", name);
    }
    return check(rc, "remove", name);
  }

  Status make_directory(std::string_view name) override {
    const int rc = ::mkdirat(fd_.get(), text(name), 0700);
    if (rc != 0 && errno == EEXIST) return ok();
    MEMORIA_TRY(check(rc, "make directory", name));
    if (const auto made = open_at(name, O_RDONLY | O_DIRECTORY)) heir_.take(made.get());
    return ok();
  }

  Result<std::shared_ptr<Environment>> directory(std::string_view name) override {
    auto path = path_ + "/" + std::string(name);
    UniqueFd fd = open_at(name, O_RDONLY | O_DIRECTORY);
    if (!fd) return failed_access(errno, "open directory", path);
    return std::shared_ptr<Environment>(
        std::make_shared<LocalDirectory>(std::move(fd), std::move(path)));
  }

  Status sync_directory() override {
    return check(uninterrupted([&] { return ::fsync(fd_.get()); }), "sync", "directory");
  }

  Result<Space> space() override {
    struct statvfs st {};
    if (uninterrupted([&] { return ::fstatvfs(fd_.get(), &st); }) != 0) {
      return Error::from_errno(errno, "statfs", path_);
    }
    return Space{uint64_t(st.f_blocks) * st.f_frsize,
                 uint64_t(st.f_bavail) * st.f_frsize,
                 st.f_files,
                 st.f_favail,
                 is_read_only(st),
                 uint64_t(st.f_bfree) * st.f_frsize};
  }

  Result<std::shared_ptr<void>> lock(LockMode mode) override {
    const bool exclusive = mode == LockMode::kExclusive;
    UniqueFd fd = open_lock(exclusive ? O_RDWR : O_RDONLY);
    if (!fd) return failed_access(errno, "open", path_ + "/lock");
    const int operation = exclusive ? LOCK_EX : LOCK_SH;
    if (uninterrupted([&] { return ::flock(fd.get(), operation | LOCK_NB); }) != 0) {
      if (errno != EWOULDBLOCK) return Error::from_errno(errno, "lock", path_ + "/lock");
      return Error{Errc::kLocked, EBUSY,
                   "data directory " + path_ + " is in use by " + holder(fd.get()) +
                       "; stop that process or use another directory"};
    }
    if (exclusive) note_owner(fd.get());
    return std::shared_ptr<void>(std::make_shared<UniqueFd>(std::move(fd)));
  }

  uint64_t now_ns() override {
    timespec ts{};
    ::clock_gettime(CLOCK_REALTIME, &ts);
    return uint64_t(ts.tv_sec) * 1'000'000'000u + uint64_t(ts.tv_nsec);
  }

  std::string describe() const override { return path_; }

 private:
  /// A NUL-terminated copy for system calls.
  struct Text {
    std::string s;
    operator const char*() const { return s.c_str(); }
  };
  static Text text(std::string_view s) { return {std::string(s)}; }

  Status check(int rc, const char* what, std::string_view name) const {
    if (rc == 0) return ok();
    return failed_access(errno, what, path_ + "/" + std::string(name));
  }

  UniqueFd open_at(std::string_view name, int flags) const {
    const auto path = text(name);
    return UniqueFd(uninterrupted(
        [&] { return ::openat(fd_.get(), path, flags | O_CLOEXEC | O_NOFOLLOW, 0600); }));
  }

  /// Made when it is missing. One that is there may be anything: it is given to nobody.
  UniqueFd open_lock(int access) const {
    constexpr auto kName = "lock";
    UniqueFd fd = open_at(kName, access);
    if (fd || errno != ENOENT) return fd;
    fd = open_at(kName, access | O_CREAT | O_EXCL);
    if (fd) heir_.take(fd.get());
    return fd || errno != EEXIST ? std::move(fd) : open_at(kName, access);
  }

  /// The file behind `fd`, which was tried to be opened just now.
  Result<std::unique_ptr<File>> opened(UniqueFd fd, std::string_view name, const char* what) const {
    const int error = errno;
    auto path = path_ + "/" + std::string(name);
    if (!fd) return failed_access(error, what, path);
    return std::unique_ptr<File>(std::make_unique<LocalFile>(std::move(fd), std::move(path)));
  }

  UniqueFd fd_;
  std::string path_;
  Heir heir_;
};

}  // namespace

Result<std::shared_ptr<Environment>> open_directory(const std::string& path, bool create_missing) {
  const bool made = create_missing && ::mkdir(path.c_str(), 0700) == 0;
  if (create_missing && !made && errno != EEXIST) {
    return failed_access(errno, "make directory", path);
  }
  UniqueFd fd(
      uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!fd) return failed_access(errno, "open data directory", path);
  if (made) {  // the name has to be as durable as what comes into it
    const UniqueFd parent(::openat(fd.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (parent && uninterrupted([&] { return ::fsync(parent.get()); }) != 0) {
      return Error::from_errno(errno, "sync the directory of", path);
    }
  }
  // For messages. Not canonical() of Boost.Filesystem: it throws when the current directory is
  // gone.
  const std::unique_ptr<char, decltype(&std::free)> full(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  return std::shared_ptr<Environment>(
      std::make_shared<LocalDirectory>(std::move(fd), full ? full.get() : path));
}

bool on_read_only_disk(const std::string& path) {
  struct statvfs disk {};
  return ::statvfs(path.c_str(), &disk) == 0 && is_read_only(disk);
}

}  // namespace memoria
