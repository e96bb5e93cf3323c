// SPDX-License-Identifier: MIT
// get, put, rm and locate of files in the volume.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <span>

#include "fs/control/byte_text.hpp"
#include "fs/control/commands.hpp"
#include "fs/control/file_errors.hpp"
#include "fs/control/key_text.hpp"
#include "fs/volume/keys.hpp"

namespace memoria::control {
namespace {

Status must_be_regular(Volume& volume, const Attributes& attributes) {
  if (S_ISREG(attributes.mode)) return ok();
  if (S_ISDIR(attributes.mode)) return Error::posix(EISDIR, "is a directory");
  if (!S_ISLNK(attributes.mode)) return Error::posix(EINVAL, "is not a regular file");
  MEMORIA_TRY(const auto target, volume.readlink(attributes.ino));
  return Error::posix(EINVAL,
                      fmt::format("is a symbolic link to {}: name that", printable(target)));
}

/// Of a file that is to be made, only the directory can be missing.
Error cannot_put(const Call& call, const std::string& path, const Error& error) {
  if (error.to_errno() == EISDIR && path.ends_with('/')) {
    return Error::posix(EISDIR, "the slash at its end stands for a directory: leave it out");
  }
  if (error.to_errno() != ENOENT) return worded(call, error);
  return {Errc::kNotFound,
          fmt::format("its directory is not there, in the volume {}", call.store.describe())};
}

/// Keeps a file's contents readable although its name may go.
class HeldFile {
 public:
  /// ENOENT: the file has just been removed.
  static Result<HeldFile> hold(Volume& volume, InodeNumber ino) {
    volume.hold(ino);
    HeldFile held(volume, ino);
    MEMORIA_TRY(volume.getattr(ino));
    return held;
  }
  HeldFile(HeldFile&& other) noexcept
      : volume_(std::exchange(other.volume_, nullptr)), ino_(other.ino_) {}
  HeldFile& operator=(HeldFile&&) = delete;
  ~HeldFile() {
    if (volume_ != nullptr) volume_->forget(ino_, 1);
  }

 private:
  HeldFile(Volume& volume, InodeNumber ino) : volume_(&volume), ino_(ino) {}
  Volume* volume_;
  InodeNumber ino_;
};

constexpr uint64_t kNoEnd = std::numeric_limits<uint64_t>::max();

/// From one place of a file on: data, or a hole.
struct Stretch {
  uint64_t end = kNoEnd;
  bool is_hole = false;
};

/// What is wrong there, reading tells: so that counts as data, as what is behind the end.
Stretch stretch_at(Volume& volume, InodeNumber ino, uint64_t offset) {
  const auto data = volume.seek(ino, offset, SEEK_DATA);
  if (data && data.value() > offset) return {data.value(), true};
  if (data) {
    const auto hole = volume.seek(ino, offset, SEEK_HOLE);
    // It may have been punched meanwhile.
    return hole && hole.value() > offset ? Stretch{hole.value()} : Stretch{};
  }
  const auto file = volume.getattr(ino);
  const bool is_hole = data.error().to_errno() == ENXIO && file && file.value().size > offset;
  return is_hole ? Stretch{file.value().size, true} : Stretch{};
}

/// Adds the key to the result and its extents to the list; nothing when there is no such key.
Status locate_part(const Call& call, std::string_view of, std::string_view key, Json& keys) {
  const auto info = call.store.info(key);
  if (!info) return ok();
  MEMORIA_TRY(const auto extents, call.store.locate(key));
  for (const auto& extent : extents) MEMORIA_TRY(call.sink.item(extent_item(extent, of)));
  keys.push_back({{"of", of},
                  {"key", describe_volume_key(key)},
                  {"key_hex", to_hex(key)},
                  {"size", info->size},
                  {"allocated", info->allocated},
                  {"time", iso_time(int64_t(info->timestamp))}});
  return ok();
}

}  // namespace

Result<Json> get_file(const Call& call, const std::string& path) {
  auto& volume = *call.volume;
  MEMORIA_TRY(const auto file, worded(call, volume.resolve(path)));
  MEMORIA_TRY(must_be_regular(volume, file));
  MEMORIA_TRY(const auto held, worded(call, HeldFile::hold(volume, file.ino)));
  MEMORIA_TRY(const bool with_holes, call.flag("holes"));
  std::string piece(kPieceSize, '\0');
  uint64_t offset = 0;
  for (Stretch now{with_holes ? 0 : kNoEnd};;) {
    if (offset == now.end) now = stretch_at(volume, file.ino, offset);
    if (now.is_hole) {
      MEMORIA_TRY(call.sink.hole(now.end - offset));
      offset = now.end;
    } else {
      const auto length = std::min<uint64_t>(now.end - offset, piece.size());
      MEMORIA_TRY(const size_t got,
                  volume.read(file.ino, offset, std::span(piece).first(size_t(length))));
      if (got == 0) break;
      MEMORIA_TRY(call.sink.data(std::string_view(piece).substr(0, got)));
      offset += got;
    }
    MEMORIA_TRY(call.report("get", offset, file.size));
  }
  return Json{{"size", offset}};
}

Result<Json> put_file(const Call& call, const std::string& path) {
  MEMORIA_TRY(const double total, call.number("size", 0));
  if (!(total >= 0 && total < 1e18)) {
    return Error(Errc::kInvalidArgument, "\"size\" must be a size in bytes");
  }
  MEMORIA_TRY(const double umask, call.number("umask", 022));
  if (!(umask >= 0 && umask <= 0777)) {
    return Error(Errc::kInvalidArgument, "\"umask\" must be permission bits");
  }
  if (const auto old = call.volume->resolve(path)) {  // has the words for it
    MEMORIA_TRY(must_be_regular(*call.volume, old.value()));
  }
  auto caller = call.context.caller;
  caller.umask = mode_t(umask);
  auto replaced = call.volume->replace(path, caller, 0666);
  if (!replaced) return cannot_put(call, path, replaced.error());
  const auto writer = std::move(replaced).value();
  std::string piece(kPieceSize, '\0');
  uint64_t size = 0;
  for (;;) {
    MEMORIA_TRY(const size_t got, call.source.read(piece));
    if (got == 0) break;
    MEMORIA_TRY(writer->write(std::string_view(piece).substr(0, got)));
    size += got;
    MEMORIA_TRY(call.report("put", size, uint64_t(total)));
  }
  MEMORIA_TRY(worded(call, writer->commit()));
  return Json{{"size", size}};
}

Result<Json> remove_file(const Call& call, const std::string& path) {
  MEMORIA_TRY(worded(call, call.volume->remove(path)));
  return Json::object();
}

Result<Json> locate_file(const Call& call, const std::string& path) {
  MEMORIA_TRY(const auto file, worded(call, call.volume->resolve(path)));
  auto keys = Json::array();
  MEMORIA_TRY(locate_part(call, "contents", Volume::content_key(file.ino), keys));
  MEMORIA_TRY(locate_part(call, "inode", Key(Table::kInodes, file.ino), keys));
  return Json{{"inode", file.ino}, {"size", file.size}, {"keys", keys}};
}

}  // namespace memoria::control
