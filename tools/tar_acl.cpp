// SPDX-License-Identifier: MIT
#include "tools/tar_acl.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <string_view>
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

constexpr uint32_t kNobody = ~uint32_t{0};  // no id: (uid_t)-1
constexpr std::string_view kHexPrefix = "0x";

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

/// A number in place of a name, decimal or as high_number() writes it; nothing: it is none.
/// kNobody: none that can be.
std::optional<uint32_t> number_in(std::string_view text) {
  const int base = text.starts_with(kHexPrefix) ? 16 : 10;
  if (base == 16) text.remove_prefix(kHexPrefix.size());
  const auto digits = base == 16 ? "0123456789abcdef" : "0123456789";
  if (text.empty() || text.find_first_not_of(digits) != text.npos) return std::nullopt;
  uint32_t number = 0;
  const auto [_, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc{} ? number : kNobody;
}

/// Libarchive holds numbers in an int, takes a decimal one that does not fit for the largest that
/// does, and two entries with one number for the same. Hexadecimal digits are a name to it, and a
/// number to the C library of access lists, and so to GNU tar.
std::string high_number(uint32_t id) {
  return fmt::format("{}{:x}", kHexPrefix, id);
}

/// Whom an entry is for; nothing when nobody here is it.
std::optional<uint32_t> id_of(bool is_user, const char* name, int id, Accounts& accounts) {
  if (name != nullptr && *name != '\0') {
    const auto found = is_user ? accounts.user(name) : accounts.group(name);
    if (found) return *found;
    // Where there is another number, it was a name.
    const auto number = number_in(name);
    if (number && (id < 0 || id == INT_MAX || *number == uint32_t(id))) {
      return *number != kNobody ? number : std::nullopt;
    }
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
      out.may_lack_others = out.may_lack_others || (id == INT_MAX && *found > uint32_t(INT_MAX));
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
    const bool fits = entry.id <= uint32_t(INT_MAX);
    const auto name = fits ? std::string() : high_number(entry.id);
    archive_entry_acl_add_entry(e, type, entry.permissions, tag_to(entry.tag),
                                fits ? int(entry.id) : -1, fits ? nullptr : name.c_str());
  }
}

}  // namespace memoria::ctl
