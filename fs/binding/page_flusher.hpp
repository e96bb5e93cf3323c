// SPDX-License-Identifier: MIT
// Gets the bytes of a file that only the kernel's page cache has into the volume.
#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "core/base/mutex.hpp"
#include "fs/binding/session.hpp"
#include "fs/volume/attributes.hpp"

namespace memoria {

/// The kernel asks for SEEK_DATA and SEEK_HOLE without writing first what it caches, and so would
/// be told of a hole where a program has just written. Invalidating pages makes it write those that
/// are dirty, and wait until the volume has them.
///
/// That wait ends only when other threads answer the writes. So it is a thread of its own that
/// waits, one file after the other; and so the serving threads may end only after finish().
///
/// Should the process be killed just then, that thread keeps the mount from becoming a dead one:
/// nobody is left to answer, and the kernel waits uninterruptibly. MountGuard sees to it; and the
/// next memoria-fs (stale_mount.hpp), should the guard have been killed, too.
class PageFlusher {
 public:
  explicit PageFlusher(Session& session);
  /// After finish().
  ~PageFlusher();
  PageFlusher(const PageFlusher&) = delete;
  PageFlusher& operator=(const PageFlusher&) = delete;

  /// Calls `then` from the flusher's thread when the volume has what had been written to the file
  /// from `offset` on; with an errno when the kernel could not write it. Any thread. After finish()
  /// it calls at once, with ESHUTDOWN.
  void flush_then(InodeNumber ino, off_t offset, std::function<void(int error)> then);

  /// Waits until the volume has all that had been written to these files. From a thread that
  /// answers no requests. kIo: the kernel could not write it; kClosed: the mount ends.
  Status flush(const std::vector<InodeNumber>& inodes);

  /// Has the kernel ask again what stat(2) shows of the file. Does not wait; any thread, also one
  /// that serves.
  void forget_attributes(InodeNumber ino);

  /// Serves requests itself, since nobody else does any more, until all calls are made.
  void finish();

 private:
  struct Job {
    InodeNumber ino;
    off_t offset;
    std::function<void(int error)> then;
  };

  void run();
  bool idle() const;
  bool close_when_idle();

  Session& session_;
  mutable Mutex mutex_;
  Condition changed_;
  std::deque<Job> jobs_ GUARDED_BY(mutex_);
  bool busy_ GUARDED_BY(mutex_) = false;
  bool closed_ GUARDED_BY(mutex_) = false;  // takes no more jobs
  bool ending_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace memoria
