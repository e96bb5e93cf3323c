// SPDX-License-Identifier: MIT
// Damage as list items, with the paths of what was hit.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/store/reports.hpp"
#include "fs/control/protocol.hpp"
#include "fs/volume/volume.hpp"

namespace memoria::control {

/// Finds paths for inodes, each once: a search reads every directory. One thread.
class PathFinder {
 public:
  /// `volume` may be null: nothing has a path then.
  explicit PathFinder(Volume* volume) : volume_(volume) {}
  /// Empty when there is none.
  std::string path_of_key(std::string_view key);

 private:
  Volume* volume_;
  std::map<InodeNumber, std::string> paths_;
};

/// `in_volume`: keys are those of a volume.
Json damage_item(const Damage& damage, bool in_volume, PathFinder& paths);

}  // namespace memoria::control
