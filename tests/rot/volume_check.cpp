// SPDX-License-Identifier: MIT
#include "tests/rot/volume_check.hpp"

#include "tests/rot/store_check.hpp"
#include "tests/rot/volume_reading.hpp"
#include "tests/rot/volume_repair.hpp"
#include "tests/rot/volume_verify.hpp"
#include "tests/support/simulated_environment.hpp"

namespace memoria::test {
namespace {

constexpr Caller kOwner{.uid = 1000, .gid = 100};

/// Null: it was refused, and may be.
std::unique_ptr<Volume> open_or_explain(std::unique_ptr<Store> store, const VolumeBounds& bounds) {
  auto opened = Volume::open(std::move(store), kOwner);
  if (opened.has_value()) return std::move(opened).value();
  const auto& error = opened.error();
  if (error.code != Errc::kCorrupt || bounds.superblock() == Hit::kNone) {
    throw Broken("the volume does not open: " + std::string(name(error.code)) + ": " +
                 error.describe());
  }
  return nullptr;
}

}  // namespace

bool check_volume(const Image& before, const Image& after, const VolumeTree& tree,
                  const Options& options, Random& random, RotTally& tally) {
  const Bounds keys(before, after);
  const VolumeBounds bounds(keys, tree);
  auto reading = options;
  reading.read_only = true;
  const auto environment = SimulatedEnvironment::make(after);
  auto store = open_or_explain(environment, keys, reading);
  if (store) {
    check_values(*store, keys, tally);
    if (!keys.has_tail()) check_verify(*store, keys, options.inline_limit, tally);
    check_repair(*store, bounds, options);
    if (const auto volume = open_or_explain(std::move(store), bounds)) {
      check_reading(*volume, bounds, tally);
      if (!keys.has_tail()) check_paths(*volume, bounds);
    }
    if (environment->image() != after) throw Broken("reading or repairing has changed something");
  }
  const auto place = SimulatedEnvironment::make(after);
  store = open_or_explain(place, keys, options);
  if (!store) return false;
  const auto volume = open_or_explain(std::move(store), bounds);
  if (!volume) return false;
  check_reading(*volume, bounds, tally);
  (void)random;
  return true;
}

void check_volume_snapshot(const Image& before, const Image& after, const VolumeTree& tree,
                           Options options, RotTally& tally) {
  const Bounds keys(before, after);
  const VolumeBounds bounds(keys, tree);
  options.read_only = true;
  auto store = open_or_explain(SimulatedEnvironment::make(after), keys, options);
  if (!store) return;
  check_values(*store, keys, tally);
  if (const auto volume = open_or_explain(std::move(store), bounds)) {
    check_reading(*volume, bounds, tally);
  }
}

}  // namespace memoria::test
