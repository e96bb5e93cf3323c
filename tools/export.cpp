// SPDX-License-Identifier: MIT
// `export`: a moment of the volume as a tar archive in pax format.
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fs/control/byte_text.hpp"
#include "fs/control/key_text.hpp"
#include "fs/control/service.hpp"
#include "fs/volume/acl.hpp"
#include "tools/carry.hpp"
#include "tools/moment.hpp"
#include "tools/tar_acl.hpp"
#include "tools/tar_writer.hpp"
#include "tools/target.hpp"
#include "tools/value_files.hpp"

namespace memoria::ctl {
namespace {

constexpr size_t kPieceSize = 256 << 10;
constexpr uint64_t kUnit = 4096;  // what is damaged is zeros in units of this

/// Bytes of the files below a directory, holes and further names included, which are gone through
/// as well; 0 when damage is in the way.
Result<uint64_t> bytes_below(const Carrying& context, Volume& volume, const std::string& path) {
  struct Counting final : Sink, Source {
    explicit Counting(Sink& sink) : to(sink) {}
    bool cancelled() override { return to.cancelled(); }
    void progress(const Progress& progress) override { to.progress(progress); }
    Status item(Json) override { return ok(); }
    Status data(std::string_view) override { return ok(); }
    Result<size_t> read(std::span<char>) override { return size_t{0}; }
    Sink& to;
  } counting(context.sink);
  Json request = {{"command", "count"}};
  set_bytes(request, "path", path.ends_with('/') ? path : path + "/");
  ControlService service(volume.store(), &volume, {this_user(), false});
  const auto counted = service.execute(request, counting, counting);
  if (counted) return counted.value()["bytes"].get<uint64_t>();
  if (counted.error().code == Errc::kCancelled) return counted.error();
  return uint64_t{0};
}

class TarExport {
 public:
  struct Aim {
    ValueOutput& output;
    uint64_t total = 0;  ///< bytes_below() what is exported
    std::string own;     ///< what is there of the archive itself, from an earlier time: left out
  };
  TarExport(const Carrying& context, Volume& volume, const Aim& aim)
      : context_(context), volume_(volume), aim_(aim) {}

  /// `path`: of the top, in the volume.
  Result<Json> run(const Attributes& top, const std::string& path) {
    top_path_ = path.ends_with('/') ? path : path + "/";
    MEMORIA_TRY(archive_, TarWriter::open([this](auto bytes) { return aim_.output.write(bytes); }));
    MEMORIA_TRY(add(top, "./"));
    files_ = 0;  // an import does not count it, either
    MEMORIA_TRY(add_directory(top.ino, ""));
    MEMORIA_TRY(archive_->finish());
    return Json{{"files", files_}, {"bytes", bytes_}, {"clean", remarks_ == 0}};
  }

 private:
  /// All of a directory comes before what is beside it: tar sets its times when it leaves it.
  Status add_directory(InodeNumber directory, const std::string& path) {
    std::vector<DirectoryEntry> entries;
    MEMORIA_TRY(volume_.list(directory, 0, [&](const DirectoryEntry& entry) {
      entries.push_back(entry);
      return true;
    }));
    for (const auto& entry : entries) {
      const auto below = path + entry.name;
      const auto found = volume_.lookup(directory, entry.name);
      if (!found) {
        MEMORIA_TRY(remark(below, found.error().describe()));
        continue;
      }
      const auto& attributes = found.value();
      volume_.forget(attributes.ino, 1);
      const bool is_directory = S_ISDIR(attributes.mode);
      if (S_ISSOCK(attributes.mode)) {
        --remarks_;  // worth a word, but no damage
        MEMORIA_TRY(remark(below, "a socket: an archive cannot hold it"));
        continue;
      }
      if (top_path_ + below == aim_.own) {
        --remarks_;
        MEMORIA_TRY(remark(below, "left out: it is the archive that is written"));
        MEMORIA_TRY(tell(attributes.size));
        continue;
      }
      MEMORIA_TRY(add(attributes, is_directory ? below + "/" : below));
      if (is_directory) MEMORIA_TRY(add_directory(attributes.ino, below + "/"));
    }
    return ok();
  }

  Status add(const Attributes& file, const std::string& path) {
    const ArchiveEntry entry(archive_entry_new());
    auto* e = entry.get();
    archive_entry_set_pathname(e, path.c_str());
    archive_entry_set_mode(e, file.mode);
    archive_entry_set_uid(e, file.uid);
    archive_entry_set_gid(e, file.gid);
    archive_entry_set_nlink(e, file.links);
    set_times(e, file);
    if (S_ISCHR(file.mode) || S_ISBLK(file.mode)) archive_entry_set_rdev(e, dev_t(file.rdev));
    archive_entry_set_size(e, S_ISREG(file.mode) ? la_int64_t(file.size) : 0);
    if (S_ISLNK(file.mode)) {
      const auto target = volume_.readlink(file.ino);
      if (!target) return remark(path, target.error().describe());
      archive_entry_set_symlink(e, target.value().c_str());
    }
    ++files_;
    if (!S_ISDIR(file.mode) && file.links > 1) {
      const auto [first, is_first] = linked_.try_emplace(file.ino, path);
      if (!is_first) {
        archive_entry_set_hardlink(e, first->second.c_str());
        archive_entry_unset_size(e);
        if (S_ISREG(file.mode)) MEMORIA_TRY(tell(file.size));
        return archive_->begin(e, file.mode);
      }
    }
    MEMORIA_TRY(add_attributes(e, file.ino, path));
    if (!S_ISREG(file.mode)) return archive_->begin(e, file.mode);
    MEMORIA_TRY(const auto parts, data_parts(file));
    const bool sparse = parts.size() != 1 || parts[0] != Part{0, file.size};
    if (sparse && file.size > 0) {
      for (const auto& [offset, length] : parts) {
        archive_entry_sparse_add_entry(e, la_int64_t(offset), la_int64_t(length));
      }
      if (parts.empty()) archive_entry_sparse_add_entry(e, la_int64_t(file.size), 0);
    }
    MEMORIA_TRY(archive_->begin(e, file.mode));
    return write_contents(file, path, parts);
  }

  static void set_times(archive_entry* e, const Attributes& file) {
    const auto m = to_timespec(file.mtime), a = to_timespec(file.atime),
               c = to_timespec(file.ctime);
    archive_entry_set_mtime(e, m.tv_sec, m.tv_nsec);
    archive_entry_set_atime(e, a.tv_sec, a.tv_nsec);
    archive_entry_set_ctime(e, c.tv_sec, c.tv_nsec);
  }

  Status add_attributes(archive_entry* e, InodeNumber ino, const std::string& path) {
    MEMORIA_TRY(const auto names, volume_.listxattr(ino));
    for (const auto& name : names) {
      const auto value = volume_.getxattr(ino, name);
      if (!value) {
        MEMORIA_TRY(remark(path, fmt::format("attribute {}: {}", name, value.error().describe())));
      } else if (name == kAccessAcl || name == kDefaultAcl) {
        const auto acl = decode_acl(value.value());
        if (!acl) continue;  // none that a kernel would take either
        add_acl(e,
                name == kAccessAcl ? ARCHIVE_ENTRY_ACL_TYPE_ACCESS : ARCHIVE_ENTRY_ACL_TYPE_DEFAULT,
                acl.value());
      } else {
        archive_entry_xattr_add_entry(e, name.c_str(), value.value().data(), value.value().size());
      }
    }
    return ok();
  }

  using Part = std::pair<uint64_t, uint64_t>;  // offset and length

  /// Where the file is not a hole.
  Result<std::vector<Part>> data_parts(const Attributes& file) {
    std::vector<Part> parts;
    for (uint64_t at = 0; at < file.size;) {
      const auto data = volume_.seek(file.ino, at, SEEK_DATA);
      if (!data && data.error().to_errno() == ENXIO) break;
      if (!data) return data.error();
      MEMORIA_TRY(const uint64_t end, volume_.seek(file.ino, data.value(), SEEK_HOLE));
      parts.emplace_back(data.value(), end - data.value());
      at = end;
    }
    return parts;
  }

  /// All of the file in order: libarchive leaves the holes out.
  Status write_contents(const Attributes& file, const std::string& path,
                        const std::vector<Part>& parts) {
    uint64_t at = 0;
    for (const auto& [offset, length] : parts) {
      MEMORIA_TRY(pass_hole(offset - at));
      MEMORIA_TRY(write_range(file, path, offset, offset + length));
      at = offset + length;
    }
    return pass_hole(file.size - at);
  }

  Status pass_hole(uint64_t length) {
    return archive_->hole(length, [this](uint64_t passed) { return tell(passed); });
  }

  Status write_range(const Attributes& file, const std::string& path, uint64_t begin,
                     uint64_t end) {
    std::string piece;
    for (uint64_t at = begin; at < end;) {
      piece.assign(size_t(std::min<uint64_t>(kPieceSize, end - at)), '\0');
      const auto got = volume_.read(file.ino, at, piece);
      if (!got) MEMORIA_TRY(read_in_units(file, path, at, piece));
      MEMORIA_TRY(archive_->data(piece));
      at += piece.size();
      bytes_ += piece.size();
      MEMORIA_TRY(tell(piece.size()));
    }
    return ok();
  }

  /// What cannot be read is zeros, and told.
  Status read_in_units(const Attributes& file, const std::string& path, uint64_t offset,
                       std::span<char> out) {
    uint64_t first = offset, end = offset;  // of what is lost, so far
    std::string reason;
    const auto tell_lost = [&]() -> Status {
      if (first == end) return ok();
      return remark(
          path, fmt::format("bytes {} to {} cannot be read and are zeros in the archive: {}", first,
                            end - 1, reason));
    };
    for (size_t at = 0; at < out.size(); at += kUnit) {
      const auto unit = out.subspan(at, std::min<size_t>(kUnit, out.size() - at));
      const auto got = volume_.read(file.ino, offset + at, unit);
      if (got) continue;
      std::fill(unit.begin(), unit.end(), '\0');
      if (offset + at != end) {
        MEMORIA_TRY(tell_lost());
        first = offset + at;
      }
      end = offset + at + unit.size();
      reason = got.error().describe();
    }
    return tell_lost();
  }

  Status tell(uint64_t written) {
    passed_ += written;
    context_.sink.progress({"export", passed_, aim_.total});
    if (context_.sink.cancelled()) return Error(Errc::kCancelled);
    return ok();
  }

  Status remark(const std::string& path, const std::string& detail) {
    ++remarks_;
    Json item = {{"detail", detail}};
    set_bytes(item, "path", path);
    return context_.sink.item(std::move(item));
  }

  const Carrying& context_;
  Volume& volume_;
  std::unique_ptr<TarWriter> archive_;
  std::map<InodeNumber, std::string> linked_;  // the first name of files with several
  uint64_t files_ = 0, bytes_ = 0, remarks_ = 0;
  const Aim aim_;
  std::string top_path_;  // with "/" at its end
  uint64_t passed_ = 0;   // of the total
};

/// The present, or the snapshot that is asked for.
Result<Moment> moment_of(const Carrying& context) {
  const auto& line = context.line;
  if (line.snapshot.empty()) {
    return Moment::take(line.target, context.logger, late(progress_of(context.sink)));
  }
  MEMORIA_TRY(const auto mounts, read_mounts());
  MEMORIA_TRY(const auto target, find_target(line.target, mounts));
  context.reached = true;  // what is missing from here on is not the target
  return Moment::of_snapshot(target, line.snapshot);
}

/// The directory that becomes the top of the archive.
Result<Attributes> find_top(Volume& volume, const std::string& path, const Moment& moment) {
  auto top = volume.resolve(path);
  const int reason = top ? 0 : top.error().to_errno();
  if (reason == ENOENT || reason == ENOTDIR) {
    return Error(Errc::kNotFound, fmt::format("there is no directory {} in the volume {}",
                                              printable(path), moment.target().data_directory));
  }
  if (!top) return Error(top.error().code, reason, printable(path) + ": " + top.error().describe());
  if (S_ISDIR(top.value().mode)) return top;
  return Error(
      Errc::kInvalidArgument,
      fmt::format("{} is not a directory: name one, or write the file with memoria-ctl get",
                  printable(path)));
}

/// Where the archive will be in the volume that is exported; "": elsewhere.
std::string place_of_output(const std::string& output, const Target& exported) {
  if (output.empty()) return "";
  const auto mounts = read_mounts();
  if (!mounts) return "";
  const auto found = find_target(output, mounts.value(), true);
  if (!found || !found.value().in_mount) return "";
  return found.value().data_directory == exported.data_directory ? found.value().inside : "";
}

}  // namespace

Result<Json> run_export(const Carrying& context) {
  const auto& line = context.line;
  if (line.output.empty() && context.streams.out_is_terminal) {
    return Error(Errc::kInvalidArgument,
                 "an archive is nothing for a terminal: redirect it, or use --output FILE");
  }
  MEMORIA_TRY(const auto moment, moment_of(context));
  context.reached = true;
  // Not before: in the volume itself it would be part of the moment.
  MEMORIA_TRY(auto output, ValueOutput::open(line.output, context.streams));
  MEMORIA_TRY(auto store,
              open_read_only(moment.frozen(), context.logger, late(progress_of(context.sink))));
  if (!holds_volume(*store)) {
    return Error(Errc::kNotAStore,
                 fmt::format("{} holds plain keys, not a volume with files", line.target));
  }
  MEMORIA_TRY(const auto volume, Volume::open(std::move(store), this_user()));
  const auto path = path_in_volume(moment.target(), line.name).value_or("/");
  MEMORIA_TRY(const auto top, find_top(*volume, path, moment));
  MEMORIA_TRY(const auto total, bytes_below(context, *volume, path));
  const auto own = line.snapshot.empty() ? place_of_output(line.output, moment.target()) : "";
  MEMORIA_TRY(auto done, TarExport(context, *volume, {output, total, own}).run(top, path));
  MEMORIA_TRY(output.commit());
  done["to_stdout"] = output.is_standard();
  return done;
}

}  // namespace memoria::ctl
