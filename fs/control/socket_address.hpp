// SPDX-License-Identifier: MIT
// Unix sockets at paths of any length, and who is at the other end.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/base/result.hpp"
#include "core/base/unique_fd.hpp"

namespace memoria {

/// A socket that listens and its name, which goes with it. By its path neither is touched after the
/// directory has been opened: in a user's directory that may lead elsewhere by then.
class ListeningSocket {
 public:
  /// At `path`, mode 0600; what a dead owner left there is replaced. `path` may be longer than the
  /// 107 bytes of a socket address. kExists: something that is no socket is there.
  static Result<ListeningSocket> at(const std::string& path);
  ListeningSocket(ListeningSocket&&) = default;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  /// Removes the name, unless it is somebody else's by now.
  ~ListeningSocket();

  int get() const { return fd_.get(); }

 private:
  ListeningSocket() = default;

  UniqueFd fd_, directory_;
  std::string name_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

/// A connection to the socket `path`. kNotFound: nobody listens there (no file, or a dead owner's).
Result<UniqueFd> connect_to(const std::string& path);

/// Effective user of the process at the other end.
struct Peer {
  uid_t uid = 0;
  gid_t gid = 0;
};
Result<Peer> peer_of(int socket);

/// The owner of the daemon and root may control it.
constexpr bool may_control(uid_t peer, uid_t owner) {
  return peer == owner || peer == 0;
}

}  // namespace memoria
