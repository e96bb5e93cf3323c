// SPDX-License-Identifier: MIT
#include "fs/volume/superblock.hpp"

#include <algorithm>

#include "core/base/coding.hpp"
#include "fs/volume/dentry.hpp"
#include "fs/volume/errors.hpp"
#include "fs/volume/keys.hpp"

namespace memoria {
namespace {

constexpr std::string_view kMagic = "MEMOVOL";
constexpr uint8_t kVersion = 1;

}  // namespace

std::string encode(const Superblock& superblock) {
  std::string out(kMagic);
  out.push_back(char(kVersion));
  out.append(superblock.uuid.begin(), superblock.uuid.end());
  append_varint(out, superblock.next_inode);
  append_varint(out, superblock.next_cookie);
  append_varint(out, superblock.files ? *superblock.files + 1 : 0);
  return out;
}

bool holds_volume(const Store& store) {
  return store.contains(Key(Table::kSuperblock)) || store.contains(Key(Table::kInodes, kRootInode));
}

Result<Superblock> decode_superblock(std::string_view bytes) {
  Decoder in(bytes);
  if (in.bytes(kMagic.size()) != kMagic) {
    return Error(Errc::kNotAStore, "the store holds keys, but no volume");
  }
  if (const auto version = in.le<uint8_t>(); in.ok() && version != kVersion) {
    return Error(version > kVersion ? Errc::kNewerFormat : Errc::kCorrupt,
                 "the volume was written by a newer Memoria: use that version to open it");
  }
  Superblock out;
  const auto uuid = in.bytes(out.uuid.size());
  std::copy(uuid.begin(), uuid.end(), out.uuid.begin());
  out.next_inode = in.varint();
  out.next_cookie = in.varint();
  if (const auto files = in.varint(); files != 0) out.files = files - 1;
  if (!in.done() || out.next_inode <= kRootInode || out.next_inode > kMaxInode ||
      out.next_cookie < kFirstCookie || out.next_cookie >= kDamagedCookies) {
    return damaged("the superblock of the volume is damaged");
  }
  return out;
}

}  // namespace memoria
