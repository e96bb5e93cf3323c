// SPDX-License-Identifier: MIT
// POSIX access control lists: kept as extended attributes in the kernel's format, and in step with
// the permission bits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/store/store.hpp"
#include "fs/volume/inode.hpp"
#include "fs/volume/transaction.hpp"

namespace memoria {

inline constexpr std::string_view kAccessAcl = "system.posix_acl_access";
inline constexpr std::string_view kDefaultAcl = "system.posix_acl_default";

/// As in <linux/posix_acl_xattr.h>: version 2, then entries of tag 2 B, permissions 2 B, id 4 B,
/// little-endian, in the order of their tags.
struct Acl {
  enum Tag : uint16_t {
    kUserObj = 0x01,
    kUser = 0x02,
    kGroupObj = 0x04,
    kGroup = 0x08,
    kMask = 0x10,
    kOther = 0x20,
  };
  struct Entry {
    uint16_t tag = 0;
    uint16_t permissions = 0;  ///< of rwx
    uint32_t id = 0;           ///< of kUser and kGroup
  };
  std::vector<Entry> entries;

  /// One of each base entry, in order, and a mask when any is named.
  bool is_valid() const;
  /// Whether it says no more than permission bits can.
  bool is_minimal() const { return entries.size() == 3; }
  /// The nine permission bits that go with it.
  mode_t mode() const;
  /// Makes it go with these permission bits, as chmod does.
  void set_mode(mode_t mode);
  /// Takes from it what `mode` does not allow, as creating a file with that mode does.
  void restrict_to(mode_t mode);

 private:
  /// Of an entry that every list has.
  size_t position(uint16_t tag) const;
  /// The entry whose permissions the group bits of the mode are: the mask, if there is one.
  size_t group_class() const;
};

std::string encode(const Acl& acl);
/// EINVAL when it is none, or not a valid one.
Result<Acl> decode_acl(std::string_view bytes);
/// The same with any entries of known tags, or with none. EOPNOTSUPP: another version.
Result<Acl> parse_acl(std::string_view bytes);

/// The list that is stored under `name`, if there is one.
Result<std::optional<Acl>> load_acl(const Store& store, InodeNumber ino, std::string_view name);

/// What a new inode `ino` in `parent` gets: the directory's default list, or its mode masked by
/// `umask`. Sets the mode in `inode` and adds the attributes to the batch.
Status inherit_acl(const Store& store, Transaction& change, InodeNumber ino, InodeNumber parent,
                   mode_t umask, Inode& inode);
/// `to` gets the access list of `from`, or has none either. The modes are for the caller to copy.
Status copy_access_acl(const Store& store, Transaction& change, InodeNumber from, InodeNumber to);
/// The mode in `inode` was changed by chmod: its access list follows.
Status follow_chmod(const Store& store, Transaction& change, InodeNumber ino, const Inode& inode);

}  // namespace memoria
