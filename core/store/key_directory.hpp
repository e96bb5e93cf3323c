// SPDX-License-Identifier: MIT
// The key directory: every key of the store, in memory, with where its value lies.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/mutex.hpp"
#include "core/log/entry.hpp"
#include "core/store/key_payload.hpp"
#include "core/store/key_tree.hpp"
#include "core/store/patched_value.hpp"
#include "core/store/reports.hpp"

namespace memoria {

/// What to read for a range of a value.
struct ReadPlan {
  uint64_t size = 0;  ///< of the whole value
  bool is_inline = false;
  std::string value;               ///< the whole value, when inline
  std::vector<PlacedPiece> parts;  ///< of the range, in order; what is between them is zeros
};

/// Which parts of a record are live, for a merge.
struct LiveRecord {
  bool whole = false;                  ///< copy the record as it is
  std::vector<PlacedPiece> fragments;  ///< otherwise: these ranges of it
  uint64_t generation = 0;
  /// The value's size and newest timestamp, when no live record gives the size any more: before
  /// this record goes, a truncate must say it.
  struct Size {
    uint64_t size, newest;
  };
  std::optional<Size> loose_size;
};

/// A run of small pieces to rewrite, see core/FORMAT.md, "Consolidation".
struct ConsolidationPlan {
  uint64_t generation = 0, newest = 0;
  uint64_t offset = 0, length = 0;
  std::vector<PlacedPiece> parts;
};

/// Thread-safe. Sharded by a hash of the key's prefix (Options::prefix_bytes), each shard with a
/// lock of its own under which nothing is read, written or called back. Changes must come in the
/// order of their timestamps (the appender sees to it). Keeps the live counts of `segments` exact.
class KeyDirectory {
 public:
  KeyDirectory(Segments& segments, size_t prefix_bytes);
  ~KeyDirectory();

  // ---- Changes
  struct State {
    bool present = false;
    uint64_t size = 0;
    uint64_t generation = 0;
    uint64_t newest = 0;  ///< timestamp of the last change
  };
  State state(std::string_view key) const;
  /// The record is on disk at `slot`: make it the truth. put, erase, piece, truncate, punch.
  void install(const Entry& entry, Slot slot);

  // ---- Questions
  /// False: no such key.
  bool plan(std::string_view key, uint64_t offset, uint64_t length, ReadPlan& out) const;
  std::optional<ValueInfo> info(std::string_view key) const;
  /// The record of a value in one record, whatever its size; empty otherwise.
  std::vector<PlacedPiece> records(std::string_view key) const;
  std::optional<uint64_t> seek_data(std::string_view key, uint64_t offset) const;
  std::optional<uint64_t> seek_hole(std::string_view key, uint64_t offset) const;
  uint64_t count() const;

  /// A copy of what a scan shows.
  struct Item {
    std::string key;
    uint64_t size = 0, timestamp = 0;
    bool is_inline = false;
    std::string value;
  };
  /// The next keys with `prefix` after `after` ("" and `from_start`: all), in order. Empty: no
  /// more.
  std::vector<Item> next_keys(std::string_view prefix, std::string_view after,
                              bool from_start) const;

  struct Totals {
    uint64_t keys = 0, value_bytes = 0, memory = 0, patched = 0, pieces = 0;
  };
  Totals totals() const;

  // ---- Moving records (merge, consolidation)
  LiveRecord live(const Record& record, Location location) const;
  /// Where a walk through all keys has come to.
  struct Walk {
    size_t shard = 0;
    std::string from;
    bool done = false;
  };
  /// What is live of some segments.
  struct LivePlaces {
    struct Place {
      Location location;
      uint32_t size = 0;   ///< of the record
      bool whole = false;  ///< it is a whole value; of others live() tells what is live
    };
    std::vector<Place> records;
    /// Values whose size is loose, and their generations.
    std::vector<std::pair<std::string, uint64_t>> loose;
  };
  /// Adds what the next keys have in `slots` (by slot). All that was there when the walk began, and
  /// still is when it is done, is added; some of it may be so twice.
  void walk_on(Walk& walk, const std::vector<bool>& slots, LivePlaces& out) const;
  /// The range [offset, offset + length) that was in `from` is now also in `to`: whatever of it is
  /// still live moves.
  void relocate(std::string_view key, uint64_t offset, uint64_t length, Location from,
                const Piece& to);
  void relocate_size_record(std::string_view key, Location from, Location to);
  /// `record` is a truncate to the size that the value of this generation had as of `timestamp`.
  void hold_size(std::string_view key, uint64_t generation, uint64_t timestamp, Location record);
  std::optional<ConsolidationPlan> small_run(std::string_view key, uint64_t offset,
                                             const RunLimits& limits) const;

  // ---- Loading
  /// Fills an empty key directory, see key_loader.hpp.
  class Loader;
  /// Forgets all keys, and leaves the segments' counts as they are. Not beside any other call.
  void clear();

 private:
  struct Shard;

  static constexpr size_t kShards = 64;
  struct Address {
    Shard& shard;
    KeyLeaf::Fingerprint fingerprint;
  };
  Address address(std::string_view key) const;
  struct Bucket {
    size_t shard;
    KeyLeaf::Fingerprint fingerprint;
  };
  Bucket bucket(std::string_view key) const;
  size_t shard_of_prefix(std::string_view prefix) const;

  Segments& segments_;
  const size_t prefix_bytes_;
  KeyArena arena_;  // of all shards
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace memoria
