// SPDX-License-Identifier: MIT
#include "fs/binding/groups.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "fs/binding/request.hpp"

namespace memoria {

bool is_in_group(const Request& request, gid_t group) {
  const auto caller = request.caller();
  if (caller.uid == 0 || caller.gid == group) return true;
  std::vector<gid_t> groups(64);
  int count = fuse_req_getgroups(request.raw(), int(groups.size()), groups.data());
  if (count > int(groups.size())) {
    groups.resize(size_t(count));
    count = fuse_req_getgroups(request.raw(), count, groups.data());
  }
  groups.resize(size_t(std::clamp(count, 0, int(groups.size()))));
  return std::ranges::find(groups, group) != groups.end();
}

Result<bool> is_outside_group(const Request& request) {
  if (request.caller().uid == 0) return false;
  MEMORIA_TRY(const Attributes attributes, request.volume().getattr(request.ino()));
  if ((attributes.mode & (S_ISGID | S_IXGRP)) != S_ISGID) return false;
  return !is_in_group(request, attributes.gid);
}

}  // namespace memoria
