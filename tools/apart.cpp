// SPDX-License-Identifier: MIT
#include "tools/apart.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/io/environment.hpp"
#include "core/log/manifest.hpp"
#include "core/log/segment.hpp"
#include "tools/target.hpp"

namespace memoria::ctl {
namespace {

/// Stricter than holds_store(): directories above a store may hold anything.
bool is_store(const std::string& directory) {
  const auto place = open_directory(directory, false);
  if (!place) return false;
  const auto manifest = read_manifest(*place.value());
  if (manifest && manifest.value()) return true;
  const auto names = place.value()->list();
  return names && std::any_of(names.value().begin(), names.value().end(), [](const auto& name) {
           return segment_id(name, kDataSuffix).has_value();
         });
}

bool is_in(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory + "/");
}

}  // namespace

std::optional<std::string> store_above(std::string path) {
  for (auto slash = path.rfind('/'); slash != path.npos && slash > 0; slash = path.rfind('/')) {
    path.resize(slash);
    if (is_store(path)) return path;
  }
  return std::nullopt;
}

Error is_inside(const std::string& path, const std::string& store) {
  return {Errc::kInvalidArgument,
          fmt::format("{} is inside the store {}: name a directory elsewhere", path, store)};
}

Status check_apart(const std::string& data_directory, const std::string& destination) {
  MEMORIA_TRY(const auto mounts, read_mounts());
  const auto found = find_target(destination, mounts, true);
  if (!found) return ok();  // making it will tell what is wrong
  const auto& place = found.value().data_directory;
  const bool in_itself = found.value().in_mount ? is_in(data_directory, place)  // be it a snapshot
                                                : is_in(place, data_directory);
  if (in_itself) return is_inside(destination, data_directory);
  // What is there already was made before, and goes on.
  if (found.value().in_mount || is_store(place)) return ok();
  if (const auto above = store_above(place)) return is_inside(destination, *above);
  return ok();
}

}  // namespace memoria::ctl
