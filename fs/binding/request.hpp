// SPDX-License-Identifier: MIT
// One request of the kernel and its one reply; and the wall at which every error and every
// exception becomes an errno.
#pragma once

#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "fs/binding/binding.hpp"
#include "fs/binding/fuse.hpp"
#include "fs/binding/node_id.hpp"

namespace memoria {

/// Move-only. The first reply_*() ends it; one that is destroyed without a reply answers EIO, so
/// that no program ever hangs. May be moved to another thread and answered there.
///
/// A request is about an inode of one tree (node_id.hpp); the attributes that it is answered with
/// are of that tree, too.
class Request {
 public:
  /// `operation` is a literal, for the log.
  Request(fuse_req_t raw, const char* operation)
      : raw_(raw), binding_(static_cast<Binding*>(fuse_req_userdata(raw))), operation_(operation) {}
  Request(Request&& other) noexcept
      : raw_(std::exchange(other.raw_, nullptr)),
        binding_(other.binding_),
        operation_(other.operation_),
        is_about_inode_(other.is_about_inode_),
        tree_(other.tree_),
        ino_(other.ino_),
        snapshot_(std::move(other.snapshot_)) {}
  Request& operator=(Request&&) = delete;
  ~Request();

  Binding& binding() const { return *binding_; }
  /// Goes to an inode; before that, the request is about the volume as a whole. ESTALE and what
  /// opening a snapshot can give.
  Status enter(NodeId node);
  /// That of the tree: a snapshot's is read-only.
  Volume& volume() const { return snapshot_ ? *snapshot_ : binding().volume; }
  InodeNumber ino() const { return ino_; }
  TreeNumber tree() const { return tree_; }
  /// An inode of the same tree, for the kernel.
  NodeId node(InodeNumber ino) const { return node_id(tree_, ino); }
  Caller caller() const;
  fuse_req_t raw() const { return raw_; }

  void reply_ok() { reply_errno(0); }
  void reply_errno(int error);
  /// For operations that answer with an inode that the volume now holds for the kernel. When the
  /// answer does not arrive (the caller was interrupted) the hold is undone.
  void reply_entry(const Attributes& attributes);
  /// The same for a new file, which may be written to.
  void reply_new_entry(const Attributes& attributes);
  /// The same when it is opened as well.
  void reply_create(const Attributes& attributes, const fuse_file_info& file);
  /// "There is no such name", in the form that the kernel caches.
  void reply_no_entry();
  void reply_attributes(const Attributes& attributes);
  /// The same with the time of birth.
  void reply_extended_attributes(const Attributes& attributes);
  void reply_open(const fuse_file_info& file);
  void reply_bytes(std::string_view bytes);
  /// Directory entries; `held` as for reply_entry().
  void reply_listing(std::string_view bytes, std::span<const InodeNumber> held);
  void reply_link(const std::string& target);
  void reply_written(size_t count);
  void reply_position(off_t offset);
  void reply_statfs(const struct statvfs& statistics);
  void reply_xattr_size(size_t size);

  /// Attributes as the kernel gets them, in the forms of a lookup's answer and of stat(2).
  fuse_entry_param entry(const Attributes& attributes) const;
  Attributes shown(const Attributes& attributes) const;

  /// A program begins to write to this file of the volume, or may do so: see WrittenFiles.
  Status begin_writing() const;

  /// Answers with the errno. Trouble below, rather than what a program asked for, becomes the one
  /// line of the log about it, with the operation and the inode.
  void fail(const Error& error);
  void fail(const std::exception& exception);

 private:
  /// "read (inode 5)", "read (inode 5 of the snapshot monday)", "fsync": for the log.
  std::string describe() const;
  fuse_req_t take() { return std::exchange(raw_, nullptr); }
  double attribute_time(const Attributes& attributes) const;
  fuse_entry_param new_entry(const Attributes& attributes) const;
  /// The kernel did not get the inode of this answer.
  void undo_hold(InodeNumber ino) const;

  fuse_req_t raw_;
  Binding* binding_;
  const char* operation_;
  bool is_about_inode_ = false;
  TreeNumber tree_ = kVolumeTree;
  InodeNumber ino_ = kRootInode;
  std::shared_ptr<Volume> snapshot_;  // when the tree is one
};

struct stat to_stat(const Attributes& attributes);

/// Runs `body(Request&) -> Status`, which replies itself (or moves the request on) and returns
/// ok(), or returns the error to reply.
template <class Body>
void serve(Request request, Body&& body) noexcept {
  try {
    if (Status status = body(request); !status) request.fail(status.error());
  } catch (const std::exception& e) {
    request.fail(e);
  }
}
template <class Body>
void serve(fuse_req_t raw, const char* operation, Body&& body) noexcept {
  serve(Request(raw, operation), std::forward<Body>(body));
}
/// The same about an inode.
template <class Body>
void serve(fuse_req_t raw, const char* operation, NodeId node, Body&& body) noexcept {
  serve(raw, operation, [&](Request& request) -> Status {
    MEMORIA_TRY(request.enter(node));
    return body(request);
  });
}
/// The same for what changes it: snapshots refuse.
template <class Body>
void serve_change(fuse_req_t raw, const char* operation, NodeId node, Body&& body) noexcept {
  serve(raw, operation, node, [&](Request& request) -> Status {
    if (request.tree() != kVolumeTree) return Error::posix(EROFS);
    return body(request);
  });
}

}  // namespace memoria
