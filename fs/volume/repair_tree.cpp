// SPDX-License-Identifier: MIT
#include "fs/volume/repair_tree.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fs/volume/keys.hpp"
#include "fs/volume/transaction.hpp"
#include "fs/volume/tree.hpp"

namespace memoria {
namespace {

using What = Loss::What;
using Node = RepairTree::Node;

constexpr std::string_view kLostAndFound = "lost+found";

class TreeBuilder {
 public:
  TreeBuilder(const Store& from, const RepairInventory& inventory, const Caller& owner,
              std::vector<Loss>& losses, const std::function<bool()>& go_on)
      : from_(from), inventory_(inventory), owner_(owner), losses_(losses), go_on_(go_on) {}

  Result<RepairTree> run() {
    out_.highest = inventory_.highest;
    out_.next_cookie = inventory_.next_cookie;
    for (const auto& [ino, inode] : inventory_.inodes) {
      out_.nodes[ino].inode = inode;
      out_.nodes[ino].entries = inode.entries;
    }
    place_root();
    MEMORIA_TRY(walk(kRootInode));
    leave_out_unfinished();
    MEMORIA_TRY(place_unnamed());
    return std::move(out_);
  }

 private:
  Node& make_up(InodeNumber ino, mode_t mode) {
    Node& node = out_.nodes[ino];
    node.made_up = true;
    node.inode.mode = mode;
    node.inode.uid = owner_.uid;
    node.inode.gid = owner_.gid;
    auto& inode = node.inode;
    inode.btime = inode.ctime = inode.mtime = inode.atime = now_;
    return node;
  }

  void place_root() {
    const auto root = out_.nodes.find(kRootInode);
    if (root == out_.nodes.end() || !root->second.inode.is_directory()) {
      make_up(kRootInode, S_IFDIR | 0755);
      lose(What::kAttributes, "/", "the root's inode is gone");
    }
    Node& node = out_.nodes[kRootInode];
    node.path.assign(1, '/');
    place_directory(node, kRootInode, 0);
    out_.highest = std::max(out_.highest, kRootInode);
  }

  void place_directory(Node& node, InodeNumber parent, uint64_t cookie) {
    node.placed = true;
    node.inode.parent = parent;
    node.inode.place = cookie;
    node.inode.links = 2;
    node.inode.entries = 0;
  }

  /// Places what is below a directory that has its place.
  Status walk(InodeNumber top) {
    std::vector<InodeNumber> waiting{top};
    while (!waiting.empty()) {
      const auto directory = waiting.back();
      waiting.pop_back();
      tell_missing_names(directory);
      const auto names = inventory_.names.find(directory);
      if (names == inventory_.names.end()) continue;
      for (const auto& name : names->second) {
        const auto placed = place(directory, name);
        if (placed && out_.nodes[*placed].inode.is_directory()) waiting.push_back(*placed);
      }
      if (!go_on_()) return Error(Errc::kCancelled);
    }
    return ok();
  }

  /// A name that is gone without a trace is missed by its directory.
  void tell_missing_names(InodeNumber directory) {
    const Node& node = out_.nodes[directory];
    const auto names = inventory_.names.find(directory);
    const uint64_t left = names == inventory_.names.end() ? 0 : names->second.size();
    if (node.made_up || node.entries == left) return;
    lose(What::kAttributes, node.path,
         fmt::format("the directory had {} names, and {} are left", node.entries, left));
  }

  static std::string below(const std::string& path, std::string_view name) {
    return fmt::format("{}{}{}", path, path == "/" ? "" : "/", name);
  }

  /// The inode that got this name; nothing when it was dropped, and told.
  std::optional<InodeNumber> place(InodeNumber directory, const RepairInventory::Name& name) {
    const auto path = below(out_.nodes[directory].path, name.name);
    if (!name.entry) {
      lose(What::kName, path, "the entry is damaged");
      return std::nullopt;
    }
    const auto ino = name.entry->ino;
    if (ino == 0 || ino > kMaxInode) {
      lose(What::kName, path, "the entry makes no sense");
      return std::nullopt;
    }
    out_.highest = std::max(out_.highest, ino);
    Node* node = find_or_make_up(ino, name.entry->type);
    if (node == nullptr) {
      lose(What::kFile, path, "its inode is gone");
      return std::nullopt;
    }
    if (node->inode.is_directory() && node->placed) {
      lose(What::kName, path, fmt::format("the directory is at {} already", node->path));
      return std::nullopt;
    }
    if (!node->made_up && !take_old_names_ &&
        !is_named_by(directory, name.entry->cookie, node->inode)) {
      old_names_.emplace_back(directory, name);
      return std::nullopt;
    }
    if (!target_is_readable(ino, *node)) {
      lose(What::kFile, path, "the target of the symbolic link cannot be read");
      node->left_out = true;
      return std::nullopt;
    }
    give_name(directory, ino, *node, name.name, name.entry->cookie, path);
    return ino;
  }

  /// Null: neither attributes nor contents are there.
  Node* find_or_make_up(InodeNumber ino, mode_t type) {
    const auto found = out_.nodes.find(ino);
    if (found != out_.nodes.end()) return &found->second;
    if (type == S_IFDIR && inventory_.names.contains(ino)) return &make_up(ino, S_IFDIR | 0700);
    if (type == S_IFREG && inventory_.contents.contains(ino)) return &make_up(ino, S_IFREG | 0600);
    if (type == S_IFLNK && inventory_.contents.contains(ino)) return &make_up(ino, S_IFLNK | 0777);
    return nullptr;
  }

  bool target_is_readable(InodeNumber ino, const Node& node) {
    if (!node.inode.is_symlink()) return true;
    const auto target = from_.get(Key(Table::kContents, ino));
    return target.has_value() && !target.value().empty();
  }

  void give_name(InodeNumber directory, InodeNumber ino, Node& node, std::string_view name,
                 uint64_t cookie, const std::string& path) {
    auto& used = cookies_[directory];
    if (cookie < kFirstCookie || cookie >= kDamagedCookies || !used.insert(cookie).second) {
      cookie = out_.next_cookie++;
      used.insert(cookie);
    }
    Node& parent = out_.nodes[directory];
    ++parent.inode.entries;
    if (node.inode.is_directory()) {
      ++parent.inode.links;
      place_directory(node, directory, cookie);
    } else if (!node.placed) {
      node.placed = true;
      node.inode.links = 1;
    } else {
      ++node.inode.links;
    }
    if (node.path.empty()) node.path = path;
    if (node.made_up) lose(What::kAttributes, path, "the inode is gone; the contents are there");
    out_.names[directory].push_back(
        {std::string(name), Dentry{ino, node.inode.mode & S_IFMT, cookie}});
  }

  // ---- What has no name

  /// Trees that nobody was to see: an opening would have removed them.
  void leave_out_unfinished() {
    auto waiting = inventory_.unfinished;
    while (!waiting.empty()) {
      const auto ino = waiting.back();
      waiting.pop_back();
      const auto node = out_.nodes.find(ino);
      if (node == out_.nodes.end() || node->second.placed || node->second.left_out) continue;
      node->second.left_out = true;
      const auto below = inventory_.names.find(ino);
      if (below == inventory_.names.end()) continue;
      for (const auto& name : below->second) {
        if (name.entry) waiting.push_back(name.entry->ino);
      }
    }
  }

  /// Directories first, from their tops, so that what is in them stays in them.
  Status place_unnamed() {
    MEMORIA_TRY(place_old_names());
    // Directories of which only the names in them are left, and contents without an inode.
    for (const auto& [ino, names] : inventory_.names) {
      if (!out_.nodes.contains(ino)) make_up(ino, S_IFDIR | 0700);
    }
    for (const auto ino : inventory_.contents) {
      if (!out_.nodes.contains(ino)) make_up(ino, S_IFREG | 0600);
    }
    std::vector<InodeNumber> tops, rest;
    for (const auto& [ino, node] : out_.nodes) {
      if (node.placed || node.left_out || is_orphan(ino, node)) continue;
      const auto parent = out_.nodes.find(node.inode.parent);
      const bool inside = node.inode.is_directory() && node.inode.parent != ino &&
                          parent != out_.nodes.end() && !parent->second.placed;
      (node.inode.is_directory() && !inside ? tops : rest).push_back(ino);
    }
    for (const auto& some : {tops, rest}) {
      for (const auto ino : some) {
        if (out_.nodes[ino].placed) continue;  // found below another one
        if (!place_in_lost_and_found(ino)) continue;
        if (out_.nodes[ino].inode.is_directory()) MEMORIA_TRY(walk(ino));
      }
    }
    return ok();
  }

  /// Names of directories that say that they are elsewhere: one that is not found there has lost
  /// its name, or its inode is an older one.
  Status place_old_names() {
    take_old_names_ = true;
    while (!old_names_.empty()) {
      const auto [directory, name] = old_names_.back();
      old_names_.pop_back();
      const auto placed = place(directory, name);
      if (placed) MEMORIA_TRY(walk(*placed));
    }
    return ok();
  }

  bool is_orphan(InodeNumber ino, const Node& node) const {
    return inventory_.orphans.contains(ino) && node.inode.links == 0 && !node.made_up;
  }

  bool place_in_lost_and_found(InodeNumber ino) {
    if (!target_is_readable(ino, out_.nodes[ino])) {
      lose(What::kFile, fmt::format("#{}", ino), "a symbolic link without name and target");
      return false;
    }
    const auto directory = lost_and_found();
    Node& node = out_.nodes[ino];
    const auto name = fmt::format("#{}", ino);
    const auto path = below(out_.nodes[directory].path, name);
    lose(What::kFound, path, "it had no name");
    give_name(directory, ino, node, name, 0, path);
    return true;
  }

  /// The directory, made when it is needed; what has its name and is none stays.
  InodeNumber lost_and_found() {
    if (lost_and_found_ != 0) return lost_and_found_;
    std::string name(kLostAndFound);
    const auto& taken = out_.names[kRootInode];
    for (int n = 1;; ++n) {
      const auto found = std::find_if(taken.begin(), taken.end(),
                                      [&](const auto& entry) { return entry.first == name; });
      if (found == taken.end()) break;
      if (S_ISDIR(found->second.type)) return lost_and_found_ = found->second.ino;
      name = fmt::format("{}.{}", kLostAndFound, n);
    }
    lost_and_found_ = ++out_.highest;
    Node& node = make_up(lost_and_found_, S_IFDIR | 0700);
    node.made_up = false;
    give_name(kRootInode, lost_and_found_, node, name, 0, below("/", name));
    return lost_and_found_;
  }

  void lose(What what, std::string path, std::string detail) {
    losses_.push_back({what, std::move(path), 0, 0, std::move(detail)});
  }

  const Store& from_;
  const RepairInventory& inventory_;
  const Caller owner_;
  std::vector<Loss>& losses_;
  const std::function<bool()>& go_on_;
  const TimeNs now_ = wall_clock();
  RepairTree out_;
  std::vector<std::pair<InodeNumber, RepairInventory::Name>> old_names_;
  bool take_old_names_ = false;
  std::map<InodeNumber, std::set<uint64_t>> cookies_;  // that a directory's new names have
  InodeNumber lost_and_found_ = 0;
};

}  // namespace

Result<RepairTree> RepairTree::build(const Store& from, const RepairInventory& inventory,
                                     const Caller& owner, std::vector<Loss>& losses,
                                     const std::function<bool()>& go_on) {
  return TreeBuilder(from, inventory, owner, losses, go_on).run();
}

}  // namespace memoria
