// SPDX-License-Identifier: MIT
// Listing a directory.
#include "fs/volume/errors.hpp"
#include "fs/volume/volume_impl.hpp"

namespace memoria {
namespace {

/// Entries copied at a time: no lock is held while they are visited.
constexpr size_t kChunk = 128;

}  // namespace

Status Volume::list(InodeNumber directory, uint64_t cookie,
                    const std::function<bool(const DirectoryEntry&)>& visit) {
  MEMORIA_TRY(const auto inode, load_inode(*impl_->store, directory));
  if (!inode.is_directory()) return posix(ENOTDIR);
  for (;;) {
    MEMORIA_TRY(const auto index, impl_->directories.get(*impl_->store, directory));
    const auto entries = index->after(cookie, kChunk);
    if (!entries) continue;  // it fell behind the directory, and is built again
    if (entries->empty()) return ok();
    for (const DirectoryEntry& entry : *entries) {
      if (!visit(entry)) return ok();
      cookie = entry.cookie;
    }
  }
}

}  // namespace memoria
