// SPDX-License-Identifier: MIT
#include "tests/volume/tree_model.hpp"

#include <linux/fs.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>

namespace memoria::test {

TreeModel::TreeModel(const Attributes& root) {
  nodes_[root.ino] = {.mode = root.mode,
                      .uid = root.uid,
                      .gid = root.gid,
                      .links = 2,
                      .contents = {},
                      .xattrs = {},
                      .children = {},
                      .parent = root.ino,
                      .holds = 0};
}

TreeModel::Node* TreeModel::find(InodeNumber ino) {
  const auto it = nodes_.find(ino);
  return it == nodes_.end() ? nullptr : &it->second;
}

int TreeModel::directory(InodeNumber ino, Node*& out) {
  out = find(ino);
  if (out == nullptr) return ENOENT;
  return S_ISDIR(out->mode) ? 0 : ENOTDIR;
}

int TreeModel::regular(InodeNumber ino, Node*& out) {
  out = find(ino);
  if (out == nullptr) return ENOENT;
  if (S_ISDIR(out->mode)) return EISDIR;
  return S_ISREG(out->mode) ? 0 : EINVAL;
}

int TreeModel::make(InodeNumber parent, const std::string& name, mode_t mode,
                    const std::string& target, const Caller& caller, InodeNumber ino) {
  Node* above = nullptr;
  if (const int e = directory(parent, above)) return e;
  if (above->children.contains(name)) return EEXIST;
  above->children[name] = {ino, next_order_++};
  const bool set_gid = (above->mode & S_ISGID) != 0;
  if (S_ISDIR(mode)) {
    ++above->links;
    if (set_gid) mode |= S_ISGID;
  }
  Node& node = nodes_[ino];
  node.mode = mode;
  node.uid = caller.uid;
  node.gid = set_gid ? find(parent)->gid : caller.gid;
  node.links = S_ISDIR(mode) ? 2 : 1;
  node.contents = target;
  node.parent = parent;
  return 0;
}

int TreeModel::link(InodeNumber ino, InodeNumber parent, const std::string& name) {
  Node* above = nullptr;
  if (const int e = directory(parent, above)) return e;
  if (above->children.contains(name)) return EEXIST;
  Node* const node = find(ino);
  if (node == nullptr) return ENOENT;
  if (S_ISDIR(node->mode)) return EPERM;
  if (node->links == 0) return ENOENT;
  ++node->links;
  above->children[name] = {ino, next_order_++};
  return 0;
}

void TreeModel::drop(InodeNumber ino) {
  const Node* const node = find(ino);
  if (node->links == 0 && node->holds == 0) nodes_.erase(ino);
}

void TreeModel::take_link(InodeNumber ino) {
  --find(ino)->links;
  drop(ino);
}

int TreeModel::unlink(InodeNumber parent, const std::string& name) {
  Node* above = nullptr;
  if (const int e = directory(parent, above)) return e;
  const auto it = above->children.find(name);
  if (it == above->children.end()) return ENOENT;
  const auto ino = it->second.ino;
  if (S_ISDIR(find(ino)->mode)) return EISDIR;
  above->children.erase(it);
  take_link(ino);
  return 0;
}

int TreeModel::rmdir(InodeNumber parent, const std::string& name) {
  Node* above = nullptr;
  if (const int e = directory(parent, above)) return e;
  const auto it = above->children.find(name);
  if (it == above->children.end()) return ENOENT;
  const Node* const node = find(it->second.ino);
  if (!S_ISDIR(node->mode)) return ENOTDIR;
  if (!node->children.empty()) return ENOTEMPTY;
  nodes_.erase(it->second.ino);
  above->children.erase(it);
  --above->links;
  return 0;
}

bool TreeModel::is_above(InodeNumber directory, InodeNumber below) const {
  while (below != directory && below != kRootInode) below = nodes_.at(below).parent;
  return below == directory;
}

int TreeModel::exchange(Node& from, Child& a, Node& to, Child& b, InodeNumber from_ino,
                        InodeNumber to_ino) {
  if (Node& node = *find(a.ino); S_ISDIR(node.mode)) {
    --from.links;
    ++to.links;
    node.parent = to_ino;
  }
  if (Node& node = *find(b.ino); S_ISDIR(node.mode)) {
    --to.links;
    ++from.links;
    node.parent = from_ino;
  }
  std::swap(a.ino, b.ino);
  return 0;
}

int TreeModel::rename(InodeNumber parent, const std::string& name, InodeNumber new_parent,
                      const std::string& new_name, unsigned flags, const Caller& caller,
                      InodeNumber whiteout) {
  const bool noreplace = (flags & RENAME_NOREPLACE) != 0;
  if ((flags & ~7u) != 0 || ((flags & RENAME_EXCHANGE) != 0 && flags != RENAME_EXCHANGE)) {
    return EINVAL;
  }
  Node *from = nullptr, *to = nullptr;
  if (const int e = directory(parent, from)) return e;
  if (const int e = directory(new_parent, to)) return e;
  const auto source = from->children.find(name);
  const auto target = to->children.find(new_name);
  const bool there = target != to->children.end();
  if (source == from->children.end()) return ENOENT;
  if (there && noreplace) return EEXIST;
  if (!there && flags == RENAME_EXCHANGE) return ENOENT;
  const auto moved = source->second.ino;
  const bool is_directory = S_ISDIR(find(moved)->mode);
  const bool onto_directory = there && S_ISDIR(find(target->second.ino)->mode);
  if (is_directory && is_above(moved, new_parent)) return EINVAL;
  if (onto_directory && is_above(target->second.ino, parent)) {
    return flags == RENAME_EXCHANGE ? EINVAL : ENOTEMPTY;
  }
  if (there && target->second.ino == moved) return 0;
  if (flags == RENAME_EXCHANGE) {
    return exchange(*from, source->second, *to, target->second, parent, new_parent);
  }
  if (there && is_directory && !onto_directory) return ENOTDIR;
  if (!is_directory && onto_directory) return EISDIR;
  if (onto_directory && !find(target->second.ino)->children.empty()) return ENOTEMPTY;

  uint64_t order = 0;
  if (there) {
    order = target->second.order;
    if (onto_directory) {
      nodes_.erase(target->second.ino);
      --to->links;
    } else {
      take_link(target->second.ino);
    }
  } else {
    order = next_order_++;
  }
  const auto old_order = source->second.order;
  from->children.erase(source);
  to->children[new_name] = {moved, order};
  if (is_directory) {
    --from->links;
    ++to->links;
    find(moved)->parent = new_parent;
  }
  if ((flags & RENAME_WHITEOUT) == 0) return 0;
  const int made = make(parent, name, S_IFCHR, {}, caller, whiteout);
  from->children[name].order = old_order;
  return made;
}

int TreeModel::lookup(InodeNumber parent, const std::string& name, InodeNumber& found) const {
  const auto above = nodes_.find(parent);
  if (above == nodes_.end()) return ENOENT;
  if (!S_ISDIR(above->second.mode)) return ENOTDIR;
  const auto it = above->second.children.find(name);
  if (it == above->second.children.end()) return ENOENT;
  found = it->second.ino;
  return 0;
}

int TreeModel::hold(InodeNumber ino) {
  Node* node = nullptr;
  if (const int e = regular(ino, node)) return e;
  ++node->holds;
  return 0;
}

void TreeModel::forget(InodeNumber ino) {
  --find(ino)->holds;
  drop(ino);
}

void TreeModel::drop_holds() {
  std::erase_if(nodes_, [](const auto& n) { return n.second.links == 0; });
  for (auto& [ino, node] : nodes_) node.holds = 0;
}

int TreeModel::set_attributes(InodeNumber ino, const AttributeChanges& changes) {
  Node* node = find(ino);
  if (node == nullptr) return ENOENT;
  if (changes.size) {
    if (const int e = regular(ino, node)) return e;
    node->contents.resize(*changes.size, '\0');
  }
  if (changes.uid) node->uid = *changes.uid;
  if (changes.gid) node->gid = *changes.gid;
  if ((changes.uid || changes.gid) && !S_ISDIR(node->mode)) {
    node->mode &= ~mode_t{S_ISUID};
    if ((node->mode & S_IXGRP) != 0) node->mode &= ~mode_t{S_ISGID};
  }
  if (changes.mode && !S_ISLNK(node->mode)) {
    node->mode = (node->mode & S_IFMT) | (*changes.mode & 07777);
  }
  return 0;
}

int TreeModel::write(InodeNumber ino, uint64_t offset, const std::string& bytes) {
  Node* node = nullptr;
  if (const int e = regular(ino, node)) return e;
  if (bytes.empty()) return 0;
  auto& contents = node->contents;
  contents.resize(std::max<uint64_t>(contents.size(), offset + bytes.size()), '\0');
  contents.replace(offset, bytes.size(), bytes);
  return 0;
}

int TreeModel::append(InodeNumber ino, const std::string& bytes) {
  Node* node = nullptr;
  if (const int e = regular(ino, node)) return e;
  node->contents += bytes;
  return 0;
}

int TreeModel::zero(InodeNumber ino, uint64_t offset, uint64_t length, bool grow) {
  Node* node = find(ino);
  if (node == nullptr) return ENOENT;
  if (S_ISDIR(node->mode)) return EISDIR;
  if (!S_ISREG(node->mode)) return ENODEV;
  auto& contents = node->contents;
  if (grow) contents.resize(std::max<uint64_t>(contents.size(), offset + length), '\0');
  const auto end = std::min<uint64_t>(offset + length, contents.size());
  for (auto i = offset; i < end; ++i) contents[i] = '\0';
  return 0;
}

bool TreeModel::takes_user_xattrs(const Node& node) {
  return S_ISREG(node.mode) || S_ISDIR(node.mode);
}

int TreeModel::set_xattr(InodeNumber ino, const std::string& name, const std::string& value,
                         int flags) {
  Node* const node = find(ino);
  if (node == nullptr) return ENOENT;
  if (!takes_user_xattrs(*node)) return EPERM;
  const bool there = node->xattrs.contains(name);
  if (there && (flags & XATTR_CREATE) != 0) return EEXIST;
  if (!there && (flags & XATTR_REPLACE) != 0) return ENODATA;
  node->xattrs[name] = value;
  return 0;
}

int TreeModel::remove_xattr(InodeNumber ino, const std::string& name) {
  Node* const node = find(ino);
  if (node == nullptr) return ENOENT;
  if (!takes_user_xattrs(*node)) return EPERM;
  return node->xattrs.erase(name) == 1 ? 0 : ENODATA;
}

std::vector<std::string> TreeModel::listing(InodeNumber directory) const {
  std::vector<std::pair<uint64_t, std::string>> sorted;
  for (const auto& [name, child] : nodes_.at(directory).children) {
    sorted.emplace_back(child.order, name);
  }
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::string> out;
  for (auto& [order, name] : sorted) out.push_back(std::move(name));
  return out;
}

}  // namespace memoria::test
