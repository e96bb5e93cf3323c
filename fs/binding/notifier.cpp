// SPDX-License-Identifier: MIT
#include "fs/binding/notifier.hpp"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <system_error>

namespace memoria {
namespace {

void check(int result, InodeNumber ino) {
  if (result == 0 || result == -ENOENT) return;  // ENOENT: the kernel did not know it anyway
  spdlog::warn("cannot tell the kernel about a change of inode {}: {}", ino,
               std::generic_category().message(-result));
}

}  // namespace

Volume::Watcher kernel_notifier(Session& session) {
  // A negative offset: attributes only. Contents never change behind the kernel's back, since a
  // replaced file is a new inode; and dropping pages could wait for them to be written.
  return {
      .inode_changed =
          [&session](InodeNumber ino) {
            check(fuse_lowlevel_notify_inval_inode(session.raw(), ino, -1, 0), ino);
          },
      .entry_changed =
          [&session](InodeNumber parent, std::string_view name) {
            check(fuse_lowlevel_notify_inval_entry(session.raw(), parent, name.data(), name.size()),
                  parent);
          }};
}

}  // namespace memoria
