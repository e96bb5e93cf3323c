// SPDX-License-Identifier: MIT
#include "fs/volume/acl.hpp"

#include <algorithm>
#include <bit>

#include "core/base/coding.hpp"
#include "fs/volume/errors.hpp"
#include "fs/volume/keys.hpp"

namespace memoria {
namespace {

constexpr uint32_t kVersion = 2;
constexpr size_t kHeader = 4, kEntry = 8;
constexpr uint32_t kNoId = ~uint32_t{0};

bool has_id(uint16_t tag) {
  return tag == Acl::kUser || tag == Acl::kGroup;
}

bool is_tag(uint16_t tag) {
  constexpr uint16_t kAll =
      Acl::kUserObj | Acl::kUser | Acl::kGroupObj | Acl::kGroup | Acl::kMask | Acl::kOther;
  return (tag & ~kAll) == 0 && std::has_single_bit(tag);
}

}  // namespace

bool Acl::is_valid() const {
  uint32_t seen = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto& e = entries[i];
    if ((e.permissions & ~7) != 0) return false;
    if (!has_id(e.tag) && (seen & e.tag) != 0) return false;
    if (i > 0 && entries[i - 1].tag > e.tag) return false;
    seen |= e.tag;
  }
  constexpr uint32_t kBase = kUserObj | kGroupObj | kOther;
  const bool named = (seen & (kUser | kGroup)) != 0;
  return (seen & kBase) == kBase && (!named || (seen & kMask) != 0);
}

size_t Acl::position(uint16_t tag) const {
  const auto it =
      std::find_if(entries.begin(), entries.end(), [tag](const Entry& e) { return e.tag == tag; });
  return size_t(it - entries.begin());
}

size_t Acl::group_class() const {
  const size_t mask = position(kMask);
  return mask < entries.size() ? mask : position(kGroupObj);
}

mode_t Acl::mode() const {
  return mode_t(entries[position(kUserObj)].permissions << 6 |
                entries[group_class()].permissions << 3 | entries[position(kOther)].permissions);
}

void Acl::set_mode(mode_t mode) {
  entries[position(kUserObj)].permissions = uint16_t(mode >> 6 & 7);
  entries[group_class()].permissions = uint16_t(mode >> 3 & 7);
  entries[position(kOther)].permissions = uint16_t(mode & 7);
}

void Acl::restrict_to(mode_t mode) {
  set_mode(this->mode() & mode);
}

std::string encode(const Acl& acl) {
  std::string out;
  append_le(out, kVersion);
  for (const auto& e : acl.entries) {
    append_le(out, e.tag);
    append_le(out, e.permissions);
    append_le(out, has_id(e.tag) ? e.id : kNoId);
  }
  return out;
}

Result<Acl> parse_acl(std::string_view bytes) {
  if (bytes.size() < kHeader) return posix(EINVAL);
  Decoder in(bytes);
  if (in.le<uint32_t>() != kVersion) return posix(EOPNOTSUPP);
  if (bytes.size() % kEntry != kHeader) return posix(EINVAL);
  Acl out;
  out.entries.reserve(bytes.size() / kEntry);
  while (!in.rest().empty()) {
    Acl::Entry e;
    e.tag = in.le<uint16_t>();
    e.permissions = in.le<uint16_t>();
    e.id = in.le<uint32_t>();
    if (!is_tag(e.tag) || (has_id(e.tag) && e.id == kNoId)) return posix(EINVAL);
    out.entries.push_back(e);
  }
  return out;
}

Result<Acl> decode_acl(std::string_view bytes) {
  auto acl = parse_acl(bytes);
  if (!acl.has_value() || !acl.value().is_valid()) return posix(EINVAL);
  return acl;
}

Result<std::optional<Acl>> load_acl(const Store& store, InodeNumber ino, std::string_view name) {
  const Key key(Table::kXattrs, ino, name);
  if (!store.contains(key)) return std::optional<Acl>();
  auto bytes = store.get(key);
  if (!bytes.has_value()) {
    if (bytes.error().code == Errc::kNotFound) return std::optional<Acl>();
    return bytes.error();
  }
  auto acl = decode_acl(bytes.value());
  if (!acl.has_value()) return damaged("an access control list is damaged");
  return std::optional(std::move(acl.value()));
}

Status inherit_acl(const Store& store, Transaction& change, InodeNumber ino, InodeNumber parent,
                   mode_t umask, Inode& inode) {
  if (inode.is_symlink()) return ok();
  MEMORIA_TRY(auto acl, load_acl(store, parent, kDefaultAcl));
  if (!acl) {
    inode.mode &= ~(umask & mode_t{0777});
    return ok();
  }
  if (inode.is_directory()) {
    change.batch().put(Key(Table::kXattrs, ino, kDefaultAcl), change.keep(encode(*acl)));
  }
  acl->restrict_to(inode.mode);
  inode.mode = (inode.mode & ~mode_t{0777}) | acl->mode();
  if (!acl->is_minimal()) {
    change.batch().put(Key(Table::kXattrs, ino, kAccessAcl), change.keep(encode(*acl)));
  }
  return ok();
}

Status copy_access_acl(const Store& store, Transaction& change, InodeNumber from, InodeNumber to) {
  MEMORIA_TRY(const auto acl, load_acl(store, from, kAccessAcl));
  const Key key(Table::kXattrs, to, kAccessAcl);
  if (acl) {
    change.batch().put(key, change.keep(encode(*acl)));
  } else if (store.contains(key)) {
    change.batch().erase(key);
  }
  return ok();
}

Status follow_chmod(const Store& store, Transaction& change, InodeNumber ino, const Inode& inode) {
  MEMORIA_TRY(auto acl, load_acl(store, ino, kAccessAcl));
  if (!acl) return ok();
  acl->set_mode(inode.mode);
  change.batch().put(Key(Table::kXattrs, ino, kAccessAcl), change.keep(encode(*acl)));
  return ok();
}

}  // namespace memoria
