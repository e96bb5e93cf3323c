// SPDX-License-Identifier: MIT
// Reads what is left, makes a tree of it (repair_tree.hpp), and writes that to the new store.
#include "fs/volume/repair.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid.hpp>

#include "fs/volume/keys.hpp"
#include "fs/volume/repair_tree.hpp"
#include "fs/volume/value_copy.hpp"

namespace memoria {
namespace {

using What = Loss::What;

constexpr size_t kBatchChanges = 1000;
constexpr size_t kMaxRangesText = 60 << 10;  // below the limit of an attribute

class VolumeRepair {
 public:
  VolumeRepair(const Store& from, Store& to, const ProgressFn& progress)
      : from_(from), to_(to), progress_(progress) {}

  Result<RepairReport> run(const Caller& owner) {
    MEMORIA_TRY(inventory_, RepairInventory::read(from_, report_.losses));
    MEMORIA_TRY(tree_, RepairTree::build(from_, inventory_, owner, report_.losses,
                                         [this] { return tell(); }));
    for (const auto& [ino, node] : tree_.nodes) {
      if (node.placed) total_ += from_.size(Key(Table::kContents, ino)).value_or(0);
    }
    MEMORIA_TRY(write_nodes());
    MEMORIA_TRY(write_superblock());
    return std::move(report_);
  }

 private:
  Status write_nodes() {
    for (auto& [ino, node] : tree_.nodes) {
      if (!node.placed) continue;
      ++report_.files;
      MEMORIA_TRY(write_names(ino));
      std::vector<LostRange> lost;
      if (inventory_.contents.contains(ino) && !node.inode.is_directory()) {
        MEMORIA_TRY(lost, write_contents(ino, node));
      }
      MEMORIA_TRY(write_xattrs(ino, node, lost));
      MEMORIA_TRY(to_.put(Key(Table::kInodes, ino), encode(node.inode)));
    }
    return ok();
  }

  Status write_names(InodeNumber directory) {
    const auto names = tree_.names.find(directory);
    if (names == tree_.names.end()) return ok();
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

  Result<std::vector<LostRange>> write_contents(InodeNumber ino, const RepairTree::Node& node) {
    const Key key(Table::kContents, ino);
    MEMORIA_TRY(auto lost, copy_value(from_, to_, key, [&](uint64_t n) {
                  report_.bytes += n;
                  return tell();
                }));
    for (const auto& range : lost) {
      report_.losses.push_back({Loss::What::kRange, node.path, range.offset, range.length,
                                "cannot be read; it is zeros now"});
    }
    return lost;
  }

  Status write_xattrs(InodeNumber ino, const RepairTree::Node& node,
                      const std::vector<LostRange>& lost) {
    Status failure = ok();
    MEMORIA_TRY(from_.scan(Key(Table::kXattrs, ino), {}, [&](const KeyInfo& info) {
      const auto value = value_of(from_, info);
      if (value.has_value()) {
        failure = to_.put(info.key, value.value());
      } else {
        report_.losses.push_back(
            {Loss::What::kXattr, node.path, 0, 0,
             fmt::format("attribute {} cannot be read", name_in_key(info.key))});
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
    Superblock superblock;
    if (inventory_.superblock) {
      superblock = *inventory_.superblock;
    } else {
      const auto uuid = boost::uuids::random_generator()();
      std::copy(uuid.begin(), uuid.end(), superblock.uuid.begin());
      report_.losses.push_back({Loss::What::kAttributes, "/", 0, 0,
                                "the superblock is gone; the volume has a new uuid"});
    }
    superblock.next_inode = std::max(superblock.next_inode, tree_.highest + 1);
    superblock.next_cookie = std::max({superblock.next_cookie, tree_.next_cookie, kFirstCookie});
    superblock.files = report_.files;
    return to_.put(Key(Table::kSuperblock), encode(superblock));
  }

  bool tell() const { return !progress_ || progress_({"repair", report_.bytes, total_}); }

  const Store& from_;
  Store& to_;
  const ProgressFn& progress_;
  RepairInventory inventory_;
  RepairTree tree_;
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
  return VolumeRepair(from, to, progress).run(owner);
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
