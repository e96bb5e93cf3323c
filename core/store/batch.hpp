// SPDX-License-Identifier: MIT
// Several changes that happen together or not at all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/log/record.hpp"

namespace memoria {

/// Collects changes for Store::apply(). Keys are copied. Values are not: each must stay unchanged
/// until apply() has returned, so that large ones go from the caller's buffer to the disk directly.
/// Later changes of a batch see earlier ones. One thread at a time.
class Batch {
 public:
  struct Change {
    Kind kind;
    uint32_t key_begin, key_size;  ///< where in keys_
    uint64_t offset = 0;           ///< piece, punch: value offset; truncate: the size
    uint64_t length = 0;           ///< punch: bytes
    std::string_view value;        ///< put, piece
  };

  void put(std::string_view key, std::string_view value) { add(Kind::kPut, key, 0, 0, value); }
  void erase(std::string_view key) { add(Kind::kErase, key, 0, 0, {}); }
  /// Writing no bytes changes nothing: neither the size nor whether the key exists.
  void write_at(std::string_view key, uint64_t offset, std::string_view bytes) {
    if (!bytes.empty()) add(Kind::kPiece, key, offset, 0, bytes);
  }
  void truncate(std::string_view key, uint64_t size) { add(Kind::kTruncate, key, size, 0, {}); }
  void punch(std::string_view key, uint64_t offset, uint64_t length) {
    add(Kind::kPunch, key, offset, length, {});
  }

  /// It belongs to something that frees space, or to closing what is on the disk in good order: it
  /// may take from Options::reserve_bytes and reserve_files, as what frees something itself may.
  void use_reserve() { uses_reserve_ = true; }
  bool uses_reserve() const { return uses_reserve_; }

  void clear() {
    keys_.clear();
    changes_.clear();
    uses_reserve_ = false;
  }
  bool empty() const { return changes_.empty(); }
  size_t size() const { return changes_.size(); }

  const std::vector<Change>& changes() const { return changes_; }
  std::string_view key(const Change& c) const {
    return std::string_view(keys_).substr(c.key_begin, c.key_size);
  }

 private:
  void add(Kind kind, std::string_view key, uint64_t offset, uint64_t length,
           std::string_view value) {
    changes_.push_back({kind, uint32_t(keys_.size()), uint32_t(key.size()), offset, length, value});
    keys_.append(key);
  }

  std::string keys_;
  std::vector<Change> changes_;
  bool uses_reserve_ = false;
};

}  // namespace memoria
