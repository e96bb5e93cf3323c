// SPDX-License-Identifier: MIT
// A shard of the key directory: its tree, its patched values, its lock. Private to the key
// directory.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "core/base/mutex.hpp"
#include "core/store/key_directory.hpp"

namespace memoria {

/// Functions with REQUIRES are called with `mutex` held.
struct KeyDirectory::Shard {
  Shard(Segments& s, KeyArena& arena) : segments(s), tree(arena) {}

  std::optional<KeyPayload> find(std::string_view key, KeyLeaf::Fingerprint fingerprint) const
      REQUIRES_SHARED(mutex);
  void set(std::string_view key, KeyLeaf::Fingerprint fingerprint, const KeyPayload& payload)
      REQUIRES(mutex);
  /// Counts the present value, if any, as dead and lets go of it; the key stays for set() or erase.
  void release(std::string_view key, const std::optional<KeyPayload>& present) REQUIRES(mutex);
  /// The value as a PatchedValue, made from the simple form if need be.
  PatchedValue& patch(std::string_view key, KeyLeaf::Fingerprint fingerprint,
                      const std::optional<KeyPayload>& present, uint64_t generation)
      REQUIRES(mutex);
  PatchedValue& adopt(std::string_view key, KeyLeaf::Fingerprint fingerprint, PatchedValue value)
      REQUIRES(mutex);
  /// Takes a value in; what the tree says of its key.
  KeyPayload keep(PatchedValue value) REQUIRES(mutex);

  void install(const Entry& entry, Slot slot, KeyLeaf::Fingerprint fingerprint) REQUIRES(mutex);
  void install_put(const Entry& entry, Location at, KeyLeaf::Fingerprint fingerprint)
      REQUIRES(mutex);
  void install_piece(const Entry& entry, Location at, KeyLeaf::Fingerprint fingerprint)
      REQUIRES(mutex);

  /// Live bytes of a simple value's record.
  static uint64_t record_bytes(std::string_view key, const KeyPayload& p) {
    return record_size(p.kind, key.size(), p.value_size);
  }

  Segments& segments;
  mutable SharedMutex mutex;
  KeyTree tree GUARDED_BY(mutex);
  std::vector<std::unique_ptr<PatchedValue>> patched GUARDED_BY(mutex);
  std::vector<uint32_t> free_patched GUARDED_BY(mutex);
  uint64_t simple_bytes GUARDED_BY(mutex) = 0;  // of values in one record
};

}  // namespace memoria
