// SPDX-License-Identifier: MIT
// What can be done with the nodes of a filesystem in memory. Knows nothing of FUSE.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <string_view>

#include "core/base/result.hpp"
#include "tests/bench/ceiling/node.hpp"

namespace memoria::ceiling {

/// What a new node is.
struct NewNode {
  mode_t mode = 0;  ///< with its type
  uid_t uid = 0;
  gid_t gid = 0;
  dev_t device = 0;
  std::string_view target = {};  ///< of a symbolic link
};

/// All calls are thread-safe. Rights, lengths of names and loops are the caller's to check, that is
/// the kernel's. Errors are those of the system calls of the same name.
class Tree {
 public:
  Tree();

  Node& root() { return *root_; }
  uint64_t node_count() const { return last_number_.load(std::memory_order_relaxed); }

  Result<NodePtr> lookup(Node& directory, std::string_view name);
  Result<NodePtr> make(Node& directory, std::string_view name, const NewNode& wanted);
  Status link(Node& node, Node& directory, std::string_view name);
  Status unlink(Node& directory, std::string_view name);
  Status rmdir(Node& directory, std::string_view name);
  /// `flags` as for renameat2(): 0, RENAME_NOREPLACE or RENAME_EXCHANGE.
  Status rename(Node& from, std::string_view name, Node& to, std::string_view new_name,
                unsigned flags);

 private:
  std::atomic<uint64_t> last_number_ = 0;
  NodePtr root_;
};

}  // namespace memoria::ceiling
