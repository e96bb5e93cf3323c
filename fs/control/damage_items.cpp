// SPDX-License-Identifier: MIT
#include "fs/control/damage_items.hpp"

#include <set>

#include "fs/control/byte_text.hpp"
#include "fs/control/commands.hpp"
#include "fs/control/key_text.hpp"
#include "fs/volume/keys.hpp"
#include "fs/volume/path_finder.hpp"

namespace memoria::control {
namespace {

Json damage_item(const Damage& damage, const PathFinder* paths) {
  Json item = {{"segment", std::to_string(damage.segment)},
               {"file", segment_file(damage.segment)},
               {"offset", damage.offset},
               {"length", damage.length},
               {"live", damage.live},
               {"value_offset", damage.value_offset},
               {"value_length", damage.value_length},
               {"reason", damage.reason}};
  if (damage.key.empty()) return item;
  item["key"] = paths != nullptr ? describe_volume_key(damage.key) : printable(damage.key);
  item["key_hex"] = to_hex(damage.key);
  if (paths == nullptr) return item;
  if (const auto path = paths->path_of_key(damage.key); !path.empty()) {
    set_bytes(item, "path", path);
  }
  return item;
}

}  // namespace

Status tell_damages(Sink& sink, const Store* store, const std::vector<Damage>& damages) {
  std::optional<PathFinder> paths;
  if (store != nullptr && !damages.empty() && holds_volume(*store)) {
    std::set<InodeNumber> inodes;
    for (const auto& damage : damages) inodes.insert(inode_in_key(damage.key));
    MEMORIA_TRY(paths, PathFinder::read(*store, inodes));
  }
  for (const auto& damage : damages) {
    MEMORIA_TRY(sink.item(damage_item(damage, paths ? &*paths : nullptr)));
  }
  return ok();
}

}  // namespace memoria::control
