// SPDX-License-Identifier: MIT
#include "fs/binding/snapshot_directory.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "fs/binding/request.hpp"
#include "fs/volume/dentry.hpp"
#include "fs/volume/keys.hpp"

namespace memoria {

Result<Attributes> snapshots_attributes(const SnapshotTrees& trees) {
  MEMORIA_TRY(auto out, trees.volume().getattr(kRootInode));
  MEMORIA_TRY(const auto snapshots, trees.list());
  out.mode = S_IFDIR | 0555;
  out.links = uint32_t(2 + snapshots.size());
  out.size = out.blocks = 0;
  out.mtime = snapshots.empty() ? out.btime : TimeNs(snapshots.back().created_ns);
  out.atime = out.ctime = out.mtime;
  return out;
}

Status list_snapshots(const SnapshotTrees& trees, uint64_t cookie,
                      const std::function<bool(const DirectoryEntry&)>& visit) {
  MEMORIA_TRY(const auto snapshots, trees.list());
  DirectoryEntry entry{.name = {}, .ino = 0, .type = S_IFDIR, .cookie = kFirstCookie - 1};
  for (const auto& snapshot : snapshots) {
    // The time when it was made; later when another one was made at the same time. A damaged one
    // may tell any time.
    entry.cookie = std::max(entry.cookie + 1, std::min(snapshot.created_ns, kDamagedCookies));
    if (entry.cookie <= cookie) continue;
    entry.name = snapshot.name;
    if (!visit(entry)) break;
  }
  return ok();
}

Status reply_snapshots(Request& request) {
  MEMORIA_TRY(request.enter(kSnapshotsNode));
  MEMORIA_TRY(const auto attributes, snapshots_attributes(request.binding().snapshots));
  request.reply_entry(attributes);
  return ok();
}

Status reply_snapshot(Request& request, std::string_view name) {
  if (name.size() > kMaxName) return Error::posix(ENAMETOOLONG);
  const auto tree = request.binding().snapshots.find(name);
  if (!tree && tree.error().to_errno() == ENOENT) {
    request.reply_no_entry();
    return ok();
  }
  if (!tree) return tree.error();
  MEMORIA_TRY(request.enter(node_id(tree.value(), kRootInode)));
  MEMORIA_TRY(const auto root, request.volume().getattr(kRootInode));
  request.reply_entry(root);
  return ok();
}

}  // namespace memoria
