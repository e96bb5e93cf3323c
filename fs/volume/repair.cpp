// SPDX-License-Identifier: MIT
#include "fs/volume/repair.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid.hpp>
#include <map>
#include <optional>
#include <set>

#include "fs/volume/dentry.hpp"
#include "fs/volume/inode.hpp"
#include "fs/volume/keys.hpp"
#include "fs/volume/superblock.hpp"
#include "fs/volume/transaction.hpp"
#include "fs/volume/value_copy.hpp"

namespace memoria {
namespace {

using What = Loss::What;

constexpr std::string_view kLostAndFound = "lost+found";
constexpr size_t kBatchChanges = 1000;
constexpr size_t kMaxRangesText = 60 << 10;  // below the limit of an attribute

/// What a name in the old volume said.
struct Name {
  std::string name;
  std::optional<Dentry> entry;  // nothing: damaged
};

/// An inode on its way into the new volume.
struct Node {
  Inode inode;
  std::string path;
  bool placed = false;    // it has a name in the new volume
  bool made_up = false;   // its attributes are gone
  bool left_out = false;  // its name was dropped with it
  uint64_t entries = 0;   // of a directory: how many names there were
};

class VolumeRepair {
 public:
  VolumeRepair(const Store& from, Store& to, const Caller& owner, const ProgressFn& progress)
      : from_(from), to_(to), owner_(owner), progress_(progress) {}

  Result<RepairReport> run() {
    for (const auto prefix :
         {Table::kInodes, Table::kNames, Table::kContents, Table::kOrphans, Table::kGrowing}) {
      MEMORIA_TRY(read_table(prefix));
    }
    read_superblock();
    place_root();
    MEMORIA_TRY(walk(kRootInode));
    leave_out_unfinished();
    MEMORIA_TRY(place_unnamed());
    total_ = 0;
    for (const auto& [ino, node] : nodes_) {
      if (node.placed) total_ += from_.size(Key(Table::kContents, ino)).value_or(0);
    }
    MEMORIA_TRY(write_nodes());
    MEMORIA_TRY(write_superblock());
    return std::move(report_);
  }

 private:
  // ---- Reading

  Status read_table(Table table) {
    Status failure = ok();
    const char prefix[] = {char(table)};
    MEMORIA_TRY(from_.scan({prefix, 1}, {}, [&](const KeyInfo& info) {
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
      lose(What::kKey, std::string(info.key), "the key makes no sense");
      return ok();
    }
    highest_ = std::max(highest_, ino);
    switch (table) {
      case Table::kInodes:
        return read_inode(ino, info);
      case Table::kNames:
        return read_name(ino, info);
      case Table::kContents:
        contents_.insert(ino);
        return ok();
      case Table::kGrowing:
        if (info.size == 0) unfinished_.push_back(ino);
        return ok();
      default:
        orphans_.insert(ino);
        return ok();
    }
  }

  Result<std::string> value_of(const KeyInfo& info) const {
    if (info.is_inline) return std::string(info.value);
    return from_.get(info.key);
  }

  Status read_inode(InodeNumber ino, const KeyInfo& info) {
    const auto value = value_of(info);
    if (!value.has_value()) return ok();  // as if it were not there
    auto inode = decode_inode(value.value());
    if (inode.has_value()) {
      Node& node = nodes_[ino];
      node.inode = std::move(inode).value();
      node.entries = node.inode.entries;
    } else if (inode.error().code == Errc::kNewerFormat) {
      return inode.error();
    }
    return ok();
  }

  Status read_name(InodeNumber directory, const KeyInfo& info) {
    Name found{std::string(name_in_key(info.key)), std::nullopt};
    if (const auto value = value_of(info); value.has_value()) {
      const auto entry = decode_dentry(value.value());
      if (entry.has_value()) {
        found.entry = entry.value();
      } else if (entry.error().code == Errc::kNewerFormat) {
        return entry.error();
      }
    }
    if (found.entry && found.entry->cookie < kDamagedCookies) {
      cookie_ = std::max(cookie_, found.entry->cookie + 1);
    }
    names_[directory].push_back(std::move(found));
    return ok();
  }

  void read_superblock() {
    const auto value = from_.get(Key(Table::kSuperblock));
    const auto found =
        value.has_value() ? decode_superblock(value.value()) : Result<Superblock>(value.error());
    if (found.has_value()) {
      superblock_ = found.value();
      return;
    }
    const auto uuid = boost::uuids::random_generator()();
    std::copy(uuid.begin(), uuid.end(), superblock_.uuid.begin());
    lose(What::kAttributes, "/", "the superblock is gone; the volume has a new uuid");
  }

  // ---- The tree

  Node& make_up(InodeNumber ino, mode_t mode) {
    Node& node = nodes_[ino];
    node.made_up = true;
    node.inode.mode = mode;
    node.inode.uid = owner_.uid;
    node.inode.gid = owner_.gid;
    auto& inode = node.inode;
    inode.btime = inode.ctime = inode.mtime = inode.atime = now_;
    return node;
  }

  void place_root() {
    const auto root = nodes_.find(kRootInode);
    if (root == nodes_.end() || !root->second.inode.is_directory()) {
      make_up(kRootInode, S_IFDIR | 0755);
      lose(What::kAttributes, "/", "the root's inode is gone");
    }
    Node& node = nodes_[kRootInode];
    node.path.assign(1, '/');
    place_directory(node, kRootInode);
    highest_ = std::max(highest_, kRootInode);
  }

  void place_directory(Node& node, InodeNumber parent) {
    node.placed = true;
    node.inode.parent = parent;
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
      const auto names = names_.find(directory);
      if (names == names_.end()) continue;
      for (const auto& name : names->second) {
        const auto placed = place(directory, name);
        if (placed && nodes_[*placed].inode.is_directory()) waiting.push_back(*placed);
      }
      if (!tell()) return Error(Errc::kCancelled);
    }
    return ok();
  }

  /// A name that is gone without a trace is missed by its directory.
  void tell_missing_names(InodeNumber directory) {
    const Node& node = nodes_[directory];
    const auto names = names_.find(directory);
    const uint64_t left = names == names_.end() ? 0 : names->second.size();
    if (node.made_up || node.entries == left) return;
    lose(What::kAttributes, node.path,
         fmt::format("the directory had {} names, and {} are left", node.entries, left));
  }

  static std::string below(const std::string& path, std::string_view name) {
    return fmt::format("{}{}{}", path, path == "/" ? "" : "/", name);
  }

  /// The inode that got this name; nothing when it was dropped, and told.
  std::optional<InodeNumber> place(InodeNumber directory, const Name& name) {
    const auto path = below(nodes_[directory].path, name.name);
    if (!name.entry) {
      lose(What::kName, path, "the entry is damaged");
      return std::nullopt;
    }
    const auto ino = name.entry->ino;
    if (ino == 0 || ino > kMaxInode) {
      lose(What::kName, path, "the entry makes no sense");
      return std::nullopt;
    }
    highest_ = std::max(highest_, ino);
    Node* node = find_or_make_up(ino, name.entry->type);
    if (node == nullptr) {
      lose(What::kFile, path, "its inode is gone");
      return std::nullopt;
    }
    if (node->inode.is_directory() && node->placed) {
      lose(What::kName, path, fmt::format("the directory is at {} already", node->path));
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
    const auto found = nodes_.find(ino);
    if (found != nodes_.end()) return &found->second;
    if (type == S_IFDIR && names_.contains(ino)) return &make_up(ino, S_IFDIR | 0700);
    if (type == S_IFREG && contents_.contains(ino)) return &make_up(ino, S_IFREG | 0600);
    if (type == S_IFLNK && contents_.contains(ino)) return &make_up(ino, S_IFLNK | 0777);
    return nullptr;
  }

  bool target_is_readable(InodeNumber ino, const Node& node) {
    if (!node.inode.is_symlink()) return true;
    const auto target = from_.get(Key(Table::kContents, ino));
    return target.has_value() && !target.value().empty();
  }

  void give_name(InodeNumber directory, InodeNumber ino, Node& node, std::string_view name,
                 uint64_t cookie, const std::string& path) {
    Node& parent = nodes_[directory];
    ++parent.inode.entries;
    if (node.inode.is_directory()) {
      ++parent.inode.links;
      place_directory(node, directory);
    } else if (!node.placed) {
      node.placed = true;
      node.inode.links = 1;
    } else {
      ++node.inode.links;
    }
    if (node.path.empty()) node.path = path;
    if (node.made_up) lose(What::kAttributes, path, "the inode is gone; the contents are there");
    auto& used = cookies_[directory];
    if (cookie < kFirstCookie || cookie >= kDamagedCookies || !used.insert(cookie).second) {
      cookie = cookie_++;
      used.insert(cookie);
    }
    new_names_[directory].push_back(
        {std::string(name), Dentry{ino, node.inode.mode & S_IFMT, cookie}});
  }

  // ---- What has no name

  /// Trees that nobody was to see: an open would have removed them.
  void leave_out_unfinished() {
    while (!unfinished_.empty()) {
      const auto ino = unfinished_.back();
      unfinished_.pop_back();
      const auto node = nodes_.find(ino);
      if (node == nodes_.end() || node->second.placed || node->second.left_out) continue;
      node->second.left_out = true;
      const auto below = names_.find(ino);
      if (below == names_.end()) continue;
      for (const auto& name : below->second) {
        if (name.entry) unfinished_.push_back(name.entry->ino);
      }
    }
  }

  /// Directories first, from their tops, so that what is in them stays in them.
  Status place_unnamed() {
    // Directories of which only the names in them are left, and contents without an inode.
    for (const auto& [ino, names] : names_) {
      if (!nodes_.contains(ino)) make_up(ino, S_IFDIR | 0700);
    }
    for (const auto ino : contents_) {
      if (!nodes_.contains(ino)) make_up(ino, S_IFREG | 0600);
    }
    std::vector<InodeNumber> tops, rest;
    for (const auto& [ino, node] : nodes_) {
      if (node.placed || node.left_out || is_orphan(ino, node)) continue;
      const auto parent = nodes_.find(node.inode.parent);
      const bool inside = node.inode.is_directory() && node.inode.parent != ino &&
                          parent != nodes_.end() && !parent->second.placed;
      (node.inode.is_directory() && !inside ? tops : rest).push_back(ino);
    }
    for (const auto& some : {tops, rest}) {
      for (const auto ino : some) {
        if (nodes_[ino].placed) continue;  // found below another one
        if (!place_in_lost_and_found(ino)) continue;
        if (nodes_[ino].inode.is_directory()) MEMORIA_TRY(walk(ino));
      }
    }
    return ok();
  }

  bool is_orphan(InodeNumber ino, const Node& node) const {
    return orphans_.contains(ino) && node.inode.links == 0 && !node.made_up;
  }

  bool place_in_lost_and_found(InodeNumber ino) {
    if (!target_is_readable(ino, nodes_[ino])) {
      lose(What::kFile, fmt::format("#{}", ino), "a symbolic link without name and target");
      return false;
    }
    const auto directory = lost_and_found();
    Node& node = nodes_[ino];
    const auto name = fmt::format("#{}", ino);
    const auto path = below(nodes_[directory].path, name);
    lose(What::kFound, path, "it had no name");
    give_name(directory, ino, node, name, 0, path);
    return true;
  }

  /// The directory, made when it is needed; what has its name and is none stays.
  InodeNumber lost_and_found() {
    if (lost_and_found_ != 0) return lost_and_found_;
    std::string name(kLostAndFound);
    const auto& taken = new_names_[kRootInode];
    for (int n = 1;; ++n) {
      const auto found = std::find_if(taken.begin(), taken.end(),
                                      [&](const auto& entry) { return entry.first == name; });
      if (found == taken.end()) break;
      if (S_ISDIR(found->second.type)) return lost_and_found_ = found->second.ino;
      name = fmt::format("{}.{}", kLostAndFound, n);
    }
    lost_and_found_ = ++highest_;
    Node& node = make_up(lost_and_found_, S_IFDIR | 0700);
    node.made_up = false;
    give_name(kRootInode, lost_and_found_, node, name, 0, below("/", name));
    return lost_and_found_;
  }

  // ---- Writing

  Status write_nodes() {
    for (auto& [ino, node] : nodes_) {
      if (!node.placed) continue;
      ++report_.files;
      MEMORIA_TRY(write_names(ino));
      std::vector<LostRange> lost;
      if (contents_.contains(ino) && !node.inode.is_directory()) {
        MEMORIA_TRY(lost, write_contents(ino, node));
      }
      MEMORIA_TRY(write_xattrs(ino, node, lost));
      MEMORIA_TRY(to_.put(Key(Table::kInodes, ino), encode(node.inode)));
    }
    return ok();
  }

  Status write_names(InodeNumber directory) {
    const auto names = new_names_.find(directory);
    if (names == new_names_.end()) return ok();
    for (size_t at = 0; at < names->second.size(); at += kBatchChanges) {
      Batch batch;
      std::vector<std::string> values;
      const size_t end = std::min(names->second.size(), at + kBatchChanges);
      values.reserve(end - at);  // the batch holds views
      for (size_t i = at; i < end; ++i) {
        const auto& [name, entry] = names->second[i];
        batch.put(Key(Table::kNames, directory, name), values.emplace_back(encode(entry)));
      }
      MEMORIA_TRY(to_.apply(batch));
    }
    return ok();
  }

  Result<std::vector<LostRange>> write_contents(InodeNumber ino, const Node& node) {
    const Key key(Table::kContents, ino);
    MEMORIA_TRY(auto lost, copy_value(from_, to_, key, [&](uint64_t n) {
                  report_.bytes += n;
                  return tell();
                }));
    for (const auto& range : lost) {
      report_.losses.push_back(
          {What::kRange, node.path, range.offset, range.length, "cannot be read; it is zeros now"});
    }
    return lost;
  }

  Status write_xattrs(InodeNumber ino, const Node& node, const std::vector<LostRange>& lost) {
    Status failure = ok();
    MEMORIA_TRY(from_.scan(Key(Table::kXattrs, ino), {}, [&](const KeyInfo& info) {
      const auto value = value_of(info);
      if (value.has_value()) {
        failure = to_.put(info.key, value.value());
      } else {
        lose(What::kXattr, node.path,
             fmt::format("attribute {} cannot be read", name_in_key(info.key)));
      }
      return failure.has_value();
    }));
    MEMORIA_TRY(failure);
    if (lost.empty()) return ok();
    std::string text;
    for (const auto& range : lost) {
      if (text.size() > kMaxRangesText) break;
      text += fmt::format("{}{}+{}", text.empty() ? "" : " ", range.offset, range.length);
    }
    return to_.put(Key(Table::kXattrs, ino, kLostRangesXattr), text);
  }

  Status write_superblock() {
    superblock_.next_inode = std::max(superblock_.next_inode, highest_ + 1);
    superblock_.next_cookie = std::max({superblock_.next_cookie, cookie_, kFirstCookie});
    superblock_.files = report_.files;
    return to_.put(Key(Table::kSuperblock), encode(superblock_));
  }

  void lose(What what, std::string path, std::string detail) {
    report_.losses.push_back({what, std::move(path), 0, 0, std::move(detail)});
  }

  bool tell() const { return !progress_ || progress_({"repair", report_.bytes, total_}); }

  const Store& from_;
  Store& to_;
  const Caller owner_;
  const ProgressFn& progress_;
  const TimeNs now_ = wall_clock();
  Superblock superblock_;
  std::map<InodeNumber, Node> nodes_;
  std::map<InodeNumber, std::vector<Name>> names_;
  std::map<InodeNumber, std::vector<std::pair<std::string, Dentry>>> new_names_;
  std::map<InodeNumber, std::set<uint64_t>> cookies_;  // that a directory's new names have
  std::set<InodeNumber> contents_, orphans_;
  std::vector<InodeNumber> unfinished_;
  InodeNumber highest_ = 0, lost_and_found_ = 0;
  uint64_t cookie_ = kFirstCookie;
  uint64_t total_ = 0;
  RepairReport report_;
};

}  // namespace

std::string_view name(Loss::What what) {
  switch (what) {
    case What::kRange:
      return "range";
    case What::kFile:
      return "file";
    case What::kAttributes:
      return "attributes";
    case What::kXattr:
      return "xattr";
    case What::kName:
      return "name";
    case What::kFound:
      return "found";
    case What::kKey:
      return "key";
  }
  return "";
}

Result<RepairReport> repair_volume(const Store& from, Store& to, const Caller& owner,
                                   const ProgressFn& progress) {
  return VolumeRepair(from, to, owner, progress).run();
}

Result<RepairReport> repair_keys(const Store& from, Store& to, const ProgressFn& progress) {
  RepairReport report;
  const uint64_t total = from.stats().value_bytes;
  Status failure = ok();
  MEMORIA_TRY(from.scan({}, {}, [&](const KeyInfo& info) {
    auto copied = copy_value(from, to, info.key, [&](uint64_t n) {
      report.bytes += n;
      return !progress || progress({"repair", report.bytes, total});
    });
    if (!copied.has_value()) {
      failure = copied.error();
    } else if (copied.value().empty()) {
      ++report.files;
    } else {
      for (const auto& range : copied.value()) {
        report.losses.push_back({What::kKey, std::string(info.key), range.offset, range.length,
                                 "cannot be read; the key is left out"});
      }
      failure = to.erase(info.key);
    }
    return failure.has_value();
  }));
  MEMORIA_TRY(failure);
  return report;
}

}  // namespace memoria
