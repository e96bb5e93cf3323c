// SPDX-License-Identifier: MIT
// The inside of a volume, shared by the files that implement its functions.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/mutex.hpp"
#include "core/store/store.hpp"
#include "fs/volume/counters.hpp"
#include "fs/volume/directory_cache.hpp"
#include "fs/volume/keys.hpp"
#include "fs/volume/references.hpp"
#include "fs/volume/stripes.hpp"
#include "fs/volume/transaction.hpp"
#include "fs/volume/tree.hpp"
#include "fs/volume/volume.hpp"

namespace memoria {

/// That of the store, and of the kernel. A lower limit could not be kept: with the writeback cache
/// the kernel takes the bytes before anybody can refuse them.
inline constexpr uint64_t kMaxFileSize = (uint64_t{1} << 63) - 1;
inline constexpr uint32_t kMaxLinks = 65000;
inline constexpr size_t kMaxTarget = 4095;  ///< of a symlink, bytes

/// Lock order: rename_mutex; then stripes, all that an operation needs at once; then, each alone
/// and only for memory, those inside References, DirectoryCache (before DirectoryIndex), Counters
/// (which may write the superblock) and caches_mutex; then the store's own. A DirectoryIndex is
/// built without a stripe. Nothing calls back into the volume with a lock held.
///
/// What a stripe guards: the inode's record, its contents' existence, its extended attributes, and
/// for a directory its entries. A batch becomes visible one key after the other, so whoever goes
/// from a name to its inode takes the inode's stripe, and whoever changes both holds it. Where one
/// value is read none is needed: the store gives a consistent one. Writing within contents that
/// exist, of a file that the caller holds, needs none either: they stay there until the last
/// forget, and the store orders the pieces. What makes them longer takes the stripe: whoever holds
/// it sees a size that does not change, other than to be cut, which the kernel does at no time at
/// which it writes.
struct VolumeState {
  VolumeState(std::unique_ptr<Store> opened, const Superblock& superblock, uint64_t files)
      : store(std::move(opened)),
        counters(*store, superblock, files),
        references(store->options().read_only) {}

  Transaction begin() { return Transaction(*store, counters, directories); }

  // ---- attributes.cpp
  Attributes attributes(InodeNumber ino, const Inode& inode) const;

  // ---- names.cpp
  struct NewNode {
    mode_t mode = 0;
    uint64_t rdev = 0;
    std::string_view target = {};  ///< of a symlink
  };
  /// EEXIST when the name is taken.
  Status check_free(InodeNumber parent, std::string_view name) const;
  Result<Attributes> create(InodeNumber parent, std::string_view name, const NewNode& node,
                            const Caller& caller);
  /// Fills in what a new inode in `directory` gets from it and the caller, ACLs included.
  Result<Inode> new_inode(Transaction& change, InodeNumber ino, InodeNumber parent,
                          const Inode& directory, const NewNode& node, const Caller& caller);

  // ---- locate.cpp
  struct NameRef {
    InodeNumber directory;
    std::string_view name;
  };
  /// The stripes of directories, and of the inodes behind names in them, with the entries (nothing:
  /// no such name).
  struct Located {
    Stripes::Guard guard;
    std::array<std::optional<Dentry>, 2> entries;
  };
  /// Locks what one or two names stand for, and the inode `also`, if any. Errors: kCorrupt.
  Result<Located> locate(std::span<const NameRef> names, InodeNumber also = 0);
  /// The same for one name that must be there; ENOENT, ENOTDIR.
  Result<Located> locate_existing(InodeNumber directory, std::string_view name);

  // ---- life.cpp
  /// An inode that lost a link, until the batch is applied.
  struct Departure {
    Attributes last;
    enum class Fate { kStays, kOrphan, kGone } fate = Fate::kStays;
  };
  /// Takes a link of a file; without links it goes, or becomes an orphan while somebody holds it.
  Result<Departure> drop_link(Transaction& change, InodeNumber ino);
  /// Removes an empty directory (ENOTEMPTY) that has a name in `parent`.
  Result<Departure> drop_directory(Transaction& change, InodeNumber parent, const Dentry& entry);
  /// To be called when the batch is applied, stripes still held.
  void depart(const Departure& departure);
  /// Removes an inode that has no name and that nobody holds any more; its stripe is held.
  Status remove_unnamed(InodeNumber ino);
  void remove_forgotten(InodeNumber ino);
  /// remove_orphans() and settle_grown(); what cannot be done is logged.
  void clean_up(const Doubts& doubts);
  /// Removes the orphans that an earlier owner left. One that is in doubt may have got a name.
  Status remove_orphans(const Doubts& doubts);

  // ---- growth.cpp
  /// Gives a grown tree its name; returns what became of the empty directory that had it.
  Result<Departure> name_grown(InodeNumber grown, const NameRef& to);
  /// What is in a grown directory comes into the empty root; adds the names, those that have come
  /// also when it fails.
  Status fill_root(InodeNumber grown, std::vector<std::string>& names);
  /// The stripe of the root is held, or nobody else uses the volume yet.
  Status move_into_root(InodeNumber grown, std::vector<std::string>& moved);
  /// `name`, or when that is taken in the root, one that is free in both.
  std::string free_root_name(InodeNumber grown, const std::string& name,
                             const std::vector<std::string>& moved) const;
  /// Removes a grown directory, its record, and all that is below.
  Status remove_grown(InodeNumber grown);
  Status remove_names(InodeNumber directory, std::vector<InodeNumber>& below);
  enum class Removal {
    kName,   ///< it leads to nothing of the tree
    kWhole,  ///< with what it stands for
    kLater,  ///< a directory that is not empty
  };
  Result<Removal> fate_of(const NameCursor::Entry& entry, InodeNumber directory);
  Status erase_inode(const Dentry& entry, Batch& batch, absl::flat_hash_set<InodeNumber>& gone);
  /// Removes or completes the trees that an earlier owner left. One that is in doubt may have got
  /// its name.
  Status settle_grown(const Doubts& doubts);
  Status settle(InodeNumber grown);

  // ---- rename.cpp
  Status rename(const NameRef& from, const NameRef& to, unsigned flags, const Caller& caller);
  Status make_whiteout(Transaction& change, InodeNumber ino, InodeNumber parent,
                       const Inode& directory, const Caller& caller);

  // ---- volume.cpp
  Volume::Caches caches() const;

  std::unique_ptr<Store> store;
  Counters counters;
  Stripes stripes;
  Mutex
      rename_mutex;  ///< held by renames across directories: the tree's shape stays while one looks
  References references;
  DirectoryCache directories;

  std::atomic<bool> closed = false;

  mutable Mutex caches_mutex;
  std::shared_ptr<const Volume::Caches> caches_ptr GUARDED_BY(caches_mutex);
};

class Volume::Impl final : public VolumeState {
 public:
  using VolumeState::VolumeState;
};

/// A name to be made: ENOENT (empty), ENAMETOOLONG, EINVAL ('/' or NUL), `dots` for "." and "..".
Status check_name(std::string_view name, int dots);

}  // namespace memoria
