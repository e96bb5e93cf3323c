// SPDX-License-Identifier: MIT
// Requests about extended attributes.
#include <sys/stat.h>

#include <cerrno>
#include <string_view>

#include "fs/binding/groups.hpp"
#include "fs/binding/handlers.hpp"
#include "fs/binding/request.hpp"
#include "fs/volume/acl.hpp"

namespace memoria {
namespace {

/// Without a kernel that enforces ACLs, one that is stored and ignored would be worse than none.
bool is_refused(const Request& request, std::string_view name) {
  return !request.binding().acls && name.starts_with("system.posix_acl_");
}

/// Who gives a file another access list and is not in its group makes no set-group-id program of
/// it: for its own filesystems the kernel sees to that (posix_acl_update_mode(), CVE-2016-7097), to
/// this one it leaves it.
Result<Volume::SetGroupId> set_group_id_after(const Request& request, std::string_view name) {
  using enum Volume::SetGroupId;
  if (name != kAccessAcl) return kKeep;
  MEMORIA_TRY(const Attributes attributes, request.volume().getattr(request.ino()));
  if ((attributes.mode & S_ISGID) == 0) return kKeep;
  return is_in_group(request, attributes.gid) ? kKeep : kDrop;
}

void setxattr(fuse_req_t raw, fuse_ino_t ino, const char* name, const char* value, size_t size,
              int flags) {
  serve_change(raw, "setxattr", ino, [&](Request& request) -> Status {
    if (is_refused(request, name)) return Error::posix(EOPNOTSUPP);
    MEMORIA_TRY(const auto set_group_id, set_group_id_after(request, name));
    MEMORIA_TRY(request.volume().setxattr(request.ino(), name, {value, size}, flags, set_group_id));
    request.reply_ok();
    return ok();
  });
}

/// The two-step protocol: asked with size 0 tells how much there is.
Status reply_sized(Request& request, std::string_view bytes, size_t size) {
  if (size != 0 && bytes.size() > size) return Error::posix(ERANGE);
  if (size == 0) {
    request.reply_xattr_size(bytes.size());
  } else {
    request.reply_bytes(bytes);
  }
  return ok();
}

Status reply_value(Request& request, std::string_view name, size_t size) {
  MEMORIA_TRY(const std::string value, request.volume().getxattr(request.ino(), name));
  return reply_sized(request, value, size);
}

/// The kernel asks for the capability, without room for its value, before write(2) changes a file.
/// In a snapshot it is told that there is one: then it has that removed first, which fails with
/// EROFS, and so does write(2). (Opening for writing cannot fail: nobody is asked. Programs that
/// want the value get the true one.)
Status before_writing(Request& request) {
  if (request.tree() != kVolumeTree) {
    constexpr size_t kLikely = 20;  // bytes
    request.reply_xattr_size(kLikely);
    return ok();
  }
  MEMORIA_TRY(request.begin_writing());
  return reply_value(request, WrittenFiles::kCapability, 0);
}

void getxattr(fuse_req_t raw, fuse_ino_t ino, const char* name, size_t size) {
  serve(raw, "getxattr", ino, [&](Request& request) -> Status {
    if (request.tree() == kSnapshotsTree) return Error::posix(ENODATA);
    if (is_refused(request, name)) return Error::posix(EOPNOTSUPP);
    if (size == 0 && name == WrittenFiles::kCapability) return before_writing(request);
    return reply_value(request, name, size);
  });
}

void listxattr(fuse_req_t raw, fuse_ino_t ino, size_t size) {
  serve(raw, "listxattr", ino, [&](Request& request) -> Status {
    if (request.tree() == kSnapshotsTree) return reply_sized(request, {}, size);
    MEMORIA_TRY(const auto names, request.volume().listxattr(request.ino()));
    std::string joined;
    for (const auto& name : names) {
      // As ext4: its names are for those who could read its values. (Those, the kernel guards.)
      if (request.caller().uid != 0 && name.starts_with("trusted.")) continue;
      joined.append(name).push_back('\0');
    }
    return reply_sized(request, joined, size);
  });
}

void removexattr(fuse_req_t raw, fuse_ino_t ino, const char* name) {
  serve_change(raw, "removexattr", ino, [&](Request& request) -> Status {
    if (is_refused(request, name)) return Error::posix(EOPNOTSUPP);
    MEMORIA_TRY(request.volume().removexattr(request.ino(), name));
    request.reply_ok();
    return ok();
  });
}

}  // namespace

void add_xattr_handlers(fuse_lowlevel_ops& operations) {
  operations.setxattr = setxattr;
  operations.getxattr = getxattr;
  operations.listxattr = listxattr;
  operations.removexattr = removexattr;
}

}  // namespace memoria
