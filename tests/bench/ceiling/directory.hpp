// SPDX-License-Identifier: MIT
// The names in a directory.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/mutex.hpp"

namespace memoria::ceiling {

class Node;
using NodePtr = boost::intrusive_ptr<Node>;

/// Positions in listings. No entry has these two, which are for "." and "..".
inline constexpr uint64_t kSelfCookie = 1, kParentCookie = 2;

struct DirectoryEntry {
  std::string name;
  NodePtr node;
  uint64_t cookie;  ///< never changes, and is never given to another entry
};

/// Entries by name, and in the order in which they came.
class Directory {
 public:
  Directory();
  ~Directory();

  /// Null when there is none. Stays valid until the entry is erased.
  DirectoryEntry* find(std::string_view name) const REQUIRES_SHARED(mutex);
  /// The first entry behind the position; null at the end.
  const DirectoryEntry* after(uint64_t cookie) const REQUIRES_SHARED(mutex);

  /// There must be no such name.
  void insert(std::string_view name, NodePtr node) REQUIRES(mutex);
  /// There must be such a name. Returns what it stood for.
  NodePtr erase(std::string_view name) REQUIRES(mutex);

  mutable SharedMutex mutex;  ///< guards all of it

 private:
  absl::flat_hash_map<std::string_view, std::unique_ptr<DirectoryEntry>> by_name_ GUARDED_BY(mutex);
  absl::btree_map<uint64_t, DirectoryEntry*> by_cookie_ GUARDED_BY(mutex);
  uint64_t last_cookie_ GUARDED_BY(mutex) = kParentCookie;
};

}  // namespace memoria::ceiling
