// SPDX-License-Identifier: MIT
// Access control lists between a volume and an entry of a tar archive.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fs/volume/acl.hpp"
#include "tools/archive_handle.hpp"

namespace memoria::ctl {

/// The users and groups of this system by name; each is looked up once. Not thread-safe.
class Accounts {
 public:
  std::optional<uid_t> user(const std::string& name);
  std::optional<gid_t> group(const std::string& name);

 private:
  std::map<std::string, std::optional<uid_t>> users_;
  std::map<std::string, std::optional<gid_t>> groups_;
};

/// A list as an archive has it.
struct ArchivedAcl {
  Acl acl;
  /// Whom it names that nobody here is, as 'user "NAME"'; they are not in `acl`.
  std::vector<std::string> unknown;
  /// It names a decimal number above 2^31 - 1: of several of those libarchive shows the last only.
  bool may_lack_others = false;
};

/// The list of this type (ARCHIVE_ENTRY_ACL_TYPE_...), which need not be a valid one; nothing when
/// the entry has none, or one that says no more than its mode. A name counts more than a number:
/// that is of the system where the archive was made.
std::optional<ArchivedAcl> acl_of(archive_entry* e, int type, Accounts& accounts);

/// Gives the entry a list. The mode of an entry is to libarchive the base entries of its access
/// list, so that archive_entry_mode() is not the file's any more.
void add_acl(archive_entry* e, int type, const Acl& acl);

}  // namespace memoria::ctl
