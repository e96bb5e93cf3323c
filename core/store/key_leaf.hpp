// SPDX-License-Identifier: MIT
// A leaf of the key directory: up to 128 keys and their payloads, packed into one buffer.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace memoria {

/// With how many equal bytes they begin.
size_t common_prefix(std::string_view a, std::string_view b);
/// The 8 bytes behind the first `skipped`, as a number: the order of keys that have those in
/// common, where it is not the same for both.
uint64_t head_behind(std::string_view key, size_t skipped);

/// Found like a hash table's bucket: one byte of each key's hash lies in an array of its own, so a
/// lookup touches that array and, nearly always, one entry. Keys are kept as they came, and sorted
/// when somebody needs their order: looking for a new key's place would touch seven entries, each a
/// cache miss. Keys that come in order are sorted all the time. (Fingerprints and unsorted leaves
/// are those of FPTree, Oukid et al., SIGMOD 2016.) Not thread-safe.
class KeyLeaf {
 public:
  static constexpr size_t kMaxKeys = 128;
  static constexpr size_t kSplitBytes = 8 << 10;  ///< of entries; a single larger one is allowed
  static constexpr size_t kMaxPayload = 255;
  static constexpr int kNone = -1;

  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  bool full(size_t more_bytes) const {
    return count_ == kMaxKeys || (count_ > 0 && live_ + more_bytes > kSplitBytes);
  }
  size_t live_bytes() const { return live_; }
  size_t memory() const { return sizeof *this + capacity_; }

  /// The index of `key`, or kNone.
  int find(std::string_view key, uint8_t fingerprint) const;
  bool sorted() const { return sorted_; }
  void sort();
  /// The index of the first key that is not less than `key`. The leaf must be sorted().
  size_t lower_bound(std::string_view key) const;

  std::string_view key(size_t index) const;
  std::string_view payload(size_t index) const;
  uint8_t fingerprint(size_t index) const { return fingerprints_[index]; }

  /// Makes room for entries of `bytes` in all, so that adding them copies nothing.
  void reserve(size_t bytes);
  /// Lets go of room that was not used.
  void shrink();

  /// The leaf must not be full(). Payloads are at most kMaxPayload bytes.
  void add(std::string_view key, uint8_t fingerprint, std::string_view payload);
  void replace(size_t index, std::string_view payload);
  /// Other keys may change their index, but not their order.
  void erase(size_t index);
  /// Moves the upper half of the keys to a new leaf. Which of them come first and last is known
  /// then, though the halves need not be sorted(): the last key here is the greatest of those that
  /// stay, the first one there the least of those that move.
  std::unique_ptr<KeyLeaf> split();
  /// Takes all of the next leaf's keys.
  void absorb(const KeyLeaf& next);

  static size_t entry_bytes(size_t key_size, size_t payload_size);

 private:
  static constexpr size_t kUnit = 2;  // entries begin at even offsets, so 16 bits address 128 KiB

  /// A key, ordered by a number that mostly decides: the bytes behind what all have in common.
  struct Item {
    uint64_t head;
    uint16_t offset;
    uint8_t fingerprint;
  };
  using Items = std::array<Item, kMaxKeys>;  // the first count_ are meant
  struct Order {
    const KeyLeaf& leaf;
    bool operator()(const Item& a, const Item& b) const;
  };

  const char* entry_at(uint16_t offset) const { return buffer_.get() + size_t(offset) * kUnit; }
  const char* entry(size_t index) const { return entry_at(offsets_[index]); }
  std::string_view key_at(uint16_t offset) const;
  Items items() const;
  void take(const Items& items, size_t count);
  uint16_t place(std::string_view key, std::string_view payload);
  void rebuild(size_t capacity);

  uint32_t used_ = 0, capacity_ = 0;
  uint32_t live_ = 0;  // of used_; the rest is garbage of erased and replaced entries
  uint16_t count_ = 0;
  bool sorted_ = true;
  std::array<uint8_t, kMaxKeys> fingerprints_;
  std::array<uint16_t, kMaxKeys> offsets_;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace memoria
