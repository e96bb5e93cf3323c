// SPDX-License-Identifier: MIT
#include "tests/powerloss/disk_tree.hpp"

#include <unistd.h>

#include <cerrno>

namespace memoria::powerloss {

std::string DiskTree::path(NodeId directory, std::string_view name) const {
  return directories_.at(directory) + std::string(name);
}

NodeId DiskTree::find_path(const std::string& path) const {
  for (const auto& candidate : {path, path + '/'}) {
    if (const auto inode = disk_.find(candidate); inode != 0) return inode + 1;
  }
  const auto special = specials_.find(path);
  return special == specials_.end() ? 0 : special->second;
}

NodeId DiskTree::find(NodeId directory, std::string_view name) const {
  return is_directory(directory) ? find_path(path(directory, name)) : 0;
}

struct stat DiskTree::attributes(NodeId node) const {
  struct stat out {};
  out.st_ino = node;
  out.st_mode = modes_.at(node);
  out.st_nlink = 1;
  out.st_uid = ::geteuid();
  out.st_gid = ::getegid();
  out.st_blksize = test::SimulatedDisk::kPageSize;
  if (S_ISREG(out.st_mode)) {
    const auto size = bytes(node).size();
    out.st_size = static_cast<off_t>(size);
    out.st_blocks = static_cast<blkcnt_t>((size + test::SimulatedDisk::kSectorSize - 1) /
                                          test::SimulatedDisk::kSectorSize);
  }
  return out;
}

std::vector<std::pair<std::string, NodeId>> DiskTree::list(NodeId directory) const {
  const auto& prefix = directories_.at(directory);
  std::vector<std::pair<std::string, NodeId>> out;
  const auto add = [&](const std::string& path, NodeId node) {
    if (!path.starts_with(prefix) || path == prefix) return;
    auto name = path.substr(prefix.size());
    if (name.ends_with('/')) name.pop_back();
    if (name.find('/') == std::string::npos) out.emplace_back(std::move(name), node);
  };
  for (const auto& [path, inode] : disk_.names()) add(path, inode + 1);
  for (const auto& [path, node] : specials_) add(path, node);
  return out;
}

NodeId DiskTree::new_node(mode_t mode) {
  modes_[++last_] = mode;
  return last_;
}

int DiskTree::make_file(NodeId directory, std::string_view name, mode_t mode) {
  if (find(directory, name) != 0) return EEXIST;
  const auto node = new_node(S_IFREG | (mode & 07777));
  disk_.apply({.type = Type::kCreate, .inode = inode(node), .name = path(directory, name)});
  return 0;
}

int DiskTree::make_directory(NodeId directory, std::string_view name, mode_t mode) {
  if (find(directory, name) != 0) return EEXIST;
  const auto node = new_node(S_IFDIR | (mode & 07777));
  const auto where = path(directory, name) + '/';
  directories_[node] = where;
  disk_.apply({.type = Type::kMakeDirectory, .inode = inode(node), .name = where});
  return 0;
}

int DiskTree::make_special(NodeId directory, std::string_view name, mode_t mode) {
  if (find(directory, name) != 0) return EEXIST;
  specials_[path(directory, name)] = new_node(mode);
  return 0;
}

int DiskTree::link(NodeId node, NodeId directory, std::string_view name) {
  if (find(directory, name) != 0) return EEXIST;
  for (const auto& [path_of_node, number] : disk_.names()) {
    if (number != inode(node)) continue;
    disk_.apply({.type = Type::kLink, .name = path_of_node, .to = path(directory, name)});
    return 0;
  }
  return EPERM;  // a special file, or one without a name
}

int DiskTree::rename(NodeId from_directory, std::string_view from, NodeId to_directory,
                     std::string_view to) {
  const auto node = find(from_directory, from);
  if (node == 0) return ENOENT;
  auto source = path(from_directory, from), target = path(to_directory, to);
  const auto replaced = find_path(target);
  if (replaced == node) return 0;
  if (specials_.contains(source) || specials_.contains(target)) return EPERM;
  if (!is_directory(node)) {
    if (is_directory(replaced)) return EISDIR;
  } else {
    if (replaced != 0 && !is_directory(replaced)) return ENOTDIR;
    source += '/';
    target += '/';
    if (replaced != 0 && !is_empty(target)) return ENOTEMPTY;
    directories_.erase(replaced);
    move_directory(source, target);
  }
  disk_.apply({.type = Type::kRename, .name = source, .to = target});
  return 0;
}

void DiskTree::move_directory(const std::string& from, const std::string& to) {
  for (auto& [node, path] : directories_) {
    if (path.starts_with(from)) path = to + path.substr(from.size());
  }
}

int DiskTree::unlink(NodeId directory, std::string_view name) {
  const auto node = find(directory, name);
  if (node == 0) return ENOENT;
  if (is_directory(node)) return EISDIR;
  const auto where = path(directory, name);
  if (specials_.erase(where) == 0) disk_.apply({.type = Type::kRemove, .name = where});
  return 0;
}

bool DiskTree::is_empty(const std::string& directory_path) const {
  const auto after = disk_.names().upper_bound(directory_path);
  const auto special = specials_.lower_bound(directory_path);
  return (after == disk_.names().end() || !after->first.starts_with(directory_path)) &&
         (special == specials_.end() || !special->first.starts_with(directory_path));
}

int DiskTree::remove_directory(NodeId directory, std::string_view name) {
  const auto node = find(directory, name);
  if (node == 0) return ENOENT;
  if (!is_directory(node)) return ENOTDIR;
  const auto where = path(directory, name) + '/';
  if (!is_empty(where)) return ENOTEMPTY;
  disk_.apply({.type = Type::kRemove, .name = where});
  directories_.erase(node);
  return 0;
}

void DiskTree::set_mode(NodeId node, mode_t permissions) {
  auto& mode = modes_.at(node);
  mode = (mode & S_IFMT) | (permissions & 07777);
}

void DiskTree::write(NodeId file, uint64_t offset, std::string bytes) {
  disk_.apply(
      {.type = Type::kWrite, .inode = inode(file), .offset = offset, .bytes = std::move(bytes)});
}

void DiskTree::truncate(NodeId file, uint64_t size) {
  disk_.apply({.type = Type::kTruncate, .inode = inode(file), .offset = size});
}

void DiskTree::sync(NodeId file) {
  if (lie_ == Lie::kData || lie_ == Lie::kAll) return;
  disk_.apply({.type = Type::kSync, .inode = inode(file)});
}

void DiskTree::sync_names() {
  if (lie_ == Lie::kNames || lie_ == Lie::kAll) return;
  disk_.apply({.type = Type::kSyncDirectory});
}

}  // namespace memoria::powerloss
