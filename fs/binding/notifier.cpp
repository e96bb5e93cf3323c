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

Volume::Caches kernel_caches(Session& session, Binding& binding, PageFlusher& flusher) {
  // A negative offset: attributes only. Contents never change behind the kernel's back, since a
  // replaced file is a new inode; and dropping pages could wait for them to be written.
  const auto inode_changed = [&session](NodeId node) {
    check(fuse_lowlevel_notify_inval_inode(session.raw(), node, -1, 0), node);
  };
  // A name that the kernel has not looked up tells it nothing about a listing that it keeps, and
  // the directory's time may be the one that it knows. The listing is kept in pages like contents;
  // the directory's attributes are asked for again, too.
  const auto listing_changed = [&session](NodeId directory) {
    check(fuse_lowlevel_notify_inval_inode(session.raw(), directory, 0, 0), directory);
  };
  const auto entry_changed = [=, &session](NodeId parent, std::string_view name) {
    check(fuse_lowlevel_notify_inval_entry(session.raw(), parent, name.data(), name.size()),
          parent);
    listing_changed(parent);
  };
  const auto last_name_gone = [=, &session](NodeId parent, std::string_view name, NodeId node) {
    check(fuse_lowlevel_notify_delete(session.raw(), parent, node, name.data(), name.size()), node);
    listing_changed(parent);
  };
  return {.inode_changed = inode_changed,
          .entry_changed = entry_changed,
          .last_name_gone = last_name_gone,
          .snapshot_changed =
              [=, &binding](std::string_view snapshot) {
                binding.snapshots.forget(snapshot);
                entry_changed(kSnapshotsNode, snapshot);
              },
          .write_back = [&] { return flusher.flush(binding.written.all()); }};
}

}  // namespace memoria
