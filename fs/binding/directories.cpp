// SPDX-License-Identifier: MIT
// Requests that list a directory. A position is the volume's cookie of the last entry sent; "." and
// ".." are sent from here and have the positions 1 and 2, which the volume gives to no entry.
#include <cerrno>
#include <span>
#include <vector>

#include "fs/binding/answer_buffer.hpp"
#include "fs/binding/handlers.hpp"
#include "fs/binding/request.hpp"
#include "fs/binding/snapshot_directory.hpp"
#include "fs/binding/syncing.hpp"

namespace memoria {
namespace {

constexpr uint64_t kSelf = 1, kParent = 2;
/// Of a damaged entry. Not 0: the C library takes that for a deleted one.
constexpr ino_t kUnknownInode = 0xffffffff;

/// One reply under construction.
class Listing {
 public:
  Listing(Request& request, size_t size, bool plus)
      : request_(request), plus_(plus), buffer_(answer_buffer(size)) {}

  /// What lies behind position `offset`, as far as it fits.
  Status fill(uint64_t offset) {
    if (offset < kSelf && !add_dot(".", request_.node(request_.ino()), kSelf)) return ok();
    if (offset < kParent) {
      MEMORIA_TRY(const NodeId parent, this->parent());
      if (!add_dot("..", parent, kParent)) return ok();
    }
    const auto cookie = offset <= kParent ? 0 : offset;
    const auto visit = [this](const DirectoryEntry& entry) { return add(entry); };
    return request_.tree() == kSnapshotsTree
               ? list_snapshots(request_.binding().snapshots, cookie, visit)
               : request_.volume().list(request_.ino(), cookie, visit);
  }

  std::string_view bytes() const { return {buffer_.data(), used_}; }
  bool empty() const { return used_ == 0; }

  /// The inodes that the volume now holds for the kernel.
  std::span<const InodeNumber> held() const { return held_; }

 private:
  Result<NodeId> parent() const {
    if (request_.tree() == kSnapshotsTree) return kRootInode;
    if (request_.tree() != kVolumeTree && request_.ino() == kRootInode) return kSnapshotsNode;
    MEMORIA_TRY(const InodeNumber above, request_.volume().parent(request_.ino()));
    return request_.node(above);
  }

  bool fits(const char* name) const {
    const auto needed = plus_ ? fuse_add_direntry_plus(request_.raw(), nullptr, 0, name, nullptr, 0)
                              : fuse_add_direntry(request_.raw(), nullptr, 0, name, nullptr, 0);
    return needed <= buffer_.size() - used_;
  }

  void append(const char* name, const fuse_entry_param& entry, uint64_t cookie) {
    char* const to = buffer_.data() + used_;
    const auto room = buffer_.size() - used_;
    used_ += plus_ ? fuse_add_direntry_plus(request_.raw(), to, room, name, &entry,
                                            static_cast<off_t>(cookie))
                   : fuse_add_direntry(request_.raw(), to, room, name, &entry.attr,
                                       static_cast<off_t>(cookie));
  }

  bool add_dot(const char* name, NodeId node, uint64_t cookie) {
    if (!fits(name)) return false;
    fuse_entry_param entry{};  // its node id stays 0: the kernel takes no reference on these
    entry.attr.st_ino = node;
    entry.attr.st_mode = S_IFDIR;
    append(name, entry, cookie);
    return true;
  }

  bool add(const DirectoryEntry& found) {
    if (!fits(found.name.c_str())) return false;
    fuse_entry_param entry{};
    entry.attr.st_ino = found.ino != 0 ? request_.node(found.ino) : kUnknownInode;
    entry.attr.st_mode = found.type;
    // A snapshot is opened when somebody looks at it, not when its name is listed.
    if (plus_ && request_.tree() != kSnapshotsTree) {
      // By name, not by number: this holds the inode, and an entry that is gone by now is left out.
      // One that is damaged is listed without attributes: whoever looks closer gets the error.
      auto attributes = request_.volume().lookup(request_.ino(), found.name);
      if (!attributes && attributes.error().to_errno() == ENOENT) return true;
      if (attributes) {
        held_.push_back(attributes.value().ino);
        entry = request_.entry(attributes.value());
      }
    }
    append(found.name.c_str(), entry, found.cookie);
    return true;
  }

  Request& request_;
  bool plus_;
  std::span<char> buffer_;
  size_t used_ = 0;
  std::vector<InodeNumber> held_;
};

void list(fuse_req_t raw, fuse_ino_t ino, size_t size, off_t offset, bool plus) {
  serve(raw, plus ? "readdirplus" : "readdir", ino, [&](Request& request) -> Status {
    Listing listing(request, size, plus);
    auto filled = listing.fill(static_cast<uint64_t>(offset));
    // Once there are entries an error has to wait for the next call, which will meet it again.
    if (!filled && listing.empty()) return filled.error();
    request.reply_listing(listing.bytes(), listing.held());
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
  serve(raw, "opendir", [&](Request& request) -> Status {
    if (request.binding().stateless_directories) {
      request.reply_errno(ENOSYS);  // "do not ask again": see negotiate()
    } else {
      file->keep_cache = file->cache_readdir = 1;
      request.reply_open(*file);
    }
    return ok();
  });
}

void releasedir(fuse_req_t raw, fuse_ino_t, fuse_file_info*) {
  serve(raw, "releasedir", [](Request& request) -> Status {
    request.reply_ok();
    return ok();
  });
}

void fsyncdir(fuse_req_t raw, fuse_ino_t, int, fuse_file_info*) {
  serve(raw, "fsyncdir", [](Request& request) -> Status {
    sync_then(std::move(request), [](Request& synced) { synced.reply_ok(); });
    return ok();
  });
}

}  // namespace

void add_directory_handlers(fuse_lowlevel_ops& operations) {
  operations.opendir = opendir;
  operations.readdir = readdir;
  operations.readdirplus = readdirplus;
  operations.releasedir = releasedir;
  operations.fsyncdir = fsyncdir;
}

}  // namespace memoria
