// SPDX-License-Identifier: MIT
#include "tools/tar_acl.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace memoria::ctl {
namespace {

/// What a tag is here and to libarchive.
constexpr std::array<std::pair<Acl::Tag, int>, 6> kTags{{
    {Acl::kUserObj, ARCHIVE_ENTRY_ACL_USER_OBJ},
    {Acl::kUser, ARCHIVE_ENTRY_ACL_USER},
    {Acl::kGroupObj, ARCHIVE_ENTRY_ACL_GROUP_OBJ},
    {Acl::kGroup, ARCHIVE_ENTRY_ACL_GROUP},
    {Acl::kMask, ARCHIVE_ENTRY_ACL_MASK},
    {Acl::kOther, ARCHIVE_ENTRY_ACL_OTHER},
}};

uint16_t tag_from(int archived) {
  for (const auto& [tag, theirs] : kTags) {
    if (theirs == archived) return tag;
  }
  return Acl::kOther;
}

int tag_to(uint16_t tag) {
  for (const auto& [ours, archived] : kTags) {
    if (ours == tag) return archived;
  }
  return ARCHIVE_ENTRY_ACL_OTHER;
}

constexpr size_t kFirstBuffer = 1024, kMostBuffer = 1 << 20;

/// getpwnam_r() or getgrnam_r(), with as large a buffer as it takes.
template <class Account, class Find>
std::optional<Account> look_up(Find find, const std::string& name, std::vector<char>& buffer) {
  Account account{};
  Account* found = nullptr;
  for (buffer.resize(kFirstBuffer); buffer.size() <= kMostBuffer;
       buffer.resize(2 * buffer.size())) {
    const int rc = find(name.c_str(), &account, buffer.data(), buffer.size(), &found);
    if (rc == EINTR) continue;
    if (rc != ERANGE) break;
  }
  return found != nullptr ? std::optional(account) : std::nullopt;
}

/// Whom an entry is for; nothing when nobody here is it.
std::optional<uint32_t> id_of(bool is_user, const char* name, int id, Accounts& accounts) {
  if (name != nullptr && *name != '\0') {
    const auto found = is_user ? accounts.user(name) : accounts.group(name);
    if (found) return *found;
  }
  return id >= 0 ? std::optional(uint32_t(id)) : std::nullopt;
}

}  // namespace

std::optional<uid_t> Accounts::user(const std::string& name) {
  const auto [known, is_new] = users_.try_emplace(name);
  if (is_new) {
    std::vector<char> buffer;
    if (const auto found = look_up<passwd>(::getpwnam_r, name, buffer))
      known->second = found->pw_uid;
  }
  return known->second;
}

std::optional<gid_t> Accounts::group(const std::string& name) {
  const auto [known, is_new] = groups_.try_emplace(name);
  if (is_new) {
    std::vector<char> buffer;
    if (const auto found = look_up<::group>(::getgrnam_r, name, buffer)) {
      known->second = found->gr_gid;
    }
  }
  return known->second;
}

std::optional<ArchivedAcl> acl_of(archive_entry* e, int type, Accounts& accounts) {
  if (archive_entry_acl_reset(e, type) == 0) return std::nullopt;
  ArchivedAcl out;
  int kind = 0, permissions = 0, archived = 0, id = 0;
  const char* name = nullptr;
  while (archive_entry_acl_next(e, type, &kind, &permissions, &archived, &id, &name) ==
         ARCHIVE_OK) {
    const auto tag = tag_from(archived);
    Acl::Entry entry{tag, uint16_t(permissions & 7), 0};
    if (tag == Acl::kUser || tag == Acl::kGroup) {
      const bool is_user = tag == Acl::kUser;
      const auto found = id_of(is_user, name, id, accounts);
      if (!found) {
        out.unknown.push_back(
            fmt::format("{} \"{}\"", is_user ? "user" : "group", name != nullptr ? name : ""));
        continue;
      }
      entry.id = *found;
    }
    out.acl.entries.push_back(entry);
  }
  auto& entries = out.acl.entries;
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return std::pair(a.tag, a.id) < std::pair(b.tag, b.id);
  });
  if (entries.empty()) return std::nullopt;
  return out;
}

void add_acl(archive_entry* e, int type, const Acl& acl) {
  for (const auto& entry : acl.entries) {
    archive_entry_acl_add_entry(e, type, entry.permissions, tag_to(entry.tag), int(entry.id),
                                nullptr);
  }
}

}  // namespace memoria::ctl
