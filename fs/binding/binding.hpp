// SPDX-License-Identifier: MIT
// What every request handler knows: the volume, and what was agreed with the kernel.
#pragma once

#include <functional>

#include "fs/binding/snapshot_trees.hpp"
#include "fs/binding/written_files.hpp"
#include "fs/volume/volume.hpp"

namespace memoria {

class PageFlusher;

/// Seconds for which the kernel may answer from its caches. Every change passes the kernel, or is
/// announced by kernel_notifier(), so they are long.
struct CacheTimes {
  double entry = 86400;
  double attributes = 86400;
  double negative = 86400;  ///< names that do not exist
};

/// Owned by the daemon; libfuse hands it to each request as user data. Constant once INIT is
/// answered, but for what is thread-safe itself, so handlers read it without a lock.
struct Binding {
  Volume& volume;
  SnapshotTrees& snapshots;
  CacheTimes cache_times;
  bool writeback = true;  ///< wished; after negotiate(): in force, the kernel owns sizes and times
  // Agreed with the kernel:
  bool stateless_directories = false;  ///< it opens and closes directories without asking
  bool stateless_files = false;        ///< and files
  bool acls = false;                   ///< it enforces ACLs, and leaves the umask to the volume
  WrittenFiles written = {};
  PageFlusher* flusher = nullptr;       ///< there while requests are
  std::function<void()> on_ready = {};  ///< called once, when the kernel's INIT arrives
};

}  // namespace memoria
