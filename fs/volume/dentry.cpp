// SPDX-License-Identifier: MIT
#include "fs/volume/dentry.hpp"

#include <cassert>

#include "core/base/coding.hpp"
#include "fs/volume/errors.hpp"
#include "fs/volume/inode.hpp"

namespace memoria {
namespace {

constexpr uint8_t kVersion = 1;
constexpr int kTypeShift = 12;
static_assert(S_IFMT >> kTypeShift == 0xf);

bool is_possible(const Dentry& e) {
  // The root has no name: a tree with one that leads there has no end.
  return e.ino > kRootInode && e.ino <= kMaxInode && is_file_type(e.type) &&
         (e.type & ~mode_t{S_IFMT}) == 0 && e.cookie >= kFirstCookie && e.cookie < kDamagedCookies;
}

}  // namespace

std::string encode(const Dentry& entry) {
  assert(is_possible(entry));
  std::string out(1, char(kVersion << 4 | entry.type >> kTypeShift));
  append_varint(out, entry.ino);
  append_varint(out, entry.cookie);
  assert(out.size() <= kMaxDentrySize);
  return out;
}

Result<Dentry> decode_dentry(std::string_view bytes) {
  Decoder in(bytes);
  const auto head = in.le<uint8_t>();
  if (in.ok() && head >> 4 != kVersion) {
    return Error(head >> 4 > kVersion ? Errc::kNewerFormat : Errc::kCorrupt, EIO,
                 "a directory entry is of an unknown version");
  }
  Dentry out;
  out.type = mode_t(head & 0xf) << kTypeShift;
  out.ino = in.varint();
  out.cookie = in.varint();
  if (!in.done()) return damaged("a directory entry is cut short or too long");
  if (!is_possible(out)) return damaged("a directory entry is impossible");
  return out;
}

}  // namespace memoria
