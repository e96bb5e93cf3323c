// SPDX-License-Identifier: MIT
#include "tests/rot/volume_bounds.hpp"

namespace memoria::test {

VolumeBounds::VolumeBounds(const Bounds& bounds, const VolumeTree& tree)
    : bounds_(bounds), tree_(tree), ways_(tree.ways()) {
  for (const auto& key : bounds.keys()) {
    auto& hit = hits_[key];
    if (!bounds.is_known(key) || bounds.is_phantom(key)) {
      hit = Hit::kUnknown;
    } else if (const auto value = bounds.value(key); value && value->touched) {
      hit = Hit::kHit;
    }
    worst_ = std::max(worst_, hit);
    if (key.front() == char(Table::kNames)) worst_name_ = std::max(worst_name_, hit);
  }
}

Hit VolumeBounds::of(const std::string& key) const {
  const auto found = hits_.find(key);
  if (found != hits_.end()) return found->second;
  return bounds_.is_phantom(key) ? Hit::kUnknown : Hit::kNone;
}

Hit VolumeBounds::way(const VolumeTree::Way& way, bool inodes) const {
  Hit out = Hit::kNone;
  for (const auto& [directory, name] : way.names) {
    out = std::max(out, this->name(directory, name));
    if (inodes) out = std::max(out, inode(directory));
  }
  return out;
}

}  // namespace memoria::test
