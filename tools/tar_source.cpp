// SPDX-License-Identifier: MIT
#include "tools/tar_source.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "fs/control/byte_text.hpp"
#include "fs/volume/acl.hpp"

namespace memoria::ctl {
namespace {

constexpr size_t kPieceSize = 256 << 10, kTarBlock = 512;

std::string text(const char* s) {
  return s != nullptr ? s : "";
}

/// "/a" and "./a" are "a".
std::string relative(std::string path) {
  size_t begin = 0;
  for (const std::string_view all = path;;) {
    const auto rest = all.substr(begin);
    if (!rest.starts_with('/') && !rest.starts_with("./")) break;
    begin += rest.front() == '/' ? 1 : 2;
  }
  path.erase(0, begin);
  return path == "." ? "" : path;
}

/// The name of an attribute, in which GNU tar and libarchive write "=" and "%", and libarchive what
/// is not ASCII, too, as "%" and two hexadecimal digits.
std::string unescaped(std::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    const auto byte = name[i] == '%' ? from_hex(name.substr(i + 1, 2)).value_or("") : std::string();
    if (byte.size() == 1) i += 2;
    out += byte.size() == 1 ? byte[0] : name[i];
  }
  return out;
}

}  // namespace

la_ssize_t TarSource::read_input(archive* reader, void* self, const void** bytes) {
  auto& source = *static_cast<TarSource*>(self);
  const auto got = source.input_.read(source.piece_);
  *bytes = source.piece_.data();
  if (got) {
    const size_t last = std::min(got.value(), kTarBlock);
    source.tail_.append(source.piece_, got.value() - last, last);
    source.tail_.erase(0, source.tail_.size() - std::min(source.tail_.size(), kTarBlock));
    source.input_ended_ = got.value() == 0;
    return la_ssize_t(got.value());
  }
  source.broken_ = got.error();
  archive_set_error(reader, EIO, "cannot read");
  return -1;
}

Error TarSource::failure() {
  if (broken_) return *broken_;
  const char* reason = archive_error_string(reader_.get());
  return {Errc::kCorrupt,
          fmt::format("{} is no intact tar archive ({}), and nothing was imported; `tar -t` shows "
                      "what can be read of it",
                      name_, reason != nullptr ? reason : "damaged")};
}

Result<std::unique_ptr<TarSource>> TarSource::open(Source& input, std::string name,
                                                   Remarks remarks) {
  std::unique_ptr<TarSource> out(new TarSource(input, std::move(name), std::move(remarks)));
  out->piece_.resize(kPieceSize);
  auto* reader = archive_read_new();
  out->reader_.reset(reader);
  archive_read_support_filter_all(reader);
  archive_read_support_format_tar(reader);
  if (archive_read_open(reader, out.get(), nullptr, read_input, nullptr) != ARCHIVE_OK) {
    return out->failure();
  }
  return out;
}

Result<TreeEntry> TarSource::entry_of(archive_entry* e) {
  TreeEntry out;
  out.path = relative(text(archive_entry_pathname(e)));
  out.mode = archive_entry_mode(e);
  out.uid = uid_t(archive_entry_uid(e));
  out.gid = gid_t(archive_entry_gid(e));
  if (S_ISCHR(out.mode) || S_ISBLK(out.mode)) out.rdev = archive_entry_rdev(e);
  out.target = text(archive_entry_symlink(e));
  if (archive_entry_hardlink(e) != nullptr) {
    out.hard_link = relative(text(archive_entry_hardlink(e)));
  }
  if (archive_entry_size_is_set(e) != 0) out.size = uint64_t(archive_entry_size(e));
  const auto time = [](time_t seconds, long ns) { return to_time_ns({seconds, ns}); };
  if (archive_entry_mtime_is_set(e) != 0) {
    out.mtime = time(archive_entry_mtime(e), archive_entry_mtime_nsec(e));
  }
  if (archive_entry_atime_is_set(e) != 0) {
    out.atime = time(archive_entry_atime(e), archive_entry_atime_nsec(e));
  }
  archive_entry_xattr_reset(e);
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK) {
    out.xattrs.emplace_back(unescaped(text(name)),
                            std::string(static_cast<const char*>(value), size));
  }
  MEMORIA_TRY(const auto access, take_acl(e, kAccessAcl, out));
  // Libarchive makes the mode out of the base entries, so that its group bits are not the mask.
  if (access && access->is_valid()) out.mode = (out.mode & ~mode_t{0777}) | access->mode();
  MEMORIA_TRY(take_acl(e, kDefaultAcl, out));
  return out;
}

/// The list of this name goes to the attributes; what of it cannot go along is told.
Result<std::optional<Acl>> TarSource::take_acl(archive_entry* e, std::string_view name,
                                               TreeEntry& out) {
  const int type =
      name == kAccessAcl ? ARCHIVE_ENTRY_ACL_TYPE_ACCESS : ARCHIVE_ENTRY_ACL_TYPE_DEFAULT;
  auto found = acl_of(e, type, accounts_);
  if (!found) return std::optional<Acl>();
  for (const auto& who : found->unknown) {
    MEMORIA_TRY(remarks_(
        out.path,
        fmt::format("unknown {}: left out of its {} list; make one of that name and import "
                    "again, or give the rights to another with setfacl",
                    who, name == kAccessAcl ? "access" : "default")));
  }
  if (found->may_lack_others) {
    MEMORIA_TRY(remarks_(
        out.path,
        fmt::format("its {} list names a number above 2147483647: of several only the last "
                    "could be read; compare it with that of the original",
                    name == kAccessAcl ? "access" : "default")));
  }
  out.xattrs.emplace_back(name, memoria::encode(found->acl));
  return std::optional(std::move(found->acl));
}

/// An archive ends with blocks of zeros; libarchive does without. (When it is compressed, the
/// compression tells of an end that is missing.)
bool TarSource::lacks_end() const {
  const bool plain = archive_filter_code(reader_.get(), 0) == ARCHIVE_FILTER_NONE;
  return plain && input_ended_ && tail_.find_first_not_of('\0') != tail_.npos;
}

/// The next frame goes to ready_.
Status TarSource::produce() {
  if (in_file_) {
    const void* bytes = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    const int rc = archive_read_data_block(reader_.get(), &bytes, &size, &offset);
    if (rc == ARCHIVE_EOF) {
      in_file_ = false;
      return ok();
    }
    if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) return failure();
    if (size > 0) {
      ready_ = encode_tree_data(uint64_t(offset), {static_cast<const char*>(bytes), size});
    }
    return ok();
  }
  archive_entry* e = nullptr;
  const int rc = archive_read_next_header(reader_.get(), &e);
  if (rc == ARCHIVE_EOF) {
    if (lacks_end()) {
      MEMORIA_TRY(remarks_(name_, "the archive has no end: what was behind may have been cut off"));
    }
    ready_ = encode_tree_end();
    ended_ = true;
    return ok();
  }
  if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) return failure();
  MEMORIA_TRY(const auto entry, entry_of(e));
  ready_ = memoria::encode(entry);
  in_file_ = true;
  return ok();
}

Result<size_t> TarSource::read(std::span<char> out) {
  while (taken_ == ready_.size()) {
    if (ended_) return size_t{0};
    ready_.clear();
    taken_ = 0;
    MEMORIA_TRY(produce());
  }
  const size_t n = ready_.copy(out.data(), out.size(), taken_);
  taken_ += n;
  return n;
}

}  // namespace memoria::ctl
