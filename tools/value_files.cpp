// SPDX-License-Identifier: MIT
#include "tools/value_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <optional>
#include <utility>

namespace memoria::ctl {
namespace {

constexpr mode_t kNewFileMode = 0666;  // less what the umask takes

Error file_error(std::string_view what, const std::string& path) {
  return Error::from_errno(errno, what, path);
}

constexpr int kMaxLinks = 40;  // as the kernel

/// Whether the kernel would follow this link (fs.protected_symlinks): where anybody can make one,
/// as in /tmp, only who made it follows it, or the directory's owner's.
bool may_follow(const boost::filesystem::path& link, const boost::filesystem::path& directory) {
  struct stat own {};
  struct stat place {};
  if (::lstat(link.c_str(), &own) != 0 || ::stat(directory.c_str(), &place) != 0) return false;
  const bool is_anybodys = (place.st_mode & S_ISVTX) != 0 && (place.st_mode & S_IWOTH) != 0;
  return !is_anybodys || own.st_uid == ::geteuid() || own.st_uid == place.st_uid;
}

/// What is behind the symbolic links of this name, which need not be there; nothing when one of
/// them is of /proc: /dev/stdout and its like are open files and not names. EACCES, ELOOP.
Result<std::optional<std::string>> end_of_links(const std::string& path) {
  namespace fs = boost::filesystem;
  fs::path at(path);
  for (int links = 0; links <= kMaxLinks; ++links) {
    boost::system::error_code error;
    const auto target = fs::read_symlink(at, error);
    if (error) return std::optional(at.string());  // the last one
    const auto directory = at.has_parent_path() ? at.parent_path() : fs::path(".");
    struct statfs place {};
    if (::statfs(directory.c_str(), &place) == 0 && place.f_type == PROC_SUPER_MAGIC) {
      return std::optional<std::string>();
    }
    if (!may_follow(at, directory)) return Error::from_errno(EACCES, "follow", at.string());
    at = target.is_absolute() ? target : directory / target;
  }
  return Error::from_errno(ELOOP, "follow", path);
}

bool is_standard_output(const struct stat& file) {
  struct stat output {};
  return ::fstat(STDOUT_FILENO, &output) == 0 && output.st_dev == file.st_dev &&
         output.st_ino == file.st_ino;
}

/// Gives a file that replaces another the owner, as far as that may be, and the permissions of
/// that: no group gets those of another.
void take_over(int fd, const struct stat& replaced) {
  const bool has_group = ::fchown(fd, replaced.st_uid, replaced.st_gid) == 0 ||
                         ::fchown(fd, uid_t(-1), replaced.st_gid) == 0;
  mode_t mode = replaced.st_mode & 0777;
  if (!has_group) mode &= ~mode_t{070} | (mode & 07) << 3;
  ::fchmod(fd, mode);
}

}  // namespace

Error local_file_error(Error error) {
  switch (error.system) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:
    case ENAMETOOLONG:
      error.code = Errc::kInvalidArgument;
      break;
    default:
      break;
  }
  return error;
}

Result<ValueOutput> ValueOutput::open(const std::string& path, const Streams& streams) {
  ValueOutput out(streams, path);
  if (path.empty()) return out;
  struct stat found {};
  const bool exists = ::stat(path.c_str(), &found) == 0;
  if (exists && S_ISDIR(found.st_mode)) {
    errno = EISDIR;
    return local_file_error(file_error("write", path));
  }
  if (!exists && errno != ENOENT) return local_file_error(file_error("write", path));
  auto followed = end_of_links(path);
  if (!followed.has_value()) return local_file_error(followed.error());
  const auto& end = followed.value();
  // Opened anew, a file would be written from its beginning.
  if (!end && exists && is_standard_output(found)) return ValueOutput(streams, {});
  if (!end || (exists && !S_ISREG(found.st_mode))) {  // a device or a pipe: nothing to replace
    out.fd_ = UniqueFd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  } else {
    out.end_ = *end;
    out.temporary_ = fmt::format("{}.part{}", out.end_, ::getpid());
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    out.fd_ = UniqueFd(::open(out.temporary_.c_str(), flags, exists ? 0600 : kNewFileMode));
    if (out.fd_ && exists) take_over(out.fd_.get(), found);
  }
  if (!out.fd_) {
    out.temporary_.clear();
    return local_file_error(file_error("write", path));
  }
  return out;
}

ValueOutput::~ValueOutput() {
  if (fd_ && !temporary_.empty()) ::unlink(temporary_.c_str());
}

Status ValueOutput::write(std::string_view bytes) {
  if (path_.empty()) return streams_.out(bytes);
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(size_t(n));
    } else if (errno != EINTR) {
      return file_error("write", path_);
    }
  }
  return ok();
}

Status ValueOutput::leave_hole(uint64_t length) {
  const off_t at = ::lseek(fd_.get(), 0, SEEK_CUR);
  if (at < 0) return file_error("write", path_);
  if (length > uint64_t(std::numeric_limits<off_t>::max() - at)) {
    errno = EFBIG;
    return file_error("write", path_);
  }
  const off_t end = at + off_t(length);
  // Not only by a seek, since it may be the file's end.
  if (::ftruncate(fd_.get(), end) != 0 || ::lseek(fd_.get(), end, SEEK_SET) != end) {
    return file_error("write", path_);
  }
  return ok();
}

Status ValueOutput::commit() {
  if (temporary_.empty()) return ok();
  if (::rename(temporary_.c_str(), end_.c_str()) != 0) return file_error("write", path_);
  fd_.reset();
  return ok();
}

Status check_input(const std::string& path) {
  if (path == "-") return ok();
  struct stat found {};
  if (::access(path.c_str(), R_OK) != 0 || ::stat(path.c_str(), &found) != 0) {
    return local_file_error(file_error("read", path));
  }
  if (!S_ISDIR(found.st_mode)) return ok();
  errno = EISDIR;
  return local_file_error(file_error("read", path));
}

Result<ValueInput> ValueInput::open(const std::string& path, const Streams& streams) {
  ValueInput in(streams, path);
  if (path == "-") return in;
  in.fd_ = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat found {};
  if (!in.fd_ || ::fstat(in.fd_.get(), &found) != 0) {
    return local_file_error(file_error("read", path));
  }
  if (S_ISDIR(found.st_mode)) {
    errno = EISDIR;
    return local_file_error(file_error("read", path));
  }
  if (S_ISREG(found.st_mode)) in.expected_ = uint64_t(found.st_size);
  return in;
}

Result<size_t> ValueInput::read(std::span<char> out) {
  MEMORIA_TRY(const size_t n, path_ == "-" ? streams_.in(out) : read_file(out));
  taken_ += n;
  return n;
}

Result<size_t> ValueInput::read_file(std::span<char> out) {
  for (;;) {
    const ssize_t n = ::read(fd_.get(), out.data(), out.size());
    // Who wrote to a pipe may have been told to end, too.
    const bool is_interrupted = n <= 0 && streams_.interrupted && streams_.interrupted();
    if (n >= 0 && !is_interrupted) return size_t(n);
    if (n < 0 && errno != EINTR) return file_error("read", path_);
    if (is_interrupted) return Error(Errc::kCancelled);
  }
}

}  // namespace memoria::ctl
