// SPDX-License-Identifier: MIT
// One mount: from the kernel's yes to its end.
#pragma once

#include <functional>
#include <memory>

#include "fs/binding/binding.hpp"
#include "fs/binding/fuse.hpp"
#include "fs/binding/mount_exit.hpp"
#include "fs/binding/mount_options.hpp"
#include "fs/binding/paths.hpp"

namespace memoria {

class Session {
 public:
  /// Mounts, and takes SIGTERM, SIGINT and SIGHUP as the wish to end. `binding` must outlive the
  /// session. Programs that look at the mount wait until serve() answers them. Errors: kMount.
  static Checked<std::unique_ptr<Session>> mount(Binding& binding, const MountOptions& options,
                                                 const Paths& paths);
  /// Unmounts, lazily when there are open files.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Answers requests until somebody unmounts, a signal comes, or stop(). Errors: kMount.
  Checked<void> serve(unsigned max_threads);
  /// After serve(): whether a signal ended it, and not that somebody unmounted.
  bool was_told_to_end() const { return told_to_end_; }
  /// After serve(): answers requests in this thread, as long as `wanted` and there is a mount.
  void serve_while(const std::function<bool()>& wanted);
  /// Ends serve(); only from inside a request.
  void stop() { fuse_session_exit(raw_); }

  /// The /dev/fuse that requests are read from; -1 when they come over io_uring.
  int device() const { return io_uring_ ? -1 : fuse_session_fd(raw_); }

  /// For notifications; any thread, but not inside a request.
  fuse_session* raw() const { return raw_; }

 private:
  explicit Session(fuse_session* raw) : raw_(raw) {}
  int serve_by_libfuse(unsigned max_threads);

  fuse_session* raw_;
  bool mounted_ = false, handles_signals_ = false, io_uring_ = false, told_to_end_ = false;
};

}  // namespace memoria
