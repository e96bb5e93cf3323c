// SPDX-License-Identifier: MIT
// Fills an empty key directory from the records of all segments, key by key.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/log/entry.hpp"
#include "core/store/key_directory.hpp"

namespace memoria {

/// What one record says of a key.
struct LoadedRecord {
  Entry entry;  ///< its key is not looked at
  Slot slot = 0;

  Location location() const { return {slot, entry.record_offset}; }
};

/// Loads keys in their order, so that each goes to the end of its leaf: no look-up, and no cache
/// miss but the first of a leaf. Several loaders may each load a range of keys at the same time;
/// then they join(), one after the other. Not thread-safe in itself.
class KeyDirectory::Loader {
 public:
  explicit Loader(KeyDirectory& directory);

  /// All that any segment says of `key`, which is above every key before it. The order of the
  /// records is of no importance. See core/FORMAT.md, "Generations".
  void add(std::string_view key, std::span<const LoadedRecord> records);
  /// Moves what was loaded to the directory, whose keys must all be below it.
  void join() &&;

 private:
  struct Counts {
    uint64_t total_bytes = 0, total_records = 0;
    uint64_t live_bytes = 0, live_records = 0;
    uint64_t eraser_bytes = 0, eraser_records = 0;
  };
  void count(const LoadedRecord& loaded, size_t key_size);
  void set_simple(std::string_view key, const LoadedRecord& base);
  void set_patched(std::string_view key, const LoadedRecord* base,
                   std::vector<const LoadedRecord*>& changes, uint64_t generation);

  KeyDirectory& directory_;
  std::vector<KeyTree> trees_;                // by shard
  std::vector<uint64_t> simple_bytes_;        // by shard
  std::vector<Counts> counts_;                // by slot
  std::vector<const LoadedRecord*> changes_;  // of the key at hand
};

}  // namespace memoria
