// SPDX-License-Identifier: MIT
#include "tests/bench/ceiling/directory.hpp"

#include <utility>

#include "tests/bench/ceiling/node.hpp"

namespace memoria::ceiling {

Directory::Directory() = default;
Directory::~Directory() = default;

DirectoryEntry* Directory::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second.get();
}

const DirectoryEntry* Directory::after(uint64_t cookie) const {
  const auto next = by_cookie_.upper_bound(cookie);
  return next == by_cookie_.end() ? nullptr : next->second;
}

void Directory::insert(std::string_view name, NodePtr node) {
  auto made = std::make_unique<DirectoryEntry>(
      DirectoryEntry{std::string(name), std::move(node), ++last_cookie_});
  auto& entry = *made;
  by_cookie_.emplace_hint(by_cookie_.end(), entry.cookie, &entry);
  by_name_.emplace(entry.name, std::move(made));
}

NodePtr Directory::erase(std::string_view name) {
  const auto found = by_name_.find(name);
  auto node = std::move(found->second->node);
  by_cookie_.erase(found->second->cookie);
  by_name_.erase(found);
  return node;
}

}  // namespace memoria::ceiling
