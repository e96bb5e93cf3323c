// SPDX-License-Identifier: MIT
// The command `import`: a tree of files becomes a directory, all of it or nothing.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fs/control/byte_text.hpp"
#include "fs/control/commands.hpp"
#include "fs/control/file_errors.hpp"
#include "fs/control/key_text.hpp"
#include "fs/control/tree_stream.hpp"
#include "fs/volume/inode.hpp"
#include "fs/volume/keys.hpp"

namespace memoria::control {
namespace {

std::vector<std::string_view> names_of(std::string_view path) {
  std::vector<std::string_view> names;
  while (!path.empty()) {
    const auto name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    if (!name.empty() && name != ".") names.push_back(name);
  }
  return names;
}

/// Grows the tree. What is not finished goes when it is destroyed.
class Import {
 public:
  explicit Import(const Call& call) : call_(call), volume_(*call.volume) {}
  Import(const Import&) = delete;
  Import& operator=(const Import&) = delete;
  ~Import() {
    if (top_ != 0) (void)volume_.uproot(top_);  // else the next opening of the volume does it
  }

  Result<Json> run(const std::string& path) {
    MEMORIA_TRY(const auto parent, check_place(path));
    MEMORIA_TRY(const double total, call_.number("size", 0));
    into_root_ = path == "/";
    MEMORIA_TRY(top_, volume_.grow(parent, call_.context.caller));
    TreeReader reader(call_.source);
    while (true) {
      MEMORIA_TRY(const auto frame, reader.next());
      if (!frame) break;
      MEMORIA_TRY(frame->entry ? add(*frame->entry) : write(*frame));
      MEMORIA_TRY(call_.report("import", bytes_, uint64_t(std::max(total, 0.0))));
    }
    MEMORIA_TRY(finish_current());
    MEMORIA_TRY(finish_directories());
    MEMORIA_TRY(into_root_ ? fill_root() : put_in_place(path));
    return Json{{"files", files_}, {"bytes", bytes_}, {"clean", remarks_ == 0}};
  }

 private:
  /// A new name in a directory, or an empty directory: so that it is told before all the work.
  /// Returns the directory above it.
  Result<InodeNumber> check_place(const std::string& path) {
    MEMORIA_TRY(const auto parent, directory_above(path));
    if (const auto names = names_of(path); names.size() == 1 && names[0] == kSnapshotsName) {
      return Error::posix(EINVAL, "a mount shows the snapshots there: take another name");
    }
    const auto found = volume_.resolve(path);
    if (!found.has_value()) {
      if (found.error().to_errno() != ENOENT) return about(path, worded(call_, found.error()));
      return parent;
    }
    if (!S_ISDIR(found.value().mode)) {
      return Error::posix(ENOTDIR, fmt::format("{} is not a directory: name a new directory to "
                                               "import into",
                                               printable(path)));
    }
    bool empty = true;
    MEMORIA_TRY(volume_.list(found.value().ino, 0, [&](const DirectoryEntry&) {
      empty = false;
      return false;
    }));
    if (empty) return parent;
    return Error::posix(ENOTEMPTY, fmt::format("{} is not empty: name a new directory to import "
                                               "into",
                                               printable(path)));
  }

  Result<InodeNumber> directory_above(std::string_view path) {
    while (path.ends_with('/')) path.remove_suffix(1);
    const size_t end = path.rfind('/') + 1;  // 0 when there is no slash
    // From the top, so that the first one that is missing is told.
    for (size_t at = path.find('/') + 1;; at = path.find('/', at) + 1) {
      const auto part = at > 1 ? path.substr(0, at - 1) : "/";
      const auto found = volume_.resolve(part);
      if (!found.has_value() && found.error().to_errno() == ENOENT) {
        return Error(Errc::kNotFound,
                     fmt::format("there is no directory {} in the volume {}: name one to make "
                                 "below a directory that is there, or make that one in a mount",
                                 printable(part), call_.store.describe()));
      }
      if (!found.has_value()) return about(part, worded(call_, found.error()));
      if (!S_ISDIR(found.value().mode)) {
        return Error::posix(ENOTDIR, fmt::format("{} is not a directory, so nothing can be below "
                                                 "it",
                                                 printable(part)));
      }
      if (at >= end) return found.value().ino;
    }
  }

  /// An error that does not say what it is about.
  static Error about(std::string_view path, Error error) {
    error.message = fmt::format("{}: {}", printable(path), error.describe());
    return error;
  }

  /// A hostile or a broken source shall not end the import, where one entry can be left out.
  Status add(const TreeEntry& entry) {
    MEMORIA_TRY(finish_current());
    auto added = add_entry(entry);
    if (added.has_value() || !concerns_one_entry(added.error())) return added;
    return remark(entry.path, added.error());
  }

  static bool concerns_one_entry(const Error& error) {
    switch (error.to_errno()) {
      case ENOSPC:
      case EIO:
      case EROFS:
        return false;
      default:
        return error.code != Errc::kCancelled && error.code != Errc::kClosed;
    }
  }

  Status remark(std::string_view path, const Error& error) {
    ++remarks_;
    Json item = {{"detail", error.describe()}};
    set_bytes(item, "path", path);
    return call_.sink.item(std::move(item));
  }

  Status add_entry(const TreeEntry& entry) {
    auto names = names_of(entry.path);
    for (const auto name : names) {
      if (!is_usable_name(name)) return Error::posix(EINVAL, "not a path that a volume can have");
    }
    if (names.empty()) {
      if (!S_ISDIR(entry.mode)) return Error::posix(EINVAL, "the top is a directory");
      return finish_later(top_, entry);
    }
    MEMORIA_TRY(check_not_reserved(names));
    const auto last = names.back();
    names.pop_back();
    MEMORIA_TRY(const auto parent, directory_at(names, true));
    if (!entry.hard_link.empty()) return add_link(entry, parent, last);
    if (!is_file_type(entry.mode)) return Error::posix(EINVAL, "of an unknown type");
    MEMORIA_TRY(const auto ino, make(entry, parent, last));
    ++files_;
    if (S_ISDIR(entry.mode)) return finish_later(ino, entry);
    if (!S_ISREG(entry.mode)) return set_attributes(ino, entry);
    current_ = ino;
    current_entry_ = entry;
    current_end_ = 0;
    return ok();
  }

  Status check_not_reserved(const std::vector<std::string_view>& names) const {
    if (!into_root_ || names.front() != kSnapshotsName) return ok();
    return Error::posix(EINVAL, "a mount shows the snapshots there");
  }

  /// The directory with these names below the top.
  Result<InodeNumber> directory_at(const std::vector<std::string_view>& names, bool make_missing) {
    InodeNumber at = top_;
    for (const auto name : names) {
      auto found = volume_.lookup(at, name);
      if (make_missing && !found.has_value() && found.error().to_errno() == ENOENT) {
        found = volume_.mkdir(at, name, 0755, call_.context.caller);
      }
      if (!found.has_value()) return found.error();
      volume_.forget(found.value().ino, 1);
      if (!S_ISDIR(found.value().mode))
        return Error::posix(ENOTDIR,
                            "below something that is no "
                            "directory");
      at = found.value().ino;
    }
    return at;
  }

  /// In an archive a later entry takes the place of an earlier one; a directory stays.
  Result<InodeNumber> make(const TreeEntry& entry, InodeNumber parent, std::string_view name) {
    const auto found = volume_.lookup(parent, name);
    if (found.has_value()) {
      volume_.forget(found.value().ino, 1);
      const bool is_directory = S_ISDIR(found.value().mode);
      if (is_directory && S_ISDIR(entry.mode)) return found.value().ino;
      if (is_directory) return Error::posix(EISDIR, "a directory of this name came before");
      MEMORIA_TRY(volume_.unlink(parent, name));
    }
    const auto& caller = call_.context.caller;
    auto made = S_ISDIR(entry.mode) ? volume_.mkdir(parent, name, 0700, caller)
                : S_ISLNK(entry.mode)
                    ? volume_.symlink(parent, name, entry.target, caller)
                    : volume_.mknod(parent, name, (entry.mode & S_IFMT) | 0600, entry.rdev, caller);
    if (!made.has_value()) return made.error();
    volume_.forget(made.value().ino, 1);
    return made.value().ino;
  }

  Status add_link(const TreeEntry& entry, InodeNumber parent, std::string_view name) {
    auto names = names_of(entry.hard_link);
    if (names.empty()) return Error::posix(EINVAL, "a link to the top");
    const auto last = names.back();
    names.pop_back();
    const auto directory = directory_at(names, false);
    const auto of =
        directory ? volume_.lookup(directory.value(), last) : Result<Attributes>(directory.error());
    if (!of.has_value()) {
      const int number = of.error().to_errno();
      if (number != ENOENT && number != ENOTDIR) return of.error();
      return Error::posix(ENOENT, "a hard link to something that did not come before");
    }
    volume_.forget(of.value().ino, 1);
    const auto there = volume_.lookup(parent, name);
    if (there.has_value()) {
      volume_.forget(there.value().ino, 1);
      if (there.value().ino == of.value().ino) return ok();
      MEMORIA_TRY(volume_.unlink(parent, name));
    }
    MEMORIA_TRY(const auto made, volume_.link(of.value().ino, parent, name));
    volume_.forget(made.ino, 1);
    ++files_;
    // An archive may bring the contents with any of the names.
    current_ = S_ISREG(made.mode) ? made.ino : 0;
    current_entry_.reset();
    return ok();
  }

  Status write(const TreeFrame& frame) {
    if (current_ == 0) return ok();  // of an entry that was left out
    MEMORIA_TRY(volume_.write(current_, frame.offset, frame.bytes, false));
    bytes_ += frame.bytes.size();
    current_end_ = std::max(current_end_, frame.offset + frame.bytes.size());
    return ok();
  }

  /// Attributes come last: writing changes the times.
  Status finish_current() {
    const auto ino = std::exchange(current_, 0);
    const auto entry = std::exchange(current_entry_, std::nullopt);
    if (ino == 0 || !entry) return ok();
    const auto size = entry->size > current_end_ ? std::optional(entry->size) : std::nullopt;
    auto done = set_attributes(ino, *entry, size);
    if (done.has_value() || !concerns_one_entry(done.error())) return done;
    return remark(entry->path, done.error());
  }

  /// The owner first: changing it takes set-id bits and capabilities away.
  /// `size`: of a file that ends in a hole.
  Status set_attributes(InodeNumber ino, const TreeEntry& entry,
                        std::optional<uint64_t> size = std::nullopt) {
    AttributeChanges owner, rest;
    owner.uid = entry.uid;
    owner.gid = entry.gid;
    if (entry.uid || entry.gid) MEMORIA_TRY(volume_.setattr(ino, owner));
    for (const auto& [name, value] : entry.xattrs) {
      auto set = volume_.setxattr(ino, name, value, 0);
      if (set.has_value()) continue;
      if (!concerns_one_entry(set.error())) return set;
      MEMORIA_TRY(
          remark(entry.path, Error(Errc::kPosix, set.error().system,
                                   fmt::format("attribute {}: {}", name, set.error().describe()))));
    }
    if (!S_ISLNK(entry.mode)) rest.mode = entry.mode & 07777;
    rest.size = size;
    rest.mtime = entry.mtime;
    rest.atime = entry.atime;
    MEMORIA_TRY(volume_.setattr(ino, rest));
    return ok();
  }

  /// What comes into a directory changes its times.
  Status finish_later(InodeNumber ino, const TreeEntry& entry) {
    directories_[ino] = entry;
    return ok();
  }
  Status finish_directories() {
    for (const auto& [ino, entry] : directories_) {
      if (ino != top_) MEMORIA_TRY(set_attributes(ino, entry));
    }
    return ok();
  }
  /// What the source says of its top; nothing else would be known of it.
  Status finish_top(InodeNumber ino) {
    const auto entry = directories_.find(top_);
    return entry == directories_.end() ? Status(ok()) : set_attributes(ino, entry->second);
  }

  Status fill_root() {
    MEMORIA_TRY(place("/"));
    MEMORIA_TRY(finish_top(kRootInode));
    return volume_.sync();
  }

  Status put_in_place(const std::string& path) {
    MEMORIA_TRY(finish_top(top_));
    return place(path);
  }

  Status place(const std::string& path) {
    const auto placed = volume_.place(top_, path);
    return placed ? placed : about(path, worded(call_, placed.error()));
  }

  const Call& call_;
  Volume& volume_;
  bool into_root_ = false;
  InodeNumber top_ = 0;
  InodeNumber current_ = 0;  // whose contents come
  std::optional<TreeEntry> current_entry_;
  uint64_t current_end_ = 0;  // of what was written to it
  std::map<InodeNumber, TreeEntry> directories_;
  uint64_t files_ = 0, bytes_ = 0, remarks_ = 0;
};

}  // namespace

Result<Json> import_tree(const Call& call) {
  const auto path = call.path();
  if (!path) return Error(Errc::kInvalidArgument, "import needs a path");
  if (call.volume == nullptr) {
    return Error(Errc::kNotAStore, fmt::format("{} holds plain keys, not a volume with files",
                                               call.store.describe()));
  }
  return Import(call).run(*path);
}

}  // namespace memoria::control
