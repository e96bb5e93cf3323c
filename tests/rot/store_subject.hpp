// SPDX-License-Identifier: MIT
// A store after puts, patches, batches, rotation, consolidation, merges and snapshots, closed
// cleanly, to be damaged.
#pragma once

#include <string>
#include <vector>

#include "core/store/store.hpp"
#include "tests/rot/store_check.hpp"

namespace memoria::test {

class StoreSubject {
 public:
  explicit StoreSubject(uint64_t seed);

  /// Its files.
  const Image& image() const { return image_; }
  /// Throws Broken when `after`, made of image() by damage, breaks a promise.
  void check(const Image& after, Random& random, RotTally& tally) const;

 private:
  void work(Store& store, uint64_t seed);
  void put_large(Store& store, Contents& model, const std::string& key);

  Random random_;
  Options options_;
  Image image_;
  std::vector<std::string> snapshots_;
};

}  // namespace memoria::test
