// SPDX-License-Identifier: MIT
// Requests that list a directory. A position is the cookie of the last entry sent.
#include <algorithm>
#include <cerrno>
#include <vector>

#include "tests/bench/ceiling/handlers.hpp"

namespace memoria::ceiling {
namespace {

uint64_t parent_of(Node& directory) {
  const ReadLock lock(directory.mutex);
  return directory.parent;
}

/// One reply under construction.
class Listing {
 public:
  Listing(fuse_req_t request, size_t size, bool plus) : request_(request), plus_(plus) {
    buffer_.resize(size);
  }

  /// What lies behind position `offset`, as far as it fits.
  void fill(Node& directory, uint64_t offset) {
    const auto& entries = *directory.directory;
    const ReadLock lock(entries.mutex);
    if (offset < kSelfCookie && !add_dot(".", directory.number, kSelfCookie)) return;
    if (offset < kParentCookie && !add_dot("..", parent_of(directory), kParentCookie)) return;
    const auto* next = entries.after(std::max(offset, kParentCookie));
    while (next != nullptr && add(*next)) next = entries.after(next->cookie);
  }

  void reply() {
    if (fuse_reply_buf(request_, buffer_.data(), used_) == 0) return;
    for (auto* node : held_) node->release(1);
  }

 private:
  /// False when there is no room.
  bool append(const char* name, const fuse_entry_param& entry, uint64_t cookie) {
    char* const to = buffer_.data() + used_;
    const auto room = buffer_.size() - used_;
    const auto position = static_cast<off_t>(cookie);
    const auto needed = plus_ ? fuse_add_direntry_plus(request_, to, room, name, &entry, position)
                              : fuse_add_direntry(request_, to, room, name, &entry.attr, position);
    if (needed > room) return false;
    used_ += needed;
    return true;
  }

  bool add_dot(const char* name, uint64_t number, uint64_t cookie) {
    fuse_entry_param entry{};  // its node id stays 0: the kernel takes no reference on these
    entry.attr.st_ino = number;
    entry.attr.st_mode = S_IFDIR;
    return append(name, entry, cookie);
  }

  bool add(const DirectoryEntry& found) {
    auto& node = *found.node;
    if (!plus_) {
      fuse_entry_param entry{};
      entry.attr = attributes_of(node);
      return append(found.name.c_str(), entry, found.cookie);
    }
    held_.push_back(&node);
    if (append(found.name.c_str(), held_entry(node), found.cookie)) return true;
    node.release(1);  // not its end: it has a name
    held_.pop_back();
    return false;
  }

  fuse_req_t request_;
  bool plus_;
  size_t used_ = 0;
  std::vector<char> buffer_;
  std::vector<Node*> held_;
};

void list(fuse_req_t raw, fuse_ino_t ino, size_t size, off_t offset, bool plus) {
  serve(raw, [&]() -> Status {
    Listing listing(raw, size, plus);
    listing.fill(node_of(raw, ino), static_cast<uint64_t>(offset));
    listing.reply();
    return ok();
  });
}

void readdir(fuse_req_t raw, fuse_ino_t ino, size_t size, off_t offset, fuse_file_info*) {
  list(raw, ino, size, offset, false);
}

void readdirplus(fuse_req_t raw, fuse_ino_t ino, size_t size, off_t offset, fuse_file_info*) {
  list(raw, ino, size, offset, true);
}

void opendir(fuse_req_t raw, fuse_ino_t, fuse_file_info* file) {
  if (server_of(raw).left.opening_directories) {
    fuse_reply_err(raw, ENOSYS);  // "do not ask again"
  } else {
    file->keep_cache = file->cache_readdir = 1;
    fuse_reply_open(raw, file);
  }
}

}  // namespace

void add_listing_handlers(fuse_lowlevel_ops& operations) {
  operations.opendir = opendir;
  operations.readdir = readdir;
  operations.readdirplus = readdirplus;
}

}  // namespace memoria::ceiling
