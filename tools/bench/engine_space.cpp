// SPDX-License-Identifier: MIT
// Group `space`: bytes on the disk for each byte of keys and values that live: loaded, after three
// overwrites of everything with whatever the engine does in the background, and compacted.
#include <algorithm>
#include <thread>

#include "tools/bench/engine_field.hpp"
#include "tools/bench/engine_measure.hpp"

namespace memoria::bench {
namespace {

constexpr uint64_t kOverwrites = 3;
constexpr double kStill = 2;      // seconds without a change: the background work is done
constexpr double kPatience = 20;  // seconds; then it counts as it is
constexpr uint64_t kChecked = 1000;

struct Shape {
  std::string name;
  size_t value_bytes;
  uint64_t keys;
};

/// What the store takes once the engine's threads have come to rest.
Result<double> settled_bytes(const std::string& directory, double still, double patience) {
  Timer waiting, unchanged;
  MEMORIA_TRY(uint64_t bytes, disk_bytes(directory));
  while (unchanged.seconds() < still && waiting.seconds() < patience) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    MEMORIA_TRY(const uint64_t now, disk_bytes(directory));
    if (now == bytes) continue;
    bytes = now;
    unchanged = Timer();
  }
  return double(bytes);
}

Result<Figures> space(Engine& engine, const std::string& directory, const Shape& shape,
                      double still, double patience) {
  const Values values(shape.value_bytes);
  const double user = double(shape.keys) * double(kKeyBytes + shape.value_bytes);
  MEMORIA_TRY(engine.open({directory, shape.keys, /*background_merge=*/true}));
  MEMORIA_TRY(load(engine, values, shape.keys, shape.value_bytes));
  MEMORIA_TRY(const double loaded, settled_bytes(directory, still, patience));
  for (uint64_t version = 1; version <= kOverwrites; ++version) {
    MEMORIA_TRY(load(engine, values, shape.keys, shape.value_bytes, version));
  }
  MEMORIA_TRY(const double overwritten, settled_bytes(directory, still, patience));
  MEMORIA_TRY(engine.compact());
  MEMORIA_TRY(const double compacted, settled_bytes(directory, still, patience));
  std::string scratch;
  for (uint64_t i = 0; i < std::min(shape.keys, kChecked); ++i) {
    MEMORIA_TRY(expect_value(engine, view(spread_key(i)),
                             values.at(i, shape.value_bytes, kOverwrites), scratch));
  }
  MEMORIA_TRY(engine.close());
  return Figures{{"space, " + shape.name + ", loaded", "x", loaded / user, false},
                 {"space, " + shape.name + ", overwritten 3 times", "x", overwritten / user, false},
                 {"space, " + shape.name + ", compacted", "x", compacted / user, false}};
}

}  // namespace

std::vector<Contest> space_contests(const Field& field) {
  std::vector<Contest> contests;
  for (const Shape& shape : {Shape{"100 B", 100, field.keys},
                             Shape{"16 KiB", 16 << 10, std::max<uint64_t>(field.keys / 50, 100)}}) {
    contests.push_back(
        engine_contest(field, "Space, " + shape.name, Ceiling::kExcluded,
                       [shape, still = field.seconds(kStill), patience = field.seconds(kPatience)](
                           Engine& engine, const std::string& directory) {
                         return space(engine, directory, shape, still, patience);
                       }));
  }
  return contests;
}

}  // namespace memoria::bench
