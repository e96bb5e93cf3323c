// SPDX-License-Identifier: MIT
#include "fs/binding/notifier.hpp"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace memoria {

Notifier::Notifier(Session& session) : session_(session), thread_([this] { run(); }) {}

Notifier::~Notifier() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

Volume::Watcher Notifier::watcher() {
  return {.inode_changed =
              [this](InodeNumber ino) {
                push({ino, {}});
              },
          .entry_changed =
              [this](InodeNumber parent, std::string_view name) {
                push({parent, std::string(name)});
              }};
}

void Notifier::push(Change change) {
  {
    const Lock lock(mutex_);
    queue_.push_back(std::move(change));
  }
  changed_.notify_one();
}

void Notifier::run() {
  Lock lock(mutex_);
  while (!stopping_) {
    if (queue_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto change = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    tell(change);
    lock.lock();
  }
}

void Notifier::tell(const Change& change) {
  // A negative offset: attributes only. Contents never change behind the kernel's back, since a
  // replaced file is a new inode; and dropping pages could wait for them to be written.
  const int result = change.name.empty()
                         ? fuse_lowlevel_notify_inval_inode(session_.raw(), change.inode, -1, 0)
                         : fuse_lowlevel_notify_inval_entry(session_.raw(), change.inode,
                                                            change.name.data(), change.name.size());
  if (result != 0 && result != -ENOENT) {  // ENOENT: the kernel did not know it anyway
    spdlog::warn("cannot tell the kernel about a change of inode {}: {}", change.inode,
                 std::generic_category().message(-result));
  }
}

}  // namespace memoria
