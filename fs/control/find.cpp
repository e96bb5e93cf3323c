// SPDX-License-Identifier: MIT
// The commands `find` and `count` of paths.
#include <fmt/format.h>
#include <sys/stat.h>

#include <deque>
#include <functional>

#include "fs/control/byte_text.hpp"
#include "fs/control/commands.hpp"
#include "fs/control/file_errors.hpp"
#include "fs/volume/tree.hpp"

namespace memoria::control {
namespace {

struct Found {
  const std::string& path;
  InodeNumber ino = 0;
  mode_t type = 0;  ///< 0: the entry is damaged
};
using Visit = std::function<Status(const Found&)>;

/// Every path that begins with `prefix`, depth first and in the order of names; memory for some
/// hundred names on each level.
class PathWalk {
 public:
  /// `phase`: of its progress.
  PathWalk(const Call& call, std::string_view phase, const Visit& visit)
      : call_(call), phase_(phase), visit_(visit) {}

  Status run(const std::string& prefix) {
    const auto slash = prefix.rfind('/');
    const auto directory = prefix.substr(0, slash == std::string::npos ? 0 : slash);
    const auto beginning = slash == std::string::npos ? prefix : prefix.substr(slash + 1);
    MEMORIA_TRY(const auto root, worded(call_, find_node(call_.store, directory)));
    if (!root.inode.is_directory()) return ok();
    if (beginning.empty() && directory.empty()) {
      total_ = call_.volume->files();
      MEMORIA_TRY(visit_({"/", kRootInode, S_IFDIR}));
    }
    levels_.push_back({directory, NameCursor(call_.store, root.ino)});
    while (!levels_.empty()) MEMORIA_TRY(step(levels_.size() == 1 ? beginning : ""));
    return ok();
  }

 private:
  struct Level {
    std::string path;  // without a slash at the end
    NameCursor names;
  };

  /// One name of the deepest level, or its end.
  Status step(const std::string& beginning) {
    auto& level = levels_.back();
    MEMORIA_TRY(const auto* const entry, level.names.peek());
    if (entry == nullptr) {
      levels_.pop_back();
      return ok();
    }
    const auto path = level.path + "/" + entry->name;
    const auto dentry = entry->dentry;
    const bool fits = entry->name.starts_with(beginning);
    level.names.pop();
    MEMORIA_TRY(call_.report(phase_, ++entries_, total_, Progress::Unit::kEntries));
    if (!fits) return ok();
    MEMORIA_TRY(visit_({path, dentry ? dentry->ino : 0, dentry ? dentry->type : 0}));
    if (dentry && S_ISDIR(dentry->type)) {
      levels_.push_back({path, NameCursor(call_.store, dentry->ino)});
    }
    return ok();
  }

  const Call& call_;
  const std::string_view phase_;
  const Visit& visit_;
  uint64_t entries_ = 0, total_ = 0;  // looked at; 0: how many there are below is not known
  std::deque<Level> levels_;
};

}  // namespace

Result<Json> find_files(const Call& call, const std::string& prefix) {
  uint64_t count = 0;
  const Visit visit = [&](const Found& found) {
    ++count;
    Json item = {{"type", type_word(found.type)}, {"inode", found.ino}};
    set_bytes(item, "path", found.path);
    if (!S_ISDIR(found.type)) item["size"] = content_size(call.store, found.ino);
    return call.sink.item(std::move(item));
  };
  MEMORIA_TRY(PathWalk(call, "find", visit).run(prefix));
  return Json{{"count", count}};
}

Result<Json> count_files(const Call& call, const std::string& prefix) {
  uint64_t files = 0, directories = 0, others = 0, bytes = 0;
  const Visit visit = [&](const Found& found) -> Status {
    if (S_ISREG(found.type)) {
      ++files;
      bytes += content_size(call.store, found.ino);
    } else {
      ++(S_ISDIR(found.type) ? directories : others);
    }
    return ok();
  };
  MEMORIA_TRY(PathWalk(call, "count", visit).run(prefix));
  return Json{{"count", files + directories + others},
              {"files", files},
              {"directories", directories},
              {"others", others},
              {"bytes", bytes}};
}

}  // namespace memoria::control
