// SPDX-License-Identifier: MIT
#include "fs/volume/tree.hpp"

#include <algorithm>
#include <utility>

#include "fs/volume/errors.hpp"
#include "fs/volume/keys.hpp"
#include "fs/volume/transaction.hpp"

namespace memoria {
namespace {

constexpr size_t kNamesAtOnce = 256;
/// How often what seems to be damaged in a store that others change is looked at again: each look
/// would have to meet a change of just that, half seen, to call it damaged without its being so.
constexpr int kLooks = 20;

/// What `look` gives; looks again where that is the error which a change that is being made gives
/// when it is only half there.
template <class Look>
auto look_until_whole(const Store& store, Errc half, const Look& look) {
  auto out = look();
  for (int looks = kLooks; looks > 0 && !store.options().read_only; --looks) {
    if (out.has_value() || out.error().code != half) break;
    store.await_batches();
    out = look();
  }
  return out;
}

/// The names of the extended attributes of an inode: few, by the rules of a volume.
Result<std::vector<std::string>> attribute_keys(const Store& store, InodeNumber ino) {
  std::vector<std::string> out;
  MEMORIA_TRY(store.scan(Key(Table::kXattrs, ino), {}, [&](const KeyInfo& info) {
    out.emplace_back(info.key);
    return true;
  }));
  return out;
}

Result<bool> same_extended_attributes(const Store& before, InodeNumber was, const Store& after,
                                      InodeNumber is) {
  MEMORIA_TRY(const auto then, attribute_keys(before, was));
  MEMORIA_TRY(const auto now, attribute_keys(after, is));
  if (then.size() != now.size()) return false;
  for (size_t i = 0; i < now.size(); ++i) {
    if (name_in_key(then[i]) != name_in_key(now[i])) return false;
    MEMORIA_TRY(const bool same, after.same_value(now[i], before, then[i]));
    if (!same) return false;
  }
  return true;
}

Result<bool> same_contents(const Store& before, InodeNumber was, const Store& after,
                           InodeNumber is) {
  const Key then(Table::kContents, was), now(Table::kContents, is);
  const auto size = after.size(now).value_or(0);
  if (size != before.size(then).value_or(0)) return false;
  return size == 0 ? Result<bool>(true) : after.same_value(now, before, then);
}

std::optional<Dentry> usable_entry(const Store& store, InodeNumber directory,
                                   const Result<Dentry>& dentry) {
  if (!dentry.has_value()) return std::nullopt;
  if (!S_ISDIR(dentry.value().type)) return dentry.value();
  const auto inode = load_inode(store, dentry.value().ino);
  if (!inode.has_value() || !is_named_by(directory, dentry.value().cookie, inode.value())) {
    return std::nullopt;
  }
  return dentry.value();
}

}  // namespace

Doubts::Doubts(const Store& store) {
  const auto stats = store.stats();
  damaged_ = std::any_of(stats.segments.begin(), stats.segments.end(),
                         [](const SegmentStats& segment) { return segment.damaged; });
  unsure_until_ = stats.unsure_until;
}

uint64_t count_inodes(const Store& store) {
  const char inodes[] = {char(Table::kInodes), 0};
  uint64_t count = 0;
  const auto counted = store.scan(inodes, "", [&](const KeyInfo&) {
    ++count;
    return true;
  });
  return counted.has_value() ? count : 0;
}

namespace {

Result<TreeNode> find_node_once(const Store& store, std::string_view path) {
  TreeNode node{kRootInode, {}};
  MEMORIA_TRY(node.inode, load_inode(store, kRootInode));
  while (!path.empty()) {
    const auto name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    if (name.empty()) continue;
    if (!node.inode.is_directory()) return posix(ENOTDIR);
    if (name.size() > kMaxName) return posix(ENAMETOOLONG);
    auto entry = load_dentry(store, node.ino, name);
    if (!entry.has_value() && entry.error().code == Errc::kNotFound) return posix(ENOENT);
    if (!entry.has_value()) return entry.error();
    const auto directory = std::exchange(node.ino, entry.value().ino);
    auto inode = load_inode(store, node.ino);
    if (!inode.has_value() && inode.error().code == Errc::kNotFound) {
      return damaged("the inode is gone");
    }
    MEMORIA_TRY(node.inode, std::move(inode));
    if (!is_named_by(directory, entry.value().cookie, node.inode)) {
      return damaged("the directory is elsewhere");
    }
  }
  return node;
}

Result<bool> same_attributes(const Store& before, const TreeNode& was, const Store& after,
                             const TreeNode& is, bool same_contents) {
  const Inode &then = was.inode, &now = is.inode;
  const bool same = then.mode == now.mode && then.uid == now.uid && then.gid == now.gid &&
                    then.rdev == now.rdev &&
                    (!same_contents || now.is_directory() || then.mtime == now.mtime);
  if (!same) return false;
  // Even where the times of change are one: the clock may not have moved in between.
  return look_until_whole(after, Errc::kNotFound,
                          [&] { return same_extended_attributes(before, was.ino, after, is.ino); });
}

}  // namespace

Result<TreeNode> find_node(const Store& store, std::string_view path) {
  return look_until_whole(store, Errc::kCorrupt, [&] { return find_node_once(store, path); });
}

uint64_t content_size(const Store& store, InodeNumber ino) {
  return store.size(Key(Table::kContents, ino)).value_or(0);
}

Result<NodeChange> compare_nodes(const Store& before, const TreeNode& was, const Store& after,
                                 const TreeNode& is) {
  MEMORIA_TRY(const bool contents, look_until_whole(after, Errc::kNotFound, [&] {
                return same_contents(before, was.ino, after, is.ino);
              }));
  MEMORIA_TRY(const bool attributes, same_attributes(before, was, after, is, contents));
  return NodeChange{!contents, !attributes};
}

Result<const NameCursor::Entry*> NameCursor::peek() {
  while (entries_.empty() && !at_end_) {
    size_t count = 0;
    MEMORIA_TRY(store_->scan(Key(Table::kNames, directory_), position_, [&](const KeyInfo& info) {
      if (has_name(info.key)) {
        const auto name = name_in_key(info.key);
        const auto dentry =
            info.is_inline ? decode_dentry(info.value) : load_dentry(*store_, directory_, name);
        entries_.push_back({std::string(name), usable_entry(*store_, directory_, dentry)});
      }
      position_ = info.key;
      return ++count < kNamesAtOnce;
    }));
    at_end_ = count < kNamesAtOnce;
    std::erase_if(entries_, [&](Entry& entry) { return !entry.dentry && is_gone(entry); });
  }
  return entries_.empty() ? nullptr : &entries_.front();
}

/// Looks again at an entry that cannot be used: its name may have gone or moved since, and where a
/// change is being made, its name may be there before its inode.
bool NameCursor::is_gone(Entry& entry) {
  for (int looks = kLooks; looks > 0 && !store_->options().read_only; --looks) {
    store_->await_batches();
    const auto dentry = load_dentry(*store_, directory_, entry.name);
    if (!dentry.has_value() && dentry.error().code == Errc::kNotFound) return true;
    entry.dentry = usable_entry(*store_, directory_, dentry);
    if (entry.dentry) return false;
  }
  return false;
}

}  // namespace memoria
