// SPDX-License-Identifier: MIT
#include "tests/rot/volume_check.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "tests/rot/store_check.hpp"
#include "tests/rot/volume_reading.hpp"
#include "tests/rot/volume_repair.hpp"
#include "tests/rot/volume_tools.hpp"
#include "tests/rot/volume_verify.hpp"
#include "tests/support/simulated_environment.hpp"

namespace memoria::test {
namespace {

constexpr uint64_t kWithTools = 10;  // one in so many
constexpr Caller kOwner{.uid = 1000, .gid = 100};

/// Null: it was refused, and may be.
std::unique_ptr<Volume> open_or_explain(std::unique_ptr<Store> store, const VolumeBounds& bounds) {
  auto opened = Volume::open(std::move(store), kOwner);
  if (opened.has_value()) return std::move(opened).value();
  const auto& error = opened.error();
  // Without a root it needs its superblock, and without both nobody knows that it is a volume.
  const auto superblock = bounds.superblock();
  const bool refusable = bounds.inode(kRootInode) == Hit::kUnknown &&
                         ((error.code == Errc::kCorrupt && superblock != Hit::kNone) ||
                          (error.code == Errc::kNotAStore && superblock == Hit::kUnknown));
  if (!refusable) {
    throw Broken("the volume does not open: " + std::string(name(error.code)) + ": " +
                 error.describe());
  }
  return nullptr;
}

/// Something may be left of it without which nobody knows that the number was ever used.
bool leaves_a_trace(const VolumeBounds& bounds, InodeNumber ino) {
  if (!bounds.tree().nodes.contains(ino)) return false;
  const auto& node = bounds.tree().nodes.at(ino);
  Hit least = bounds.inode(ino);
  if (!node.contents.empty()) least = std::min(least, bounds.contents(ino));
  for (const auto& [name, value] : node.xattrs) least = std::min(least, bounds.xattr(ino, name));
  for (const auto& [name, child] : node.names) least = std::min(least, bounds.name(ino, name));
  for (const auto& way : bounds.ways().at(ino)) {
    if (way.names.empty()) continue;
    least = std::min(least, bounds.name(way.names.back().first, way.names.back().second));
  }
  return least != Hit::kUnknown;
}

void make(Volume& volume, const VolumeBounds& before, VolumeTree& tree, Random& random) {
  auto& root = tree.nodes[kRootInode];
  const auto directory = volume.mkdir(kRootInode, "new", 0755, kOwner);
  if (!directory.has_value()) {  // the root, or the old entry of a name that never was
    if (directory.error().to_errno() != EIO) {
      throw Broken("making a directory: " + directory.error().describe());
    }
    return;
  }
  const auto parent = directory.value().ino;
  volume.forget(parent, 1);
  if (leaves_a_trace(before, parent)) throw Broken("a new directory has the number of another");
  root.names["new"] = parent;
  tree.nodes[parent] = {};
  for (int i = 0; i < 8; ++i) {
    const auto name = std::to_string(i);
    const auto ino = expect(volume.mknod(parent, name, S_IFREG | 0644, 0, kOwner), "a file").ino;
    volume.forget(ino, 1);
    if (leaves_a_trace(before, ino)) throw Broken("a new file has the number of another");
    auto& node = tree.nodes[ino] = {};
    node.contents = random.bytes(random.below(800));
    expect(volume.write(ino, 0, node.contents, false), "writing to a new file");
    expect(volume.setxattr(ino, "user.new", name, 0), "an attribute of a new file");
    node.xattrs["user.new"] = name;
    tree.nodes[parent].names[name] = ino;
    node.attributes = expect(volume.getattr(ino), "a new file");
  }
  tree.nodes[parent].attributes = expect(volume.getattr(parent), "a new directory");
  root.attributes = expect(volume.getattr(kRootInode), "the root");
  tree.files = volume.files();
}

/// Makes files, merges and opens again: what was made is there, and the rest stays what it was.
void go_on(const std::shared_ptr<SimulatedEnvironment>& place, std::unique_ptr<Volume> volume,
           const Bounds& keys, const VolumeTree& before, const Options& options, Random& random,
           RotTally& tally) {
  auto tree = before;
  make(*volume, VolumeBounds(keys, before), tree, random);
  const VolumeBounds bounds(keys, tree);
  if (random.one_in(2)) {
    const auto merged = volume->store().merge({.all = random.one_in(2)});
    if (!merged.has_value() && merged.error().to_errno() != EIO) {
      throw Broken("a merge after the damage: " + merged.error().describe());
    }
  }
  check_reading(*volume, bounds, tally);
  if (random.one_in(2)) {
    expect(volume->close(), "closing after the damage");
  } else {
    expect(volume->sync(), "a sync after the damage");
  }
  const auto image = place->after_crash(Loss::kUnsynced, random);
  volume.reset();
  auto store = expect(Store::open(SimulatedEnvironment::make(image), options), "opening again");
  volume = expect(Volume::open(std::move(store), kOwner), "opening the volume again");
  check_reading(*volume, bounds, tally);
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
  if (random.one_in(kWithTools)) check_tools(after, bounds, store != nullptr);
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
  // Without a manifest and any segment it is the place of a new store.
  const bool has_segments = std::any_of(after.begin(), after.end(), [](const auto& file) {
    return file.first.ends_with(kDataSuffix);
  });
  if (!has_segments) return false;
  const auto place = SimulatedEnvironment::make(after);
  store = open_or_explain(place, keys, options);
  if (!store) return false;
  auto volume = open_or_explain(std::move(store), bounds);
  if (!volume) return false;
  check_values(volume->store(), keys, tally);  // opening has removed nothing
  check_reading(*volume, bounds, tally);
  go_on(place, std::move(volume), keys, tree, options, random, tally);
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
