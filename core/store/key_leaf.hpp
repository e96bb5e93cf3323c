// SPDX-License-Identifier: MIT
// A leaf of the key directory: up to 118 keys and their payloads, packed into a few cells of
// memory.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/store/key_arena.hpp"

namespace memoria {

/// Found like a hash table's bucket: one byte of each key's hash lies in an array of its own, and
/// four bits more with the entry's place, so a lookup touches that array and one entry, or of a key
/// that is not there none in 49 of 50. Keys are kept as they came, and sorted
/// when somebody needs their order: looking for a new key's place would touch seven entries, each a
/// cache miss. Keys that come in order are sorted all the time. (Fingerprints and unsorted leaves
/// are those of FPTree, Oukid et al., SIGMOD 2016.) Entries lie in cells of equal size:
/// growing copies nothing, and leaves leave no gaps between them; but entries of more than half a
/// cell waste the rest of theirs. Not thread-safe.
class KeyLeaf {
 public:
  static constexpr size_t kMaxKeys = 118;  ///< so that a leaf takes a cell
  static constexpr size_t kMaxPayload = 255;
  /// So many bytes of entries always fit; how many more depends on their sizes.
  static constexpr size_t kSureBytes = 4 << 10;
  static constexpr int kNone = -1;
  /// What is kept of a key's hash: any 12 bits, the rest 0.
  using Fingerprint = uint16_t;
  static constexpr Fingerprint fingerprint_of(uint64_t bits) { return Fingerprint(bits & 0xfff); }

  struct Delete {
    void operator()(KeyLeaf* leaf) const;
  };
  using Pointer = std::unique_ptr<KeyLeaf, Delete>;
  /// An empty one, in memory of `arena`, which must outlive it.
  static Pointer make(KeyArena& arena);
  ~KeyLeaf();
  KeyLeaf(const KeyLeaf&) = delete;
  KeyLeaf& operator=(const KeyLeaf&) = delete;

  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  /// Of entries, as entry_bytes() has it.
  size_t live_bytes() const { return live_; }
  size_t memory() const;

  /// The index of `key`, or kNone.
  int find(std::string_view key, Fingerprint fingerprint) const;
  bool sorted() const { return sorted_; }
  void sort();
  /// The index of the first key that is not less than `key`. The leaf must be sorted().
  size_t lower_bound(std::string_view key) const;

  std::string_view key(size_t index) const;
  std::string_view payload(size_t index) const;

  /// Has as much memory as `other` ready, so that it is taken at once.
  void reserve_like(const KeyLeaf& other);
  /// Lets go of what is ready and not needed.
  void shrink();
  /// Prepares for an entry of that many bytes, of a key that is new or that has one already. False:
  /// there is no room, but two keys at least, so split().
  [[nodiscard]] bool make_room(size_t bytes, bool new_key);
  /// After make_room(); an empty leaf has room for anything. Payloads are at most kMaxPayload
  /// bytes.
  void add(std::string_view key, Fingerprint fingerprint, std::string_view payload);
  /// After make_room(), unless the payload is as long as the one before.
  void replace(size_t index, std::string_view payload);
  /// Other keys may change their index, but not their order.
  void erase(size_t index);
  /// Moves the upper half of the keys to a new leaf. Which of them come first and last is known
  /// then, though the halves need not be sorted(): the last key here is the greatest of those that
  /// stay, the first one there the least of those that move.
  Pointer split();
  /// Takes all of the next leaf's keys. Together they have kMaxKeys and kSureBytes at most.
  void absorb(const KeyLeaf& next);

  static size_t entry_bytes(size_t key_size, size_t payload_size);

 private:
  explicit KeyLeaf(KeyArena& arena) : arena_(arena) {}

  /// Where an entry is: the number of its cell, and a byte that says where in there. Above them the
  /// upper bits of the key's fingerprint, which are not needed to find the entry.
  using Place = uint16_t;
  static constexpr Place kWhere = 0x0fff;
  static constexpr size_t kUnit = 2;  // entries begin at even offsets
  static constexpr size_t kMaxCells = 16;
  static_assert(KeyArena::kCell / kUnit * kMaxCells == kWhere + 1);
  // Of two cells that were filled one after the other, the second one's first entry did not fit the
  // first one. So more than kMaxCells are never needed for:
  static_assert(kSureBytes == kMaxCells / 2 * KeyArena::kCell);

  /// A key, ordered by a number that mostly decides: the bytes behind what all have in common.
  struct Item {
    uint64_t head;
    Place place;
    uint8_t fingerprint;
  };
  using Items = std::array<Item, kMaxKeys>;  // the first count_ are meant
  struct Order {
    const KeyLeaf& leaf;
    bool operator()(const Item& a, const Item& b) const;
  };
  /// What entries lie in.
  struct Cells {
    std::array<char*, kMaxCells> begin{};
    uint16_t large = 0;  // bit n: of cell n, which is from the heap and holds one entry
    uint8_t count = 0;
    uint8_t taken = 0;  // with those that reserve_like() took and that hold nothing yet
    uint16_t used = KeyArena::kCell;  // bytes of the last one

    const char* at(Place place) const {
      return begin[(place & kWhere) >> 8] + size_t(place & 0xff) * kUnit;
    }
  };

  const char* entry_at(Place place) const { return cells_.at(place); }
  const char* entry(size_t index) const { return entry_at(places_[index]); }
  std::string_view key_at(Place place) const;
  Fingerprint fingerprint(size_t index) const;
  Items items() const;
  void take(const Item* begin, const Item* end);
  Place put(std::string_view key, std::string_view payload);
  void pack(const Cells& from, size_t bytes);
  void pack();
  void give_back(const Cells& cells);

  uint32_t live_ = 0;  // bytes of entries
  uint32_t dead_ = 0;  // and of those that were erased or replaced since pack()
  uint8_t count_ = 0;
  bool sorted_ = true;
  std::array<uint8_t, kMaxKeys> fingerprints_{};  // the lower bits
  std::array<Place, kMaxKeys> places_{};
  KeyArena& arena_;
  Cells cells_;
};

}  // namespace memoria
