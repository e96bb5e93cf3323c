// SPDX-License-Identifier: MIT
// A value made of pieces: which record holds which range. The common value, one record that holds
// all of it, has no such object (see KeyDirectory).
#pragma once

#include <absl/container/btree_map.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "core/log/record.hpp"
#include "core/store/segments.hpp"

namespace memoria {

/// A range of a value and the record that holds it.
struct Piece {
  Location location;         ///< the record
  uint32_t length = 0;       ///< bytes of the value
  uint32_t skip = 0;         ///< where they begin in the record's value
  uint32_t value_size = 0;   ///< of the record
  Kind kind = Kind::kPiece;  ///< or kPut
};

/// A Piece and where in the value it is.
struct PlacedPiece {
  uint64_t offset = 0;
  Piece piece;
};

/// Which runs of pieces are worth being rewritten as one.
struct RunLimits {
  size_t pieces = 0;   ///< at least
  uint32_t small = 0;  ///< each has less than so many bytes
  uint32_t bytes = 0;  ///< all together have at most so many
};

/// Not thread-safe. Keeps the live counts of `segments` exact: what a newer piece covers becomes
/// dead, and the last range of a record takes its head along.
class PatchedValue {
 public:
  PatchedValue(Segments& segments, size_t key_size, uint64_t generation)
      : segments_(&segments), key_size_(uint32_t(key_size)), generation_(generation) {}
  PatchedValue(PatchedValue&&) = default;
  PatchedValue& operator=(PatchedValue&&) = default;

  uint64_t generation() const { return generation_; }
  uint64_t newest() const { return newest_; }
  uint64_t size() const { return size_; }
  uint64_t allocated() const { return allocated_; }
  size_t piece_count() const { return pieces_.size(); }
  size_t memory() const;
  /// The truncate record that gives the value its size, when no piece reaches that far.
  std::optional<Location> size_record() const { return size_record_; }
  /// Neither a piece nor a truncate record reaches the size: a record that is dead by now gave it.
  bool size_is_loose() const;

  /// Changes in the order of their timestamps. A record is counted live by write().
  void write(uint64_t offset, const Piece& piece, uint64_t timestamp);
  void truncate(uint64_t size, Location record, uint64_t timestamp);
  void punch(uint64_t offset, uint64_t length, uint64_t timestamp);
  /// All pieces become dead.
  void drop();

  /// The pieces that overlap [offset, offset + length), cut to it.
  void collect(uint64_t offset, uint64_t length, std::vector<PlacedPiece>& out) const;
  /// Calls visit(location, kind, value_size) for the records that something of the value is in, and
  /// for the one that gives its size; for some more than once.
  template <class Visit>
  void for_each_record(Visit&& visit) const {
    for (const auto& [offset, piece] : pieces_) visit(piece.location, piece.kind, piece.value_size);
    if (size_record_) visit(*size_record_, Kind::kTruncate, uint32_t{0});
  }
  /// The original Bitcask's compare-and-swap, for ranges: whatever of `from`'s range [offset,
  /// offset + length) is still live is now in `to`, whose record holds that range from `to.skip`
  /// on.
  void relocate(uint64_t offset, uint64_t length, Location from, const Piece& to);
  void relocate_size_record(Location from, Location to);
  /// `record`, a truncate to the present size as of `timestamp`, is on disk.
  void hold_size(Location record, uint64_t timestamp);

  std::optional<uint64_t> seek_data(uint64_t offset) const;
  uint64_t seek_hole(uint64_t offset) const;

  /// The run of adjacent small pieces that ends with the one at `offset`, as far back as `limits`
  /// allow: what consolidation should rewrite.
  std::optional<PlacedPiece> small_run(uint64_t offset, const RunLimits& limits) const;

 private:
  using Pieces = absl::btree_map<uint64_t, Piece>;

  void clear(uint64_t begin, uint64_t end);
  void join(uint64_t offset);
  Pieces::const_iterator first_overlapping(uint64_t offset) const;
  bool record_has_ranges(uint64_t offset, const Piece& piece) const;
  void lose(uint64_t offset, const Piece& piece, uint64_t bytes);
  uint64_t prefix_of(const Piece& piece) const;

  Segments* segments_;
  uint32_t key_size_;
  uint64_t generation_;
  uint64_t newest_ = 0;
  uint64_t size_ = 0;
  uint64_t allocated_ = 0;
  std::optional<Location> size_record_;
  Pieces pieces_;
};

}  // namespace memoria
