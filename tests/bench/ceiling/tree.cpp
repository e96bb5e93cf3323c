// SPDX-License-Identifier: MIT
#include "tests/bench/ceiling/tree.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>  // RENAME_NOREPLACE and RENAME_EXCHANGE
#include <utility>

namespace memoria::ceiling {
namespace {

constexpr blksize_t kBlockSize = 4096;

NodePtr new_node(uint64_t number, const NewNode& wanted) {
  struct stat initial {};
  initial.st_ino = number;
  initial.st_mode = wanted.mode;
  initial.st_uid = wanted.uid;
  initial.st_gid = wanted.gid;
  initial.st_rdev = wanted.device;
  initial.st_nlink = S_ISDIR(wanted.mode) ? 2 : 1;
  initial.st_size = static_cast<off_t>(wanted.target.size());
  initial.st_blksize = kBlockSize;
  initial.st_atim = initial.st_mtim = initial.st_ctim = now();
  NodePtr node(new Node(initial));
  node->target = wanted.target;
  return node;
}

/// So many names came to the directory, and among them so many directories.
void entries_changed(Node& directory, int names, int directories) {
  const WriteLock lock(directory.mutex);
  auto& attributes = directory.attributes;
  attributes.st_size += names;
  attributes.st_nlink += static_cast<nlink_t>(directories);
  attributes.st_mtim = attributes.st_ctim = now();
}

void links_changed(Node& node, int links) {
  const WriteLock lock(node.mutex);
  node.attributes.st_nlink += static_cast<nlink_t>(links);
  node.attributes.st_ctim = now();
}

void moved_to(Node& node, const Node& directory) {
  const WriteLock lock(node.mutex);
  node.attributes.st_ctim = now();
  node.parent = directory.number;
}

/// A name of the node is gone: a directory's only one.
void unnamed(Node& node) {
  links_changed(node, node.is_directory() ? -2 : -1);
}

/// A directory's group is inherited where it says so.
void settle(Node& made, Node& directory) {
  const auto above = attributes_of(directory);
  const WriteLock lock(made.mutex);
  made.parent = directory.number;
  if ((above.st_mode & S_ISGID) == 0) return;
  made.attributes.st_gid = above.st_gid;
  if (made.is_directory()) made.attributes.st_mode |= S_ISGID;
}

Status check_removable(Node& node, bool as_directory) {
  if (node.is_directory() != as_directory) return Error::posix(as_directory ? ENOTDIR : EISDIR);
  if (as_directory && attributes_of(node).st_size != 0) return Error::posix(ENOTEMPTY);
  return ok();
}

Status remove(Node& directory, std::string_view name, bool as_directory) {
  NodePtr removed;  // goes when the lock is gone: freeing a large file takes its time
  auto& entries = *directory.directory;
  const WriteLock lock(entries.mutex);
  const auto* entry = entries.find(name);
  if (entry == nullptr) return Error::posix(ENOENT);
  MEMORIA_TRY(check_removable(*entry->node, as_directory));
  removed = entries.erase(name);
  unnamed(*removed);
  entries_changed(directory, -1, as_directory ? -1 : 0);
  return ok();
}

/// Locks the entries of two directories, or of one twice.
class BothLocked {
 public:
  BothLocked(Directory& a, Directory& b) NO_THREAD_SAFETY_ANALYSIS  // a lock may be there twice
      : first_(std::min(&a, &b)->mutex),
        second_(std::max(&a, &b)->mutex) {
    first_.lock();
    if (&second_ != &first_) second_.lock();
  }
  ~BothLocked() NO_THREAD_SAFETY_ANALYSIS {
    if (&second_ != &first_) second_.unlock();
    first_.unlock();
  }
  BothLocked(const BothLocked&) = delete;
  BothLocked& operator=(const BothLocked&) = delete;

 private:
  SharedMutex& first_;
  SharedMutex& second_;
};

/// Both names are there and change what they stand for.
void exchange(Node& from, DirectoryEntry& source, Node& to, DirectoryEntry& target) {
  const int leaving = source.node->is_directory(), coming = target.node->is_directory();
  std::swap(source.node, target.node);
  moved_to(*source.node, from);
  moved_to(*target.node, to);
  entries_changed(from, 0, coming - leaving);
  entries_changed(to, 0, leaving - coming);
}

}  // namespace

Tree::Tree()
    : root_(new_node(++last_number_,
                     {.mode = S_IFDIR | 0755, .uid = ::getuid(), .gid = ::getgid()})) {
  moved_to(*root_, *root_);
}

Result<NodePtr> Tree::lookup(Node& directory, std::string_view name) {
  const auto& entries = *directory.directory;
  const ReadLock lock(entries.mutex);
  const auto* entry = entries.find(name);
  if (entry == nullptr) return Error::posix(ENOENT);
  return entry->node;
}

Result<NodePtr> Tree::make(Node& directory, std::string_view name, const NewNode& wanted) {
  auto made = new_node(++last_number_, wanted);
  settle(*made, directory);
  auto& entries = *directory.directory;
  const WriteLock lock(entries.mutex);
  if (entries.find(name) != nullptr) return Error::posix(EEXIST);
  entries.insert(name, made);
  entries_changed(directory, 1, made->is_directory());
  return made;
}

Status Tree::link(Node& node, Node& directory, std::string_view name) {
  auto& entries = *directory.directory;
  const WriteLock lock(entries.mutex);
  if (entries.find(name) != nullptr) return Error::posix(EEXIST);
  entries.insert(name, &node);
  links_changed(node, 1);
  entries_changed(directory, 1, 0);
  return ok();
}

Status Tree::unlink(Node& directory, std::string_view name) {
  return remove(directory, name, false);
}

Status Tree::rmdir(Node& directory, std::string_view name) {
  return remove(directory, name, true);
}

Status Tree::rename(Node& from, std::string_view name, Node& to, std::string_view new_name,
                    unsigned flags) NO_THREAD_SAFETY_ANALYSIS {  // see BothLocked
  if ((flags & ~unsigned{RENAME_NOREPLACE | RENAME_EXCHANGE}) != 0) return Error::posix(EINVAL);
  NodePtr replaced;  // goes when the locks are gone
  const BothLocked locks(*from.directory, *to.directory);
  auto* const source = from.directory->find(name);
  auto* const target = to.directory->find(new_name);
  if (source == nullptr) return Error::posix(ENOENT);
  if ((flags & RENAME_EXCHANGE) != 0) {
    if (target == nullptr) return Error::posix(ENOENT);
    exchange(from, *source, to, *target);
    return ok();
  }
  const int directories = source->node->is_directory();
  if (target != nullptr) {
    if ((flags & RENAME_NOREPLACE) != 0) return Error::posix(EEXIST);
    if (target->node == source->node) return ok();
    MEMORIA_TRY(check_removable(*target->node, directories != 0));
  }
  const auto moved = from.directory->erase(name);
  if (target != nullptr) {
    replaced = std::exchange(target->node, moved);
    unnamed(*replaced);
  } else {
    to.directory->insert(new_name, moved);
  }
  moved_to(*moved, to);
  entries_changed(from, -1, -directories);
  entries_changed(to, target != nullptr ? 0 : 1, target != nullptr ? 0 : directories);
  return ok();
}

}  // namespace memoria::ceiling
