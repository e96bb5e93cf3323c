// SPDX-License-Identifier: MIT
// What the kernel knows an inode by. A mount shows several trees: the volume, and its snapshots,
// in which the same inode numbers stand for other states. A node id has the tree in its upper 16
// bits and the inode number below, so that in the volume itself both numbers are the same.
#pragma once

#include "fs/volume/attributes.hpp"

namespace memoria {

using TreeNumber = uint16_t;
using NodeId = uint64_t;

inline constexpr TreeNumber kVolumeTree = 0;
/// The directory of the snapshots, which is in none of them.
inline constexpr TreeNumber kSnapshotsTree = 0x7fff;

constexpr NodeId node_id(TreeNumber tree, InodeNumber ino) {
  return NodeId{tree} << 48 | ino;
}
constexpr TreeNumber tree_of(NodeId node) {
  return TreeNumber(node >> 48);
}
constexpr InodeNumber inode_of(NodeId node) {
  return node & kMaxInode;
}

/// Its name is kSnapshotsName.
inline constexpr NodeId kSnapshotsNode = node_id(kSnapshotsTree, kRootInode);

static_assert(inode_of(node_id(3, kMaxInode)) == kMaxInode && tree_of(node_id(3, kMaxInode)) == 3);

}  // namespace memoria
