// SPDX-License-Identifier: MIT
// What a volume should be, as a plain tree in memory: the rules of POSIX once more, written without
// a thought of keys, batches and caches.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fs/volume/attributes.hpp"

namespace memoria::test {

/// Functions return 0, or the errno that is expected, and change the tree only with 0. New inodes
/// get the number that the volume chose. Only regular files are held.
class TreeModel {
 public:
  struct Child {
    InodeNumber ino;
    uint64_t order;  ///< position in the listing
  };
  struct Node {
    mode_t mode = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    uint64_t links = 0;    ///< names; directories: subdirectories + 2
    std::string contents;  ///< or the target
    std::map<std::string, std::string> xattrs;
    std::map<std::string, Child> children;
    InodeNumber parent = 0;
    int holds = 0;
  };

  explicit TreeModel(const Attributes& root);

  int make(InodeNumber parent, const std::string& name, mode_t mode, const std::string& target,
           const Caller& caller, InodeNumber ino);
  int link(InodeNumber ino, InodeNumber parent, const std::string& name);
  int unlink(InodeNumber parent, const std::string& name);
  int rmdir(InodeNumber parent, const std::string& name);
  int rename(InodeNumber parent, const std::string& name, InodeNumber new_parent,
             const std::string& new_name, unsigned flags, const Caller& caller,
             InodeNumber whiteout);
  int lookup(InodeNumber parent, const std::string& name, InodeNumber& found) const;
  int hold(InodeNumber ino);  ///< errors as of opening a regular file
  void forget(InodeNumber ino);

  int set_attributes(InodeNumber ino, const AttributeChanges& changes);
  int write(InodeNumber ino, uint64_t offset, const std::string& bytes);
  int append(InodeNumber ino, const std::string& bytes);
  int zero(InodeNumber ino, uint64_t offset, uint64_t length, bool grow);
  int set_xattr(InodeNumber ino, const std::string& name, const std::string& value, int flags);
  int remove_xattr(InodeNumber ino, const std::string& name);

  /// The volume was closed, or its owner died: nothing is held any more.
  void drop_holds();

  const std::map<InodeNumber, Node>& nodes() const { return nodes_; }
  /// Names in the order of a listing.
  std::vector<std::string> listing(InodeNumber directory) const;

 private:
  Node* find(InodeNumber ino);
  /// ENOENT, ENOTDIR, or 0.
  int directory(InodeNumber ino, Node*& out);
  bool is_above(InodeNumber directory, InodeNumber below) const;
  void drop(InodeNumber ino);
  void take_link(InodeNumber ino);
  int regular(InodeNumber ino, Node*& out);
  static bool takes_user_xattrs(const Node& node);
  int exchange(Node& from, Child& a, Node& to, Child& b, InodeNumber from_ino, InodeNumber to_ino);

  std::map<InodeNumber, Node> nodes_;
  uint64_t next_order_ = 1;
};

}  // namespace memoria::test
