// SPDX-License-Identifier: MIT
#include "fs/control/socket_address.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "core/io/permission.hpp"

namespace memoria {
namespace {

constexpr int kBacklog = 16;
constexpr mode_t kOwnerOnly = S_IRUSR | S_IWUSR;

/// A socket address for any path: long ones go by way of the open directory, whose name in /proc is
/// short. Keep the object until bind() or connect() has returned.
class Address {
 public:
  static Result<Address> of(const std::string& path) {
    Address out;
    out.raw_.sun_family = AF_UNIX;
    std::string name = path;
    if (name.size() >= sizeof out.raw_.sun_path) {
      const auto slash = path.find_last_of('/');
      const auto directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
      out.directory_ = UniqueFd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      if (!out.directory_) return Error::from_errno(errno, "open", directory);
      name = fmt::format("/proc/self/fd/{}/{}", out.directory_.get(),
                         path.substr(slash == std::string::npos ? 0 : slash + 1));
    }
    if (name.size() >= sizeof out.raw_.sun_path) {
      return Error(Errc::kTooLarge, fmt::format("the name of the socket {} is too long", path));
    }
    std::memcpy(out.raw_.sun_path, name.c_str(), name.size() + 1);
    return out;
  }

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&raw_); }
  static constexpr socklen_t size() { return sizeof(sockaddr_un); }

 private:
  sockaddr_un raw_{};
  UniqueFd directory_;
};

Result<UniqueFd> new_socket(int flags) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (!fd) return Error::from_errno(errno, "open", "a control socket");
  return fd;
}

/// A name in a directory that is open.
struct Place {
  int directory = -1;
  std::string name;
  std::string path;  // for messages
};

Status remove_stale(const Place& place) {
  struct stat found {};
  if (::fstatat(place.directory, place.name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return ok();
    return Error::from_errno(errno, "look at", place.path);
  }
  if (!S_ISSOCK(found.st_mode)) {
    return Error(Errc::kExists, fmt::format("{} is in the way of the control socket", place.path));
  }
  if (::unlinkat(place.directory, place.name.c_str(), 0) != 0) {
    return Error::from_errno(errno, "remove", place.path);
  }
  return ok();
}

/// What was made: to the directory's owner, who is to find out that nobody listens there after a
/// daemon of root's was killed. Whom a daemon listens to is not decided by that.
Result<struct stat> give_away(const Place& place) {
  const UniqueFd made(
      ::openat(place.directory, place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat found {};
  if (!made || ::fstat(made.get(), &found) != 0) {
    return Error::from_errno(errno, "look at", place.path);
  }
  if (S_ISSOCK(found.st_mode)) Heir(place.directory).take(made.get());
  return found;
}

}  // namespace

Result<ListeningSocket> ListeningSocket::at(const std::string& path) {
  const auto slash = path.find_last_of('/') + 1;
  const auto parent = slash == 0 ? std::string(".") : path.substr(0, slash);
  ListeningSocket out;
  out.directory_ = UniqueFd(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!out.directory_) return Error::from_errno(errno, "open", parent);
  const Place place{out.directory_.get(), path.substr(slash), path};
  MEMORIA_TRY(remove_stale(place));
  MEMORIA_TRY(auto fd, new_socket(SOCK_NONBLOCK));
  MEMORIA_TRY(const auto address,
              Address::of(fmt::format("/proc/self/fd/{}/{}", place.directory, place.name)));
  // On Linux the new file takes its mode from the socket's, so nobody else can ever connect.
  if (::fchmod(fd.get(), kOwnerOnly) != 0) return Error::from_errno(errno, "protect", path);
  if (::bind(fd.get(), address.get(), Address::size()) != 0) {
    return Error::from_errno(errno, "make the control socket", path);
  }
  MEMORIA_TRY(const auto made, give_away(place));
  out.name_ = place.name;
  out.device_ = made.st_dev;
  out.inode_ = made.st_ino;
  if (::listen(fd.get(), kBacklog) != 0) return Error::from_errno(errno, "listen at", path);
  out.fd_ = std::move(fd);
  return out;
}

ListeningSocket::~ListeningSocket() {
  struct stat found {};
  const bool ours = directory_ && !name_.empty() &&
                    ::fstatat(directory_.get(), name_.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
                    found.st_dev == device_ && found.st_ino == inode_;
  if (ours) ::unlinkat(directory_.get(), name_.c_str(), 0);
}

Result<UniqueFd> connect_to(const std::string& path) {
  MEMORIA_TRY(auto fd, new_socket(0));
  MEMORIA_TRY(const auto address, Address::of(path));
  if (::connect(fd.get(), address.get(), Address::size()) == 0) return fd;
  if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR) {
    return Error(Errc::kNotFound, fmt::format("nobody listens at {}", path));
  }
  return failed_access(errno, "connect to", path);
}

Result<Peer> peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return Error::from_errno(errno, "identify", "the peer of the control socket");
  }
  return Peer{credentials.uid, credentials.gid};
}

}  // namespace memoria
