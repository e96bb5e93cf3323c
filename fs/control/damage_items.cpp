// SPDX-License-Identifier: MIT
#include "fs/control/damage_items.hpp"

#include "fs/control/byte_text.hpp"
#include "fs/control/commands.hpp"
#include "fs/control/key_text.hpp"

namespace memoria::control {

std::string PathFinder::path_of_key(std::string_view key) {
  if (volume_ == nullptr || key.empty()) return {};
  const auto inode = Volume::inode_of_key(key);
  if (inode == 0) return {};
  const auto [found, is_new] = paths_.try_emplace(inode);
  if (is_new) {
    auto path = volume_->path_of(inode);
    if (path.has_value()) found->second = std::move(path.value());
  }
  return found->second;
}

Json damage_item(const Damage& damage, bool in_volume, PathFinder& paths) {
  Json item = {{"segment", std::to_string(damage.segment)},
               {"file", segment_file(damage.segment)},
               {"offset", damage.offset},
               {"length", damage.length},
               {"live", damage.live},
               {"value_offset", damage.value_offset},
               {"value_length", damage.value_length},
               {"reason", damage.reason}};
  if (!damage.key.empty()) {
    item["key"] = in_volume ? describe_volume_key(damage.key) : printable(damage.key);
    item["key_hex"] = to_hex(damage.key);
  }
  if (const auto path = paths.path_of_key(damage.key); !path.empty()) {
    set_bytes(item, "path", path);
  }
  return item;
}

}  // namespace memoria::control
