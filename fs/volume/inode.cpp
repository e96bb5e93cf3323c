// SPDX-License-Identifier: MIT
#include "fs/volume/inode.hpp"

#include <cassert>
#include <limits>

#include "core/base/coding.hpp"
#include "fs/volume/errors.hpp"

namespace memoria {
namespace {

constexpr uint8_t kFirstVersion = 1, kVersionWithPlace = 2;

// Version, mode 3, links 5, uid 5, gid 5, rdev 10, flags 5, btime 8, times 30, parent 10, entries
// 10, place 10 never occur all together: a device is no directory.
static_assert(1 + 3 + 5 + 5 + 5 + 10 + 5 + 8 + 30 + 1 + kMaxExtension <= kMaxInodeSize);
static_assert(1 + 3 + 5 + 5 + 5 + 1 + 5 + 8 + 30 + 30 + 1 + kMaxExtension <= kMaxInodeSize);

/// Differences wrap around, so that every pair of times has one.
void append_difference(std::string& out, TimeNs time, TimeNs base) {
  append_varint(out, zigzag(int64_t(uint64_t(time) - uint64_t(base))));
}

TimeNs add(TimeNs base, int64_t difference) {
  return TimeNs(uint64_t(base) + uint64_t(difference));
}

bool fits_32(uint64_t v) {
  return v <= std::numeric_limits<uint32_t>::max();
}

bool is_device(mode_t mode) {
  return S_ISCHR(mode) || S_ISBLK(mode);
}

/// What no inode can be, whatever its bytes say; empty when it can.
std::string_view contradiction(const Inode& inode) {
  if (!is_file_type(inode.mode) || (inode.mode & ~mode_t{S_IFMT | 07777}) != 0)
    return "no such mode";
  if (inode.rdev != 0 && !is_device(inode.mode)) return "a device number without a device";
  if (inode.is_directory() && (inode.parent == 0 || inode.parent > kMaxInode)) {
    return "a directory without a parent";
  }
  if (inode.is_directory() && inode.links < 2) return "a directory with too few links";
  if (!inode.is_directory() && inode.place != 0) return "a place of what is no directory";
  if (inode.extension.size() > kMaxExtension) return "too long an extension";
  return {};
}

}  // namespace

std::string encode(const Inode& inode) {
  assert(contradiction(inode).empty());
  std::string out;
  out.reserve(64);
  out.push_back(char(inode.place == 0 ? kFirstVersion : kVersionWithPlace));
  for (const uint64_t field : {uint64_t{inode.mode}, uint64_t{inode.links}, uint64_t{inode.uid},
                               uint64_t{inode.gid}, inode.rdev, uint64_t{inode.flags}}) {
    append_varint(out, field);
  }
  append_le(out, uint64_t(inode.btime));
  append_difference(out, inode.ctime, inode.btime);
  append_difference(out, inode.mtime, inode.ctime);
  append_difference(out, inode.atime, inode.mtime);
  if (inode.is_directory()) {
    append_varint(out, inode.parent);
    append_varint(out, inode.entries);
    if (inode.place != 0) append_varint(out, inode.place);
  }
  if ((inode.flags & kInodeExtended) != 0) {
    append_varint(out, inode.extension.size());
    out += inode.extension;
  }
  assert(out.size() <= kMaxInodeSize);
  return out;
}

Result<Inode> decode_inode(std::string_view bytes) {
  if (bytes.size() > kMaxInodeSize) return damaged("an inode is too long");
  Decoder in(bytes);
  const auto version = in.le<uint8_t>();
  if (in.ok() && (version < kFirstVersion || version > kVersionWithPlace)) {
    return Error(version > kVersionWithPlace ? Errc::kNewerFormat : Errc::kCorrupt, EIO,
                 "an inode is of an unknown version");
  }
  const auto mode = in.varint(), links = in.varint(), uid = in.varint(), gid = in.varint();
  Inode out;
  out.rdev = in.varint();
  const auto flags = in.varint();
  if (!fits_32(mode) || !fits_32(links) || !fits_32(uid) || !fits_32(gid) || !fits_32(flags)) {
    return damaged("a field of an inode is out of range");
  }
  out.mode = mode_t(mode);
  out.links = uint32_t(links);
  out.uid = uid_t(uid);
  out.gid = gid_t(gid);
  out.flags = uint32_t(flags);
  if ((out.flags & ~kCompatibleFlags) != 0) {
    return Error(Errc::kNewerFormat, EIO, "an inode uses what only a newer version knows");
  }
  out.btime = TimeNs(in.le<uint64_t>());
  out.ctime = add(out.btime, in.signed_varint());
  out.mtime = add(out.ctime, in.signed_varint());
  out.atime = add(out.mtime, in.signed_varint());
  if (out.is_directory()) {
    out.parent = in.varint();
    out.entries = in.varint();
    if (version == kVersionWithPlace) out.place = in.varint();
  }
  if ((out.flags & kInodeExtended) != 0) out.extension = in.bytes(in.varint());
  if (!in.done()) return damaged("an inode is cut short or too long");
  if ((version == kVersionWithPlace) != (out.place != 0)) {
    return damaged("an inode is of another version than it says");
  }
  if (const auto what = contradiction(out); !what.empty()) {
    return damaged("an inode is impossible: " + std::string(what));
  }
  return out;
}

}  // namespace memoria
