// SPDX-License-Identifier: MIT
// Who uses which inode: the kernel's lookup counts, and what became of inodes that lost their last
// name meanwhile.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/mutex.hpp"
#include "fs/volume/attributes.hpp"

namespace memoria {

/// Thread-safe, and never calls out. Whether an inode is unnamed changes only while its stripe
/// (stripes.hpp) is held. One that nobody holds can be held again only by its name, which takes the
/// stripe, too; so with the stripe "nobody holds it" stays true, and for whoever holds it the
/// opposite does.
class References {
 public:
  /// `frozen`: nothing ever loses its name, as in a volume that is read-only; then nothing is
  /// counted, and nobody needs to keep count.
  explicit References(bool frozen = false) : frozen_(frozen) {}

  void hold(InodeNumber ino);
  /// True when this was the last hold of an unnamed inode: it is to be removed.
  bool forget(InodeNumber ino, uint64_t count);

  bool is_held(InodeNumber ino) const;

  /// The inode has no name, but is still in the store. `linkable`: it never had one and may get
  /// one.
  void set_unnamed(InodeNumber ino, bool linkable);
  void set_named(InodeNumber ino);
  bool is_unnamed(InodeNumber ino) const;
  bool is_linkable(InodeNumber ino) const;
  std::vector<InodeNumber> unnamed() const;

  /// The inode is gone. While it is held, its last attributes stay to be asked for.
  void leave_ghost(const Attributes& last);
  std::optional<Attributes> ghost(InodeNumber ino) const;

 private:
  struct Uses {
    uint64_t holds = 0;
    bool unnamed = false;
    bool linkable = false;
    std::unique_ptr<Attributes> ghost;
  };
  struct alignas(64) Shard {
    mutable Mutex mutex;
    absl::flat_hash_map<InodeNumber, Uses> uses GUARDED_BY(mutex);
  };

  Shard& shard(InodeNumber ino) { return shards_[ino % shards_.size()]; }
  const Shard& shard(InodeNumber ino) const { return shards_[ino % shards_.size()]; }

  const bool frozen_;
  std::array<Shard, 64> shards_;
};

}  // namespace memoria
