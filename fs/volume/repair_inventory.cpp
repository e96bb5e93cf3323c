// SPDX-License-Identifier: MIT
#include "fs/volume/repair_inventory.hpp"

#include <algorithm>

#include "fs/volume/keys.hpp"
#include "fs/volume/tree.hpp"

namespace memoria {
namespace {

class InventoryReader {
 public:
  InventoryReader(const Store& store, std::vector<Loss>& losses)
      : store_(store), doubts_(store), losses_(losses) {}

  Result<RepairInventory> run() {
    for (const auto table :
         {Table::kInodes, Table::kNames, Table::kContents, Table::kOrphans, Table::kGrowing}) {
      MEMORIA_TRY(read_table(table));
    }
    const auto value = store_.get(Key(Table::kSuperblock));
    if (!value.has_value()) return std::move(out_);
    auto superblock = decode_superblock(value.value());
    if (superblock.has_value()) out_.superblock = superblock.value();
    return std::move(out_);
  }

 private:
  Status read_table(Table table) {
    Status failure = ok();
    const char prefix[] = {char(table)};
    MEMORIA_TRY(store_.scan({prefix, 1}, {}, [&](const KeyInfo& info) {
      failure = read_key(table, info);
      return failure.has_value();
    }));
    return failure;
  }

  Status read_key(Table table, const KeyInfo& info) {
    const auto ino = inode_in_key(info.key);
    const bool plain = info.key.size() == Key::kPrefix && ino != 0 && ino <= kMaxInode;
    const bool named = info.key.size() > Key::kPrefix && ino != 0 && ino <= kMaxInode &&
                       is_usable_name(name_in_key(info.key));
    if (table == Table::kNames ? !named : !plain) {
      losses_.push_back({Loss::What::kKey, std::string(info.key), 0, 0, "the key makes no sense"});
      return ok();
    }
    out_.highest = std::max(out_.highest, ino);
    switch (table) {
      case Table::kInodes:
        return read_inode(ino, info);
      case Table::kNames:
        return read_name(ino, info);
      case Table::kContents:
        out_.contents.insert(ino);
        return ok();
      case Table::kGrowing:
        if (info.size == 0 && !doubts_.concern(info.timestamp)) out_.unfinished.push_back(ino);
        return ok();
      default:
        if (!doubts_.concern(info.timestamp)) out_.orphans.insert(ino);
        return ok();
    }
  }

  Status read_inode(InodeNumber ino, const KeyInfo& info) {
    const auto value = value_of(store_, info);
    if (!value.has_value()) return ok();  // as if it were not there
    auto inode = decode_inode(value.value());
    if (inode.has_value()) {
      out_.inodes[ino] = std::move(inode).value();
    } else if (inode.error().code == Errc::kNewerFormat) {
      return inode.error();
    }
    return ok();
  }

  Status read_name(InodeNumber directory, const KeyInfo& info) {
    RepairInventory::Name found{std::string(name_in_key(info.key)), std::nullopt};
    if (const auto value = value_of(store_, info); value.has_value()) {
      const auto entry = decode_dentry(value.value());
      if (entry.has_value()) {
        found.entry = entry.value();
      } else if (entry.error().code == Errc::kNewerFormat) {
        return entry.error();
      }
    }
    if (found.entry) {
      out_.highest = std::max(out_.highest, found.entry->ino);
      out_.next_cookie = std::max(out_.next_cookie, found.entry->cookie + 1);
    }
    out_.names[directory].push_back(std::move(found));
    return ok();
  }

  const Store& store_;
  const Doubts doubts_;
  std::vector<Loss>& losses_;
  RepairInventory out_;
};

}  // namespace

Result<std::string> value_of(const Store& store, const KeyInfo& info) {
  if (info.is_inline) return std::string(info.value);
  return store.get(info.key);
}

Result<RepairInventory> RepairInventory::read(const Store& store, std::vector<Loss>& losses) {
  return InventoryReader(store, losses).run();
}

}  // namespace memoria
