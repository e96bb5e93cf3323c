// SPDX-License-Identifier: MIT
#include "fs/volume/references.hpp"

#include <algorithm>

namespace memoria {

void References::hold(InodeNumber ino) {
  if (frozen_) return;
  Shard& s = shard(ino);
  Lock lock(s.mutex);
  ++s.uses[ino].holds;
}

bool References::forget(InodeNumber ino, uint64_t count) {
  if (frozen_) return false;
  Shard& s = shard(ino);
  Lock lock(s.mutex);
  const auto it = s.uses.find(ino);
  if (it == s.uses.end()) return false;
  Uses& uses = it->second;
  uses.holds -= std::min(count, uses.holds);
  if (uses.holds != 0) return false;
  if (uses.unnamed) return true;  // stays until the caller has removed it
  s.uses.erase(it);
  return false;
}

bool References::is_held(InodeNumber ino) const {
  const Shard& s = shard(ino);
  Lock lock(s.mutex);
  const auto it = s.uses.find(ino);
  return it != s.uses.end() && it->second.holds != 0;
}

void References::set_unnamed(InodeNumber ino, bool linkable) {
  Shard& s = shard(ino);
  Lock lock(s.mutex);
  Uses& uses = s.uses[ino];
  uses.unnamed = true;
  uses.linkable = linkable;
}

void References::set_named(InodeNumber ino) {
  Shard& s = shard(ino);
  Lock lock(s.mutex);
  const auto it = s.uses.find(ino);
  if (it == s.uses.end()) return;
  it->second.unnamed = it->second.linkable = false;
  if (it->second.holds == 0) s.uses.erase(it);
}

bool References::is_unnamed(InodeNumber ino) const {
  const Shard& s = shard(ino);
  Lock lock(s.mutex);
  const auto it = s.uses.find(ino);
  return it != s.uses.end() && it->second.unnamed;
}

bool References::is_linkable(InodeNumber ino) const {
  const Shard& s = shard(ino);
  Lock lock(s.mutex);
  const auto it = s.uses.find(ino);
  return it != s.uses.end() && it->second.linkable;
}

std::vector<InodeNumber> References::unnamed() const {
  std::vector<InodeNumber> out;
  for (const Shard& s : shards_) {
    Lock lock(s.mutex);
    for (const auto& [ino, uses] : s.uses) {
      if (uses.unnamed) out.push_back(ino);
    }
  }
  return out;
}

void References::leave_ghost(const Attributes& last) {
  Shard& s = shard(last.ino);
  Lock lock(s.mutex);
  const auto it = s.uses.find(last.ino);
  if (it == s.uses.end()) return;
  Uses& uses = it->second;
  uses.unnamed = uses.linkable = false;
  if (uses.holds == 0) {
    s.uses.erase(it);
  } else {
    uses.ghost = std::make_unique<Attributes>(last);
  }
}

std::optional<Attributes> References::ghost(InodeNumber ino) const {
  const Shard& s = shard(ino);
  Lock lock(s.mutex);
  const auto it = s.uses.find(ino);
  if (it == s.uses.end() || !it->second.ghost) return std::nullopt;
  return *it->second.ghost;
}

}  // namespace memoria
