// SPDX-License-Identifier: MIT
// The commands that compare moments: `snapshot diff`, `history`, and `snapshot rollback` where it
// cannot be.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <optional>

#include "fs/control/byte_text.hpp"
#include "fs/control/commands.hpp"
#include "fs/control/file_errors.hpp"
#include "fs/volume/difference.hpp"
#include "fs/volume/tree.hpp"

namespace memoria::control {
namespace {

std::string_view change_word(Difference::Kind kind) {
  switch (kind) {
    case Difference::Kind::kAdded:
      return "added";
    case Difference::Kind::kRemoved:
      return "removed";
    case Difference::Kind::kRenamed:
      return "renamed";
    case Difference::Kind::kChanged:
      break;
  }
  return "changed";
}

Json change_item(const Difference& difference) {
  Json item = {{"change", change_word(difference.kind)}, {"type", type_word(difference.type)}};
  set_bytes(item, "path", difference.path);
  if (difference.kind == Difference::Kind::kRenamed) {
    set_bytes(item, "old_path", difference.old_path);
  }
  item["contents"] = difference.contents;
  item["attributes"] = difference.attributes;
  if (difference.unreadable) item["unreadable"] = true;
  return item;
}

Status must_hold_volume(const Call& call) {
  if (holds_volume(call.store)) return ok();
  return Error(Errc::kNotAStore,
               fmt::format("{} holds plain keys, not a volume with files", call.store.describe()));
}

/// What a file is at one moment, and whether it is what it was at the one before.
class History {
 public:
  History(const Call& call, const std::string& path) : call_(call), path_(path) {}

  /// `store` may be null: it cannot be opened, for `error`.
  Status add(Json item, std::shared_ptr<const Store> store, const Error& error = {}) {
    ++count_;
    if (!store) {
      item["error"] = error.describe();
      return call_.sink.item(std::move(item));
    }
    auto found = find_node(*store, path_);
    const bool missing = !found.has_value() && (found.error().to_errno() == ENOENT ||
                                                found.error().to_errno() == ENOTDIR);
    item["exists"] = found.has_value();
    if (!found.has_value() && !missing) {
      item["error"] = found.error().describe();
    } else {
      if (found.has_value()) describe(found.value(), *store, item);
      compare(found.has_value() ? &found.value() : nullptr, *store, item);
      before_.reset();
      if (found.has_value()) before_ = std::move(found).value();
      store_before_ = std::move(store);
    }
    return call_.sink.item(std::move(item));
  }

  bool found_any() const { return found_any_; }
  uint64_t count() const { return count_; }

 private:
  void describe(const TreeNode& node, const Store& store, Json& item) {
    found_any_ = true;
    item["type"] = type_word(node.inode.mode);
    item["inode"] = node.ino;
    item["mode"] = node.inode.mode & 07777;
    item["size"] = content_size(store, node.ino);
    item["mtime"] = iso_time(node.inode.mtime);
  }

  void compare(const TreeNode* node, const Store& store, Json& item) const {
    const bool appeared = node != nullptr && !before_, vanished = node == nullptr && before_;
    item["differs"] = appeared || vanished;
    if (node == nullptr || !before_) return;
    const auto change = compare_nodes(*store_before_, *before_, store, *node);
    if (!change.has_value()) {
      item["error"] = change.error().describe();
      return;
    }
    item["differs"] = change.value().any() || ((before_->inode.mode ^ node->inode.mode) & S_IFMT);
    item["contents"] = change.value().contents;
    item["attributes"] = change.value().attributes;
  }

  const Call& call_;
  const std::string& path_;
  std::shared_ptr<const Store> store_before_;
  std::optional<TreeNode> before_;
  bool found_any_ = false;
  uint64_t count_ = 0;
};

/// What the store itself shows: the present, unless it is of another moment.
Json last_version(const StoreOrigin& origin) {
  Json item = {{"snapshot", nullptr}};
  if (origin.taken_ns != 0) item["created"] = iso_time(int64_t(origin.taken_ns));
  if (origin.kind == StoreOrigin::Kind::kBackup) item["backup"] = true;
  if (!origin.snapshot.empty()) set_bytes(item, "snapshot", origin.snapshot);
  return item;
}

/// Somebody else's, who outlives the pointer.
std::shared_ptr<const Store> borrowed(const Store& store) {
  return {&store, [](const Store*) {}};
}

}  // namespace

Result<Json> diff_snapshots(const Call& call) {
  const auto name = call.name(), other = get_bytes(call.request, "other");
  if (!name) return Error(Errc::kInvalidArgument, "the snapshot needs a name");
  MEMORIA_TRY(must_hold_volume(call));
  MEMORIA_TRY(const auto before, call.store.open_snapshot(*name));
  std::shared_ptr<const Store> after = borrowed(call.store);
  if (other) {
    MEMORIA_TRY(after, call.store.open_snapshot(*other));
  } else if (call.volume != nullptr) {
    MEMORIA_TRY(call.volume->collect_written());
  }
  std::map<std::string_view, uint64_t> counts{
      {"added", 0}, {"removed", 0}, {"changed", 0}, {"renamed", 0}};
  uint64_t unreadable = 0;
  const uint64_t total = std::max(count_inodes(*before), count_inodes(*after));
  MEMORIA_TRY(compare_volumes(
      *before, *after,
      [&](const Difference& difference) {
        ++counts[change_word(difference.kind)];
        unreadable += difference.unreadable;
        return call.sink.item(change_item(difference));
      },
      [&](uint64_t entries) {
        return call.report("diff", entries, total, Progress::Unit::kEntries);
      }));
  Json out = {{"unreadable", unreadable}, {"clean", unreadable == 0}, {"after", nullptr}};
  for (const auto& [word, count] : counts) out[std::string(word)] = count;
  set_bytes(out, "before", *name);
  if (other) set_bytes(out, "after", *other);
  return out;
}

Result<Json> file_history(const Call& call, const std::string& path) {
  MEMORIA_TRY(const auto snapshots, call.store.snapshots());
  MEMORIA_TRY(call.volume->collect_written());
  uint64_t total = 0, done = 0;
  for (const auto& snapshot : snapshots) total += snapshot.bytes;
  History history(call, path);
  for (const auto& snapshot : snapshots) {
    MEMORIA_TRY(call.report("history", done, total));
    Json item = Json::object();
    if (!snapshot.damaged) item["created"] = iso_time(int64_t(snapshot.created_ns));
    set_bytes(item, "snapshot", snapshot.name);
    auto opened = call.store.open_snapshot(snapshot.name);
    if (!opened.has_value()) {
      if (opened.error().code == Errc::kNotFound) continue;  // deleted meanwhile
      MEMORIA_TRY(history.add(std::move(item), nullptr, opened.error()));
    } else {
      MEMORIA_TRY(history.add(std::move(item), std::move(opened).value()));
    }
    done += snapshot.bytes;
  }
  MEMORIA_TRY(history.add(last_version(call.store.origin()), borrowed(call.store)));
  if (!history.found_any()) {
    return Error(Errc::kNotFound,
                 fmt::format("no such file in the volume {}, nor in a snapshot of it",
                             call.store.describe()));
  }
  return Json{{"count", history.count()}};
}

Result<Json> refuse_rollback(const Call& call) {
  return Error::posix(
      EBUSY, fmt::format("{} is in use: unmount it, roll back, and mount it again; what is open "
                         "would lose its file under it (an older file alone can be copied from "
                         ".snapshots)",
                         call.store.describe()));
}

}  // namespace memoria::control
