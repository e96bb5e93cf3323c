// SPDX-License-Identifier: MIT
#include "fs/volume/difference.hpp"

#include <sys/stat.h>

#include <deque>
#include <map>
#include <utility>

#include "fs/volume/errors.hpp"
#include "fs/volume/transaction.hpp"
#include "fs/volume/tree.hpp"

namespace memoria {
namespace {

constexpr size_t kMaxWaiting = 100'000;

using Kind = Difference::Kind;

/// A directory of both trees, or of one.
struct Level {
  std::string path_before, path_after;  // without a slash at the end
  std::optional<NameCursor> before, after;
};

/// A name on one side whose inode the other side has, too.
struct Waiting {
  std::string path;
  mode_t type;
};
using WaitingByInode = std::map<InodeNumber, Waiting>;

class Comparison {
 public:
  Comparison(const Store& before, const Store& after,
             const std::function<Status(const Difference&)>& tell,
             const std::function<Status(uint64_t)>& go_on)
      : before_(before), after_(after), tell_(tell), go_on_(go_on) {}

  Status run() {
    push("", kRootInode, "", kRootInode);
    MEMORIA_TRY(walk());
    // The other half never came: one of several names of a file, or a change during the walk.
    for (auto waiting = std::exchange(gone_, {}); const auto& [ino, name] : waiting) {
      MEMORIA_TRY(one_sided(Kind::kRemoved, name.path, ino, name.type));
    }
    for (auto waiting = std::exchange(come_, {}); const auto& [ino, name] : waiting) {
      MEMORIA_TRY(one_sided(Kind::kAdded, name.path, ino, name.type));
    }
    return walk();
  }

 private:
  using Entry = NameCursor::Entry;

  /// 0: the directory is not there on that side.
  void push(std::string path_before, InodeNumber before, std::string path_after,
            InodeNumber after) {
    Level level{std::move(path_before), std::move(path_after), {}, {}};
    if (before != 0) level.before.emplace(before_, before);
    if (after != 0) level.after.emplace(after_, after);
    levels_.push_back(std::move(level));
  }

  Status walk() {
    while (!levels_.empty()) {
      // The deepest level goes on; a directory that is found becomes the next one.
      Level& level = levels_.back();
      const Entry *a = nullptr, *b = nullptr;
      if (level.before) {
        MEMORIA_TRY(a, level.before->peek());
      }
      if (level.after) {
        MEMORIA_TRY(b, level.after->peek());
      }
      if (a == nullptr && b == nullptr) {
        levels_.pop_back();
        continue;
      }
      MEMORIA_TRY(go_on_(++entries_));
      const bool take_a = b == nullptr || (a != nullptr && a->name <= b->name);
      const bool take_b = a == nullptr || (b != nullptr && b->name <= a->name);
      // Before the levels change, and `level` with them.
      const auto entry_a = take_a ? *a : Entry{};
      const auto entry_b = take_b ? *b : Entry{};
      const auto path_a = level.path_before + "/" + entry_a.name;
      const auto path_b = level.path_after + "/" + entry_b.name;
      if (take_a) level.before->pop();
      if (take_b) level.after->pop();
      if (take_a && take_b) {
        MEMORIA_TRY(on_both(path_a, entry_a, path_b, entry_b));
      } else if (take_a) {
        MEMORIA_TRY(only_before(path_a, entry_a));
      } else {
        MEMORIA_TRY(only_after(path_b, entry_b));
      }
    }
    return ok();
  }

  Status on_both(const std::string& path_a, const Entry& a, const std::string& path_b,
                 const Entry& b) {
    if (!a.dentry || !b.dentry) return unreadable(path_b, b.dentry ? b.dentry->type : 0);
    const bool replaced =
        a.dentry->ino != b.dentry->ino &&
        (a.dentry->type != b.dentry->type || in_both(a.dentry->ino) || in_both(b.dentry->ino));
    if (!replaced) return compare(Kind::kChanged, path_a, a.dentry->ino, path_b, b.dentry->ino);
    MEMORIA_TRY(only_before(path_a, a));
    return only_after(path_b, b);
  }

  Status only_before(const std::string& path, const Entry& entry) {
    if (!entry.dentry) return one_sided(Kind::kRemoved, path, 0, 0);
    const auto [ino, type] = std::pair(entry.dentry->ino, entry.dentry->type);
    if (!in_both(ino)) return one_sided(Kind::kRemoved, path, ino, type);
    if (const auto other = come_.find(ino); other != come_.end()) {
      const auto renamed = std::move(come_.extract(other).mapped());
      return compare(Kind::kRenamed, path, ino, renamed.path, ino);
    }
    return wait(gone_, Kind::kRemoved, path, ino, type);
  }

  Status only_after(const std::string& path, const Entry& entry) {
    if (!entry.dentry) return one_sided(Kind::kAdded, path, 0, 0);
    const auto [ino, type] = std::pair(entry.dentry->ino, entry.dentry->type);
    if (!in_both(ino)) return one_sided(Kind::kAdded, path, ino, type);
    if (const auto other = gone_.find(ino); other != gone_.end()) {
      const auto renamed = std::move(gone_.extract(other).mapped());
      return compare(Kind::kRenamed, renamed.path, ino, path, ino);
    }
    return wait(come_, Kind::kAdded, path, ino, type);
  }

  /// For the other name of this inode. With a second name of the same on this side, or too many
  /// that wait, it is told at once.
  Status wait(WaitingByInode& waiting, Kind kind, const std::string& path, InodeNumber ino,
              mode_t type) {
    const bool room = gone_.size() + come_.size() < kMaxWaiting;
    if (room && waiting.try_emplace(ino, Waiting{path, type}).second) return ok();
    return one_sided(kind, path, ino, type);
  }

  /// The same inode is on both sides. A number may be given out again after a rollback: the time
  /// of the inode's making tells.
  bool in_both(InodeNumber ino) const {
    const auto was = load_inode(before_, ino), is = load_inode(after_, ino);
    return was.has_value() && is.has_value() && was.value().btime == is.value().btime;
  }

  Status one_sided(Kind kind, const std::string& path, InodeNumber ino, mode_t type) {
    Difference difference{kind, path, {}, type, false, false, type == 0};
    MEMORIA_TRY(tell_(difference));
    if (S_ISDIR(type)) {
      push(path, kind == Kind::kRemoved ? ino : 0, path, kind == Kind::kAdded ? ino : 0);
    }
    return ok();
  }

  /// Tells what differs; a kRenamed is told in any case.
  Status compare(Kind kind, const std::string& path_before, InodeNumber before,
                 const std::string& path_after, InodeNumber after) {
    const auto was = load_inode(before_, before), is = load_inode(after_, after);
    if (!is.has_value() && is.error().code == Errc::kNotFound) return ok();  // gone meanwhile
    Difference difference{kind, path_after, {}, 0, false, false, false};
    if (kind == Kind::kRenamed) difference.old_path = path_before;
    if (was.has_value() && is.has_value()) {
      difference.type = is.value().mode & S_IFMT;
      const auto change =
          compare_nodes(before_, {before, was.value()}, after_, {after, is.value()});
      if (change.has_value()) {
        difference.contents = change.value().contents;
        difference.attributes = change.value().attributes;
      } else {
        // One damaged file is no reason not to tell of the others.
        const auto& error = change.error();
        if (!is_damage(error) && error.code != Errc::kNotFound) return error;
        const auto again = load_inode(after_, after);
        if (!again.has_value() && again.error().code == Errc::kNotFound) return ok();
        difference.unreadable = true;
      }
    } else {
      difference.unreadable = true;
    }
    const bool differs = difference.contents || difference.attributes || difference.unreadable;
    if (differs || kind == Kind::kRenamed) MEMORIA_TRY(tell_(difference));
    if (S_ISDIR(difference.type)) push(path_before, before, path_after, after);
    return ok();
  }

  Status unreadable(const std::string& path, mode_t type) {
    return tell_({Kind::kChanged, path, {}, type, false, false, true});
  }

  const Store &before_, &after_;
  const std::function<Status(const Difference&)>& tell_;
  const std::function<Status(uint64_t)>& go_on_;
  std::deque<Level> levels_;
  WaitingByInode gone_, come_;
  uint64_t entries_ = 0;
};

}  // namespace

Status compare_volumes(const Store& before, const Store& after,
                       const std::function<Status(const Difference&)>& tell,
                       const std::function<Status(uint64_t)>& go_on) {
  return Comparison(before, after, tell, go_on).run();
}

}  // namespace memoria
