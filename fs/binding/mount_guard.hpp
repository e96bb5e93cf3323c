// SPDX-License-Identifier: MIT
// A process beside the daemon, for what the daemon cannot do for its mount itself.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/base/unique_fd.hpp"
#include "fs/binding/guard_process.hpp"

namespace memoria {

/// Asks the mount, when it is told to, whether it answers. A thread of the daemon must not: should
/// the daemon hang and be killed, that thread would wait in the kernel for an answer that only its
/// own process could give, and keep it from ending.
///
/// Answers for a daemon that was killed or has crashed, with ENOTCONN, until the mount is gone. The
/// kernel would do so, too, but not for what programs wrote and it has cached: that it lets go
/// without a word, and close(2) succeeds (refuse_requests()).
///
/// Ends what cannot end. A daemon that is killed while PageFlusher waits for the kernel to write
/// pages has a thread that waits uninterruptibly, perhaps for a write that the daemon itself has
/// taken and will not answer any more. When the process has not ended half a second after its main
/// thread, the guard ends the connection (end_connection()), and so all waiting.
///
/// It hears of the daemon's end by PR_SET_PDEATHSIG, and ends with a daemon that ends by itself.
/// The signals that mean "end" count only when nobody else is left to decide.
class MountGuard {
 public:
  /// Starts the process. Before threads start, and before anything is open that a child should not
  /// keep; from the thread that ends last. `keeps_log`: the standard error is where it logs.
  MountGuard(const std::string& mount_point, bool keeps_log);
  ~MountGuard();
  MountGuard(const MountGuard&) = delete;
  MountGuard& operator=(const MountGuard&) = delete;

  /// False: the process could not be started.
  bool works() const { return child_ > 0; }
  /// The mount is there, and its requests come from `fuse_device`. -1 when they come from no such
  /// file: then the guard does not answer them.
  void mounted(int fuse_device);
  /// It is not ours any more.
  void unmounted();

  /// Has it ask. One question at a time.
  void ask();
  /// Readable when there is an answer.
  int descriptor() const { return socket_.get(); }
  /// The answer: whether a FUSE filesystem did answer there. After descriptor() is readable.
  bool answered();

 private:
  const std::string mount_point_;
  GuardedMount* mount_ = nullptr;
  UniqueFd fuse_device_;  // the guard has it, too; of no mount until mounted()
  UniqueFd socket_;
  pid_t child_ = -1;
};

}  // namespace memoria
