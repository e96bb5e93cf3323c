// SPDX-License-Identifier: MIT
// What can be read of a damaged volume, before anything is made of it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/store/store.hpp"
#include "fs/volume/dentry.hpp"
#include "fs/volume/inode.hpp"
#include "fs/volume/repair.hpp"
#include "fs/volume/superblock.hpp"

namespace memoria {

/// Inodes that cannot be read are as if they were not there.
struct RepairInventory {
  struct Name {
    std::string name;
    std::optional<Dentry> entry;  ///< nothing: damaged
  };

  std::map<InodeNumber, Inode> inodes;
  std::map<InodeNumber, std::vector<Name>> names;  ///< by directory
  std::set<InodeNumber> contents;                  ///< that have such a key
  /// As for an opening, without those that are in doubt: they may have got a name since.
  std::set<InodeNumber> orphans;        ///< that have such a key
  std::vector<InodeNumber> unfinished;  ///< tops of trees that nobody was to see yet
  std::optional<Superblock> superblock;
  InodeNumber highest = 0;              ///< in any key or entry
  uint64_t next_cookie = kFirstCookie;  ///< above that of every entry

  /// Keys that make no sense are told. kNewerFormat, and errors of listing keys.
  static Result<RepairInventory> read(const Store& store, std::vector<Loss>& losses);
};

/// The value of a key of a scan.
Result<std::string> value_of(const Store& store, const KeyInfo& info);

}  // namespace memoria
