// SPDX-License-Identifier: MIT
// The volume: POSIX on top of a store. One operation is one atomic batch, so after any crash the
// volume is a prefix of the operations it was given. Knows nothing of FUSE and can be driven
// without a mount. The keys are in keys.hpp.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/store/store.hpp"
#include "fs/volume/attributes.hpp"

namespace memoria {

/// Any number of threads may call any function at once.
///
/// Errors carry the errno that a program would see from ext4 (Error::to_errno()): ENOENT, EEXIST,
/// ENOTDIR, EISDIR, ENOTEMPTY, ENAMETOOLONG (names: 1 to 255 bytes, without '/' and NUL), EMLINK,
/// EINVAL, ENOSPC, EFBIG (files end at 2^63 - 1), EROFS, EIO ... Permissions are not checked here:
/// the kernel does (default_permissions).
class Volume {
 public:
  /// Opens the volume in `store`, making its root directory (mode 0755, owned by `creator`) in an
  /// empty one, and removes orphans (files that were unlinked while open when the last owner went
  /// away), and unfinished trees (see grow()).
  static Result<std::unique_ptr<Volume>> open(std::unique_ptr<Store> store, const Caller& creator);
  /// The store options that a volume wants: inline limit, prefix sharding.
  static Options store_options();

  ~Volume();
  Volume(const Volume&) = delete;
  Volume& operator=(const Volume&) = delete;

  /// Drops what is unlinked and still open, then closes the store.
  Status close();

  // ---- Names. Those that return Attributes of a new or found inode also hold it (see hold()).

  Result<Attributes> lookup(InodeNumber parent, std::string_view name);
  /// `mode` with type; regular files, fifos, sockets and devices. In a set-gid directory the group
  /// is the directory's. kExists when the name is taken.
  Result<Attributes> mknod(InodeNumber parent, std::string_view name, mode_t mode, uint64_t rdev,
                           const Caller& caller);
  Result<Attributes> mkdir(InodeNumber parent, std::string_view name, mode_t mode,
                           const Caller& caller);
  Result<Attributes> symlink(InodeNumber parent, std::string_view name, std::string_view target,
                             const Caller& caller);
  Result<Attributes> link(InodeNumber ino, InodeNumber parent, std::string_view name);
  Status unlink(InodeNumber parent, std::string_view name);
  Status rmdir(InodeNumber parent, std::string_view name);
  /// `flags`: 0, RENAME_EXCHANGE, or RENAME_NOREPLACE and RENAME_WHITEOUT; others are EINVAL. A
  /// whiteout, a device 0:0 without permissions under the old name, belongs to `caller`.
  Status rename(InodeNumber parent, std::string_view name, InodeNumber new_parent,
                std::string_view new_name, unsigned flags, const Caller& caller = {});
  Result<std::string> readlink(InodeNumber ino);
  /// The parent of a directory (the root's is the root).
  Result<InodeNumber> parent(InodeNumber directory);

  // ---- Life. A file whose last name goes away stays readable and writable as long as somebody
  // holds it. (A directory goes at once; what is left are its attributes.) There is no open():
  // whoever has a file open holds it, too, and the kernel lets go of an inode without links when
  // the last program has closed it.

  /// One more reference, as the kernel's lookup count.
  void hold(InodeNumber ino);
  void forget(InodeNumber ino, uint64_t count);
  bool is_held(InodeNumber ino) const;
  /// A new regular file without a name (O_TMPFILE); held.
  Result<Attributes> make_unnamed(InodeNumber parent, mode_t mode, const Caller& caller);

  // ---- Attributes

  Result<Attributes> getattr(InodeNumber ino);
  /// Clears set-id bits on a change of owner as ext4 does. A change of contents takes them
  /// depending on who makes it: that is the kernel's to decide, as other permissions are.
  Result<Attributes> setattr(InodeNumber ino, const AttributeChanges& changes);
  /// Takes from a file that is no directory what running it would give: set-user-id, set-group-id
  /// (without group-execute only with `outside_group`, as in AttributeChanges), and the capability.
  /// True: it had some.
  Result<bool> drop_set_ids(InodeNumber ino, bool outside_group = false);
  /// Names are 1 to 255 bytes, values at most 64 KiB (E2BIG). `flags`: XATTR_CREATE, XATTR_REPLACE.
  /// Namespaces user, trusted, security and system.posix_acl_*; others EOPNOTSUPP. An access list
  /// sets the mode, too, and with kDrop takes its set-group-id bit.
  enum class SetGroupId { kKeep, kDrop };
  Status setxattr(InodeNumber ino, std::string_view name, std::string_view value, int flags,
                  SetGroupId set_group_id = SetGroupId::kKeep);
  Result<std::string> getxattr(InodeNumber ino, std::string_view name);  ///< ENODATA
  Result<std::vector<std::string>> listxattr(InodeNumber ino);
  Status removexattr(InodeNumber ino, std::string_view name);

  // ---- Contents of regular files. Offsets and lengths in bytes.

  Result<size_t> read(InodeNumber ino, uint64_t offset, std::span<char> out);
  /// `keep_times`: the kernel owns the times of this file (writeback cache) and will send them.
  Status write(InodeNumber ino, uint64_t offset, std::string_view bytes, bool keep_times);
  /// Writes at the end, atomically with other appends; returns the offset.
  Result<uint64_t> append(InodeNumber ino, std::string_view bytes);
  /// `mode` as of fallocate(2): 0, KEEP_SIZE, and PUNCH_HOLE or ZERO_RANGE with it; else
  /// EOPNOTSUPP.
  Status fallocate(InodeNumber ino, int mode, uint64_t offset, uint64_t length);
  /// False: it is empty, or nothing but a hole.
  bool has_data(InodeNumber ino) const;
  /// SEEK_DATA or SEEK_HOLE; ENXIO at or past the end.
  Result<uint64_t> seek(InodeNumber ino, uint64_t offset, int whence);

  // ---- Directories

  /// Entries with cookies above `cookie`, oldest first, without "." and "..", until `visit` returns
  /// false. An entry that stays is seen exactly once by a reader that goes on from its last cookie.
  Status list(InodeNumber directory, uint64_t cookie,
              const std::function<bool(const DirectoryEntry&)>& visit);

  // ---- The whole

  /// All of what returned before is durable when `done` is called; see Store::sync_async. There is
  /// one log, so syncing one file syncs all.
  void sync_async(Store::SyncDone done);
  Status sync();
  Result<VolumeSpace> space();
  uint64_t files() const;  ///< inodes

  // ---- For the control tool

  /// Follows a path of names from the root ("/a/b"; symlinks are not followed; "" and "/" are the
  /// root).
  Result<Attributes> resolve(std::string_view path);
  /// The key of a file's contents.
  static std::string content_key(InodeNumber ino);

  /// What stands in front of a mounted volume and remembers: the kernel. It is told of changes that
  /// it did not ask for, from the changing thread, with no lock held, before the changing call
  /// returns. Functions may be missing.
  struct Caches {
    std::function<void(InodeNumber)> inode_changed = {};
    /// And with it the directory's listing.
    std::function<void(InodeNumber parent, std::string_view name)> entry_changed = {};
    /// The name is gone or stands for something else, and `ino`, which is still held, has no other:
    /// it is to be let go of when no program uses it any more.
    std::function<void(InodeNumber parent, std::string_view name, InodeNumber ino)> last_name_gone =
        {};
    /// There is a new snapshot, or one is gone.
    std::function<void(std::string_view snapshot)> snapshot_changed = {};
    /// Returns when the volume has all that programs had written before the call.
    std::function<Status()> write_back = {};
  };
  void set_caches(Caches caches);
  /// Replaces the file at `path` by one with these contents, atomically, as write, sync, rename do;
  /// parents must exist. It keeps the mode, the owner, the access list and the extended attributes
  /// of the old one, but nothing that running it would give (as drop_set_ids()) and no other
  /// security.*; other names of the old one keep that. A new one gets `mode`. Durable when commit()
  /// returns. Tells the caches. EINVAL: there is something that is no regular file, or it would
  /// hide the snapshots of a mount.
  class Writer {
   public:
    virtual ~Writer() = default;
    virtual Status write(std::string_view bytes) = 0;  ///< the next bytes
    virtual Status commit() = 0;                       ///< without it nothing happens
  };
  Result<std::unique_ptr<Writer>> replace(std::string_view path, const Caller& caller,
                                          mode_t mode = 0644);
  /// Removes the name at `path` (a directory must be empty; what is no directory must not be named
  /// with a slash at the end: ENOTDIR), durably. Tells the caches.
  Status remove(std::string_view path);

  // ---- Trees that appear whole. One thread for each.

  /// A directory (mode 0755) without a name, which nobody else finds; the calls above make what is
  /// below it. It inherits as a new directory in `parent` would. When the process dies, the next
  /// open() removes it with all that is below. Nobody holds it.
  Result<InodeNumber> grow(InodeNumber parent, const Caller& caller);
  /// Gives it a path that is not there (its parent must be) or is an empty directory: at once, all
  /// or nothing whatever happens, durably. At "/", what is in it comes into the root, which keeps
  /// its own attributes; when that fails half way, the next open() completes it, and calls a name
  /// that is taken by then NAME.imported-N. Tells the caches.
  Status place(InodeNumber grown, std::string_view path);
  /// Removes it with all that is below; does nothing when place() has begun to make it visible.
  Status uproot(InodeNumber grown);

  // ---- Snapshots: the volume at one moment, read-only. Names and errors as in Store.

  /// Holds what programs had written before, also what the caches still had. Tells the caches.
  Result<SnapshotInfo> create_snapshot(std::string_view name);
  /// Returns when the volume has all that programs had written before the call, also what the
  /// caches still had.
  Status collect_written();
  /// Tells the caches.
  Status remove_snapshot(std::string_view name);
  /// May outlive this volume. Loads its keys into memory.
  Result<std::unique_ptr<Volume>> open_snapshot(std::string_view name) const;

  Store& store();
  const Store& store() const;

 private:
  class Impl;
  explicit Volume(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace memoria
