// SPDX-License-Identifier: MIT
#include "fs/volume/path_finder.hpp"

#include <vector>

#include "fs/volume/keys.hpp"
#include "fs/volume/transaction.hpp"

namespace memoria {
namespace {

bool is_name(std::string_view key) {
  return key.size() > Key::kPrefix && key.front() == char(Table::kNames);
}

Result<Dentry> entry_of(const Store& store, const KeyInfo& info) {
  if (info.is_inline) return decode_dentry(info.value);
  return load_dentry(store, inode_in_key(info.key), name_in_key(info.key));
}

bool is_right(const Store& store, InodeNumber directory, const Dentry& entry) {
  const auto inode = load_inode(store, entry.ino);
  return inode.has_value() && is_named_by(directory, entry.cookie, inode.value());
}

}  // namespace

Result<PathFinder> PathFinder::read(const Store& store, const std::set<InodeNumber>& inodes) {
  PathFinder out;
  const char prefix[] = {char(Table::kNames)};
  MEMORIA_TRY(store.scan({prefix, 1}, {}, [&](const KeyInfo& info) {
    if (!is_name(info.key)) return true;
    const auto entry = entry_of(store, info);
    if (!entry.has_value()) return true;
    const auto [ino, type, _] = entry.value();
    if (!S_ISDIR(type) && !inodes.contains(ino)) return true;
    const auto directory = inode_in_key(info.key);
    const auto [place, is_new] = out.places_.try_emplace(ino);
    if (is_new || (S_ISDIR(type) && is_right(store, directory, entry.value()))) {
      place->second = {directory, std::string(name_in_key(info.key))};
    }
    return true;
  }));
  return out;
}

std::string PathFinder::path_of(InodeNumber ino) const {
  std::vector<std::string_view> names;  // from the end
  // Where damage made a circle of directories, there are more steps than places.
  while (ino != kRootInode) {
    const auto place = places_.find(ino);
    if (place == places_.end() || names.size() > places_.size()) return {};
    names.push_back(place->second.name);
    ino = place->second.directory;
  }
  if (names.empty()) return "/";
  std::string out;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    out += '/';
    out += *name;
  }
  return out;
}

std::string PathFinder::path_of_key(std::string_view key) const {
  const auto ino = inode_in_key(key);
  if (ino == 0) return {};
  auto out = path_of(ino);
  if (!is_name(key) || out.empty()) return out;
  if (out != "/") out += '/';
  return out.append(name_in_key(key));
}

}  // namespace memoria
