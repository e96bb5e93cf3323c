// SPDX-License-Identifier: MIT
// Asks a mount, from outside of the process that serves it, whether it answers.
#pragma once

#include <sys/types.h>

#include <string>

namespace memoria {

/// A process of its own asks. A thread of the daemon must not: should the daemon hang and be
/// killed, that thread would wait in the kernel for an answer that only its own process could give,
/// keep /dev/fuse open, and so keep the mount from ending (see PageFlusher). The other process has
/// no descriptor of the mount, gets ENOTCONN then, and ends when the daemon's end of the socket
/// closes.
class MountProbe {
 public:
  /// Starts the process. Before threads start, and before anything is open that a child should not
  /// keep. It ignores the signals that mean "end".
  explicit MountProbe(const std::string& mount_point);
  ~MountProbe();
  MountProbe(const MountProbe&) = delete;
  MountProbe& operator=(const MountProbe&) = delete;

  /// False: the process could not be started.
  bool works() const { return socket_ >= 0; }
  /// Has it ask. One question at a time.
  void ask();
  /// Readable when there is an answer.
  int descriptor() const { return socket_; }
  /// The answer: whether a FUSE filesystem did answer there. After descriptor() is readable.
  bool answered();

 private:
  int socket_ = -1;
  pid_t child_ = -1;
};

}  // namespace memoria
