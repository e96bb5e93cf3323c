// SPDX-License-Identifier: MIT
// Tells the kernel about changes that it did not ask for (memoria-ctl put, rm).
#pragma once

#include <deque>
#include <string>
#include <thread>

#include "core/base/mutex.hpp"
#include "fs/binding/session.hpp"

namespace memoria {

/// A notification can wait for the kernel, which can wait for a request to be answered: it must
/// come from no thread that answers requests and from under no lock. So there is a queue, and one
/// thread.
class Notifier {
 public:
  explicit Notifier(Session& session);
  /// Drops what is queued: the mount is going away.
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  /// For Volume::set_watcher; must be taken back there before this dies.
  Volume::Watcher watcher();

 private:
  struct Change {
    InodeNumber inode;  // the one that changed, or the directory
    std::string name;   // empty: the inode itself
  };

  void push(Change change);
  void run();
  void tell(const Change& change);

  Session& session_;
  Mutex mutex_;
  Condition changed_;
  std::deque<Change> queue_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace memoria
