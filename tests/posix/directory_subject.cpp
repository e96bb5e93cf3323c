// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <set>
#include <stdexcept>
#include <utility>

#include "tests/posix/subject.hpp"

namespace memoria::test {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

Outcome failed() {
  return {errno, {}};
}
Outcome done(int result) {
  return result < 0 ? failed() : Outcome{};
}

timespec to_timespec(int64_t ns) {
  auto seconds = ns / 1'000'000'000, rest = ns % 1'000'000'000;
  if (rest < 0) rest += 1'000'000'000, --seconds;
  return {seconds, rest};
}

int64_t to_ns(const timespec& t) {
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

std::string describe(const struct stat& st) {
  return describe_attributes(st.st_mode, st.st_nlink, st.st_uid, st.st_gid, uint64_t(st.st_size),
                             st.st_rdev);
}

class DirectorySubject final : public Subject {
 public:
  explicit DirectorySubject(const std::string& path)
      : root_(::open(path.c_str(), O_PATH | O_DIRECTORY)), scratch_(1 << 20, '\0') {
    if (!root_) throw std::runtime_error("cannot open " + path);
  }

  Outcome apply(const Operation& op) override;
  void close_files() override {
    for (auto& slot : slots_) slot = Descriptor();
  }

 private:
  struct Place {
    Descriptor parent;
    const char* name;
  };
  /// The directory that a path's last name is in; errno tells why not.
  Place locate(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == path.npos) return {Descriptor(::dup(root_.get())), path.c_str()};
    open_how how{};
    how.flags = O_PATH | O_DIRECTORY;
    how.resolve = RESOLVE_NO_SYMLINKS;
    const auto parent = path.substr(0, slash);
    const auto fd = ::syscall(SYS_openat2, root_.get(), parent.c_str(), &how, sizeof how);
    return {Descriptor(int(fd)), path.c_str() + slash + 1};
  }
  /// Opens a regular file; errno tells why not.
  Descriptor open_file(const Place& at, int flags) {
    struct stat st {};
    if (::fstatat(at.parent.get(), at.name, &st, AT_SYMLINK_NOFOLLOW) != 0) return Descriptor();
    if (!S_ISREG(st.st_mode)) {
      errno = S_ISDIR(st.st_mode) ? EISDIR : ELOOP;
      return Descriptor();
    }
    return Descriptor(::openat(at.parent.get(), at.name, flags | O_NOFOLLOW));
  }

  Outcome apply_at(const Operation& op, const Place& at);
  Outcome apply_to_file(const Operation& op, int fd);
  Outcome apply_to_xattrs(const Operation& op, const Place& at);
  Outcome list(const Place& at);
  Outcome read(const Operation& op, int fd);
  Outcome write(const Operation& op, int fd);
  Outcome write_mapped(const Operation& op, int fd);
  Outcome copy(const Operation& op, int from, int to);

  Descriptor root_;
  std::array<Descriptor, kSlots> slots_;
  std::string scratch_;
};

Outcome DirectorySubject::read(const Operation& op, int fd) {
  if (scratch_.size() < op.length) scratch_.resize(op.length);
  const auto n = ::pread(fd, scratch_.data(), op.length, off_t(op.offset));
  return n < 0 ? failed() : Outcome{0, scratch_.substr(0, size_t(n))};
}

Outcome DirectorySubject::write(const Operation& op, int fd) {
  const auto bytes = bytes_of(op.seed, op.length);
  const auto n = op.kind == Kind::kAppend
                     ? ::write(fd, bytes.data(), bytes.size())
                     : ::pwrite(fd, bytes.data(), bytes.size(), off_t(op.offset));
  return n < 0 ? failed() : Outcome{0, std::to_string(n)};
}

/// Writes what lies inside the file through a mapping.
Outcome DirectorySubject::write_mapped(const Operation& op, int fd) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) return failed();
  const auto size = uint64_t(st.st_size);
  if (op.offset >= size || op.length == 0) return {};
  const uint64_t begin = op.offset / 4096 * 4096;
  const auto bytes = bytes_of(op.seed, std::min(op.length, size - op.offset));
  const size_t length = op.offset - begin + bytes.size();
  void* const memory =
      ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, off_t(begin));
  if (memory == MAP_FAILED) return failed();
  bytes.copy(static_cast<char*>(memory) + (op.offset - begin), bytes.size());
  const int result = ::msync(memory, length, op.seed % 2 == 0 ? MS_SYNC : MS_ASYNC);
  ::munmap(memory, length);
  return done(result);
}

Outcome DirectorySubject::copy(const Operation& op, int from, int to) {
  off_t in = off_t(op.offset), out = off_t(op.seed % 100000);
  uint64_t left = op.length;
  while (left > 0) {
    const auto n = ::copy_file_range(from, &in, to, &out, left, 0);
    if (n < 0) return failed();
    if (n == 0) break;
    left -= uint64_t(n);
  }
  return {0, std::to_string(op.length - left)};
}

Outcome DirectorySubject::apply_to_file(const Operation& op, int fd) {
  switch (op.kind) {
    case Kind::kWrite:
    case Kind::kAppend:
    case Kind::kWriteOpen:
      return write(op, fd);
    case Kind::kMapWrite:
      return write_mapped(op, fd);
    case Kind::kRead:
    case Kind::kReadOpen:
      return read(op, fd);
    case Kind::kTruncate:
    case Kind::kTruncateOpen:
      return done(::ftruncate(fd, off_t(op.offset)));
    case Kind::kAllocate:
      return done(::fallocate(fd, op.flags, off_t(op.offset), off_t(op.length)));
    case Kind::kSync:
      return done(::fsync(fd));
    case Kind::kHolesOpen:
      return check_holes(
          [&](uint64_t from, int whence) { return ::lseek(fd, off_t(from), whence); },
          [&](uint64_t from) {
            Operation sample;
            sample.offset = from;
            sample.length = kHoleSample;
            return read(sample, fd).result;
          });
    case Kind::kStatOpen: {
      struct stat st {};
      return ::fstat(fd, &st) != 0 ? failed() : Outcome{0, describe(st)};
    }
    default:
      return {};
  }
}

Outcome DirectorySubject::list(const Place& at) {
  const int fd = ::openat(at.parent.get(), at.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd < 0) return failed();
  DIR* const stream = ::fdopendir(fd);
  std::set<std::string> names;
  while (const auto* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    // Twice the same name would not be noticed in a set.
    if (!names.insert(fmt::format("{}:{}", name, entry->d_type)).second) names.insert("twice!");
  }
  ::closedir(stream);
  return {0, fmt::format("{}", fmt::join(names, " "))};
}

Outcome DirectorySubject::apply_to_xattrs(const Operation& op, const Place& at) {
  // The calls for extended attributes know no directory: they get the path of an O_PATH descriptor.
  const Descriptor fd(::openat(at.parent.get(), at.name, O_PATH | O_NOFOLLOW));
  if (!fd) return failed();
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return failed();
  if (S_ISLNK(st.st_mode)) return {ELOOP, {}};
  const auto path = fmt::format("/proc/self/fd/{}", fd.get());
  char buffer[4096];
  switch (op.kind) {
    case Kind::kSetXattr:
      return done(
          ::setxattr(path.c_str(), op.name.c_str(), op.value.data(), op.value.size(), op.flags));
    case Kind::kRemoveXattr:
      return done(::removexattr(path.c_str(), op.name.c_str()));
    case Kind::kGetXattr: {
      const auto n = ::getxattr(path.c_str(), op.name.c_str(), buffer, sizeof buffer);
      return n < 0 ? failed() : Outcome{0, std::string(buffer, size_t(n))};
    }
    default:
      break;
  }
  const auto n = ::listxattr(path.c_str(), buffer, sizeof buffer);
  if (n < 0) return failed();
  std::set<std::string> names;
  for (std::string_view rest(buffer, size_t(n)); !rest.empty();) {
    const auto name = rest.substr(0, rest.find('\0'));
    names.emplace(name);
    rest.remove_prefix(name.size() + 1);
  }
  return {0, fmt::format("{}", fmt::join(names, " "))};
}

Outcome DirectorySubject::apply_at(const Operation& op, const Place& at) {
  const int parent = at.parent.get();
  switch (op.kind) {
    case Kind::kCreate: {
      const Descriptor fd(::openat(parent, at.name, O_CREAT | O_EXCL | O_WRONLY, op.mode));
      return fd ? Outcome{} : failed();
    }
    case Kind::kMkdir:
      return done(::mkdirat(parent, at.name, op.mode));
    case Kind::kMknod:
      return done(::mknodat(parent, at.name, op.mode, ::makedev(7, op.uid)));
    case Kind::kSymlink:
      return done(::symlinkat(op.other.c_str(), parent, at.name));
    case Kind::kUnlink:
      return done(::unlinkat(parent, at.name, 0));
    case Kind::kRmdir:
      return done(::unlinkat(parent, at.name, AT_REMOVEDIR));
    case Kind::kReadlink: {
      char buffer[4097];
      const auto n = ::readlinkat(parent, at.name, buffer, sizeof buffer);
      return n < 0 ? failed() : Outcome{0, std::string(buffer, size_t(n))};
    }
    case Kind::kList:
      return list(at);
    default:
      break;
  }
  struct stat st {};
  if (::fstatat(parent, at.name, &st, AT_SYMLINK_NOFOLLOW) != 0) return failed();
  switch (op.kind) {
    case Kind::kStat:
      return {0, describe(st)};
    case Kind::kChmod:
      return S_ISLNK(st.st_mode) ? Outcome{ELOOP, {}}
                                 : done(::fchmodat(parent, at.name, op.mode, 0));
    case Kind::kChown:
      return done(::fchownat(parent, at.name, op.uid, op.gid, AT_SYMLINK_NOFOLLOW));
    default:
      break;
  }
  const timespec times[2] = {to_timespec(op.atime), to_timespec(op.mtime)};
  if (::utimensat(parent, at.name, times, AT_SYMLINK_NOFOLLOW) != 0 ||
      ::fstatat(parent, at.name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
    return failed();
  }
  return {0, fmt::format("{} {}", to_ns(st.st_atim), to_ns(st.st_mtim))};
}

Outcome DirectorySubject::apply(const Operation& op) {
  switch (op.kind) {
    case Kind::kClose:
      slots_[size_t(op.slot)] = Descriptor();
      return {};
    case Kind::kWriteOpen:
    case Kind::kReadOpen:
    case Kind::kTruncateOpen:
    case Kind::kStatOpen:
    case Kind::kHolesOpen:
    case Kind::kSync: {
      const auto& slot = slots_[size_t(op.slot)];
      return slot ? apply_to_file(op, slot.get()) : Outcome{EBADF, {}};
    }
    default:
      break;
  }
  const auto at = locate(op.path);
  if (!at.parent) return failed();
  switch (op.kind) {
    case Kind::kSetXattr:
    case Kind::kGetXattr:
    case Kind::kListXattr:
    case Kind::kRemoveXattr:
      return apply_to_xattrs(op, at);
    case Kind::kLink:
    case Kind::kRename: {
      const auto to = locate(op.other);
      if (!to.parent) return failed();
      return op.kind == Kind::kLink
                 ? done(::linkat(at.parent.get(), at.name, to.parent.get(), to.name, 0))
                 : done(::renameat2(at.parent.get(), at.name, to.parent.get(), to.name,
                                    unsigned(op.flags)));
    }
    case Kind::kCopy: {
      const auto from = open_file(at, O_RDONLY);
      if (!from) return failed();
      const auto place = locate(op.other);
      if (!place.parent) return failed();
      const auto to = open_file(place, O_WRONLY);
      return to ? copy(op, from.get(), to.get()) : failed();
    }
    case Kind::kWrite:
    case Kind::kMapWrite:
    case Kind::kAppend:
    case Kind::kRead:
    case Kind::kTruncate:
    case Kind::kAllocate: {
      const bool reads = op.kind == Kind::kRead, maps = op.kind == Kind::kMapWrite;
      const auto fd = open_file(at, (reads  ? O_RDONLY
                                     : maps ? O_RDWR
                                            : O_WRONLY) |
                                        (op.kind == Kind::kAppend ? O_APPEND : 0));
      return fd ? apply_to_file(op, fd.get()) : failed();
    }
    case Kind::kOpen: {
      auto fd = open_file(at, O_RDWR);
      if (!fd) return failed();
      slots_[size_t(op.slot)] = std::move(fd);
      return {};
    }
    default:
      return apply_at(op, at);
  }
}

}  // namespace

std::unique_ptr<Subject> directory_subject(const std::string& path) {
  return std::make_unique<DirectorySubject>(path);
}

}  // namespace memoria::test
