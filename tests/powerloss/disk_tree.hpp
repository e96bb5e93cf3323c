// SPDX-License-Identifier: MIT
// The simulated disk as a tree of nodes with numbers, as the kernel wants it. Nothing is durable
// but by sync() and sync_names(), see tests/support/simulated_disk.hpp.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/simulated_disk.hpp"

namespace memoria::powerloss {

/// Which syncs the disk acknowledges and does not carry out.
enum class Lie { kNone, kData, kNames, kAll };

/// A node's number as the kernel knows it; 0 is none. Never used again.
using NodeId = uint64_t;

/// One thread at a time. Functions that return int return 0 or an errno. Owners, times and modes
/// are kept in memory only: a store does not rely on them.
class DiskTree {
 public:
  static constexpr NodeId kRoot = 1;

  /// From now on.
  void lie(Lie lie) { lie_ = lie; }

  /// 0 when `directory` has no such entry.
  NodeId find(NodeId directory, std::string_view name) const;
  struct stat attributes(NodeId node) const;
  /// Names and nodes.
  std::vector<std::pair<std::string, NodeId>> list(NodeId directory) const;

  int make_file(NodeId directory, std::string_view name, mode_t mode);
  int make_directory(NodeId directory, std::string_view name, mode_t mode);
  /// Sockets and the like: no crash leaves any.
  int make_special(NodeId directory, std::string_view name, mode_t mode);
  int link(NodeId node, NodeId directory, std::string_view name);
  int rename(NodeId from_directory, std::string_view from, NodeId to_directory,
             std::string_view to);
  int unlink(NodeId directory, std::string_view name);
  int remove_directory(NodeId directory, std::string_view name);
  void set_mode(NodeId node, mode_t permissions);

  /// All bytes of a file. Valid until the next change.
  const std::string& bytes(NodeId file) const { return disk_.bytes(inode(file)); }
  void write(NodeId file, uint64_t offset, std::string bytes);
  void truncate(NodeId file, uint64_t size);

  /// fsync and fdatasync of a file: its data and size. Not its name.
  void sync(NodeId file);
  /// fsync of a directory: names and their changes so far, everywhere.
  void sync_names();

  const test::SimulatedDisk& disk() const { return disk_; }

 private:
  using Type = test::Operation::Type;

  static uint64_t inode(NodeId node) {
    return node - 1;
  }  // the disk counts from 1, and has no root
  bool is_directory(NodeId node) const { return directories_.contains(node); }
  std::string path(NodeId directory, std::string_view name) const;
  NodeId find_path(const std::string& path) const;
  NodeId new_node(mode_t mode);
  bool is_empty(const std::string& directory_path) const;
  void move_directory(const std::string& from, const std::string& to);

  Lie lie_ = Lie::kNone;
  test::SimulatedDisk disk_;
  NodeId last_ = kRoot;
  std::map<NodeId, std::string> directories_{
      {kRoot, ""}};  // paths, with '/' behind; the root's is empty
  std::map<std::string, NodeId, std::less<>> specials_;  // by path
  std::map<NodeId, mode_t> modes_{{kRoot, S_IFDIR | 0700}};
};

}  // namespace memoria::powerloss
