// SPDX-License-Identifier: MIT
// The command `ls` of a directory in the volume.
#include <sys/stat.h>

#include <vector>

#include "fs/control/byte_text.hpp"
#include "fs/control/commands.hpp"
#include "fs/control/file_errors.hpp"

namespace memoria::control {
namespace {

constexpr size_t kEntriesAtOnce = 1024;

Status add_attributes(Volume& volume, InodeNumber ino, Json& item) {
  MEMORIA_TRY(const auto a, volume.getattr(ino));
  item["mode"] = a.mode & 07777;
  item["links"] = a.links;
  item["uid"] = a.uid;
  item["gid"] = a.gid;
  item["size"] = a.size;
  item["blocks"] = a.blocks;
  item["mtime"] = iso_time(a.mtime);
  if (!S_ISLNK(a.mode)) return ok();
  MEMORIA_TRY(const auto target, volume.readlink(ino));
  set_bytes(item, "target", target);
  return ok();
}

Status deliver(const Call& call, const DirectoryEntry& entry, bool with_attributes) {
  Json item = {{"type", type_word(entry.type)}, {"inode", entry.ino}};
  set_bytes(item, "name", entry.name);
  if (with_attributes) {
    const auto added = add_attributes(*call.volume, entry.ino, item);
    // Removed since it was listed: it is as if the listing had come a moment later.
    if (!added && added.error().to_errno() == ENOENT) return ok();
    MEMORIA_TRY(added);
  }
  return call.sink.item(std::move(item));
}

std::string last_name(const std::string& path) {
  const auto end = path.find_last_not_of('/');
  if (end == std::string::npos) return "/";
  const auto slash = path.find_last_of('/', end);
  const auto begin = slash == std::string::npos ? 0 : slash + 1;
  return path.substr(begin, end + 1 - begin);
}

/// Entries are taken in batches, so that nothing else is done inside the volume's scan.
Result<uint64_t> deliver_directory(const Call& call, InodeNumber directory, bool with_attributes) {
  uint64_t cookie = 0, count = 0;
  std::vector<DirectoryEntry> batch;
  do {
    batch.clear();
    MEMORIA_TRY(call.volume->list(directory, cookie, [&](const DirectoryEntry& entry) {
      batch.push_back(entry);
      return batch.size() < kEntriesAtOnce;
    }));
    for (const auto& entry : batch) MEMORIA_TRY(deliver(call, entry, with_attributes));
    if (call.sink.cancelled()) return Error(Errc::kCancelled);
    if (!batch.empty()) cookie = batch.back().cookie;
    count += batch.size();
  } while (batch.size() >= kEntriesAtOnce);
  return count;
}

}  // namespace

std::string_view type_word(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "directory";
    case S_IFLNK:
      return "symlink";
    case S_IFIFO:
      return "fifo";
    case S_IFSOCK:
      return "socket";
    case S_IFCHR:
      return "char-device";
    case S_IFBLK:
      return "block-device";
    default:
      return "unknown";
  }
}

Result<Json> list_directory(const Call& call, const std::string& path) {
  MEMORIA_TRY(const bool with_attributes, call.flag("long"));
  MEMORIA_TRY(const auto attributes, worded(call, call.volume->resolve(path)));
  uint64_t count = 1;
  if (S_ISDIR(attributes.mode)) {
    MEMORIA_TRY(count, deliver_directory(call, attributes.ino, with_attributes));
  } else {
    const DirectoryEntry self{last_name(path), attributes.ino, attributes.mode & S_IFMT, 0};
    MEMORIA_TRY(deliver(call, self, with_attributes));
  }
  return Json{{"count", count}, {"inode", attributes.ino}};
}

}  // namespace memoria::control
