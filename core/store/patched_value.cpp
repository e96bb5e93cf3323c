// SPDX-License-Identifier: MIT
#include "core/store/patched_value.hpp"

#include <algorithm>
#include <cassert>

namespace memoria {

uint64_t PatchedValue::prefix_of(const Piece& piece) const {
  return prefix_size(piece.kind, key_size_, piece.value_size);
}

size_t PatchedValue::memory() const {
  return sizeof *this + pieces_.size() * (sizeof(uint64_t) + sizeof(Piece)) * 4 / 3;
}

PatchedValue::Pieces::const_iterator PatchedValue::first_overlapping(uint64_t offset) const {
  auto it = pieces_.upper_bound(offset);
  if (it != pieces_.begin()) {
    const auto before = std::prev(it);
    if (before->first + before->second.length > offset) return before;
  }
  return it;
}

/// Whether any range of the piece's record is still in the map.
bool PatchedValue::record_has_ranges(uint64_t offset, const Piece& piece) const {
  const uint64_t begin = offset - piece.skip;
  const uint64_t end = begin + piece.value_size;
  for (auto it = first_overlapping(begin); it != pieces_.end() && it->first < end; ++it) {
    if (it->second.location == piece.location) return true;
  }
  return false;
}

/// `bytes` of a piece that was at `offset` are dead. Call when the map no longer shows them.
void PatchedValue::lose(uint64_t offset, const Piece& piece, uint64_t bytes) {
  allocated_ -= bytes;
  const bool gone = !record_has_ranges(offset, piece);
  segments_->remove_live(piece.location.slot, bytes + (gone ? prefix_of(piece) : 0), gone ? 1 : 0);
}

/// Removes what is in [begin, end): the pieces at the edges are cut.
void PatchedValue::clear(uint64_t begin, uint64_t end) {
  if (begin >= end) return;
  while (true) {
    const auto found = first_overlapping(begin);
    if (found == pieces_.end() || found->first >= end) return;
    const uint64_t offset = found->first;
    const Piece piece = found->second;
    const uint64_t piece_end = offset + piece.length;
    const uint64_t cut_begin = std::max(begin, offset), cut_end = std::min(end, piece_end);
    pieces_.erase(offset);
    if (offset < cut_begin) {
      Piece left = piece;
      left.length = uint32_t(cut_begin - offset);
      pieces_.emplace(offset, left);
    }
    if (cut_end < piece_end) {
      Piece right = piece;
      right.length = uint32_t(piece_end - cut_end);
      right.skip = uint32_t(piece.skip + (cut_end - offset));
      pieces_.emplace(cut_end, right);
    }
    lose(offset, piece, cut_end - cut_begin);
  }
}

void PatchedValue::write(uint64_t offset, const Piece& piece, uint64_t timestamp) {
  newest_ = std::max(newest_, timestamp);
  // Replaying a record that is there already (a copy that a crash left): nothing new.
  clear(offset, offset + piece.length);
  if (piece.length > 0) {
    const bool first = !record_has_ranges(offset, piece);
    pieces_.emplace(offset, piece);
    allocated_ += piece.length;
    segments_->add_live(piece.location.slot, piece.length + (first ? prefix_of(piece) : 0),
                        first ? 1 : 0);
  }
  if (offset + piece.length >= size_) {
    size_ = offset + piece.length;
    size_record_.reset();
  }
}

void PatchedValue::truncate(uint64_t size, Location record, uint64_t timestamp) {
  newest_ = std::max(newest_, timestamp);
  clear(size, ~uint64_t{0});
  size_ = size;
  size_record_ = record;
}

void PatchedValue::punch(uint64_t offset, uint64_t length, uint64_t timestamp) {
  newest_ = std::max(newest_, timestamp);
  clear(offset, std::min(size_, offset + std::min(length, ~uint64_t{0} - offset)));
}

void PatchedValue::drop() {
  clear(0, ~uint64_t{0});
}

void PatchedValue::collect(uint64_t offset, uint64_t length, std::vector<PlacedPiece>& out) const {
  const uint64_t end = offset + length;
  for (auto it = first_overlapping(offset); it != pieces_.end() && it->first < end; ++it) {
    PlacedPiece part{it->first, it->second};
    if (part.offset < offset) {
      part.piece.skip += uint32_t(offset - part.offset);
      part.piece.length -= uint32_t(offset - part.offset);
      part.offset = offset;
    }
    part.piece.length = uint32_t(std::min<uint64_t>(part.piece.length, end - part.offset));
    out.push_back(part);
  }
}

void PatchedValue::relocate(uint64_t offset, uint64_t length, Location from, const Piece& to) {
  std::vector<PlacedPiece> still;
  collect(offset, length, still);
  for (const auto& part : still) {
    if (part.piece.location != from) continue;
    clear(part.offset, part.offset + part.piece.length);
    Piece moved = to;
    moved.skip = uint32_t(to.skip + (part.offset - offset));
    moved.length = part.piece.length;
    const bool first = !record_has_ranges(part.offset, moved);
    pieces_.emplace(part.offset, moved);
    allocated_ += moved.length;
    segments_->add_live(moved.location.slot, moved.length + (first ? prefix_of(moved) : 0),
                        first ? 1 : 0);
    join(part.offset);
  }
}

/// The piece at `offset` and a neighbour that goes on in the same record become one.
void PatchedValue::join(uint64_t offset) {
  auto it = pieces_.find(offset);
  const auto goes_on = [](const auto& left, const auto& right) {
    return left.second.location == right.second.location &&
           left.first + left.second.length == right.first &&
           left.second.skip + left.second.length == right.second.skip;
  };
  if (const auto next = std::next(it); next != pieces_.end() && goes_on(*it, *next)) {
    it->second.length += next->second.length;
    pieces_.erase(next);
    it = pieces_.find(offset);
  }
  if (it == pieces_.begin()) return;
  if (const auto before = std::prev(it); goes_on(*before, *it)) {
    before->second.length += it->second.length;
    pieces_.erase(it);
  }
}

void PatchedValue::relocate_size_record(Location from, Location to) {
  if (size_record_ == from) size_record_ = to;
}

bool PatchedValue::size_is_loose() const {
  if (size_record_) return false;
  // Without a piece nothing else would show that the key exists, even when its size is 0.
  if (pieces_.empty()) return true;
  return pieces_.rbegin()->first + pieces_.rbegin()->second.length < size_;
}

void PatchedValue::hold_size(Location record, uint64_t timestamp) {
  if (newest_ == timestamp && !size_record_) size_record_ = record;
}

std::optional<uint64_t> PatchedValue::seek_data(uint64_t offset) const {
  if (offset >= size_) return std::nullopt;
  const auto it = first_overlapping(offset);
  if (it == pieces_.end()) return std::nullopt;
  return std::max(offset, it->first);
}

uint64_t PatchedValue::seek_hole(uint64_t offset) const {
  for (auto it = first_overlapping(offset); it != pieces_.end() && it->first <= offset; ++it) {
    offset = it->first + it->second.length;
  }
  return std::min(offset, size_);
}

std::optional<PlacedPiece> PatchedValue::small_run(uint64_t offset, const RunLimits& limits) const {
  auto it = first_overlapping(offset);
  if (it == pieces_.end() || it->second.length >= limits.small) return std::nullopt;
  // Only pieces of like size count (within a factor of limits.pieces), so that a byte is rewritten
  // once for each such factor that its run grows: the size-tiered rule of log-structured merge
  // trees.
  const uint64_t largest = uint64_t(it->second.length) * limits.pieces;
  const uint64_t end = it->first + it->second.length;
  auto first = it;
  size_t count = 1;
  while (first != pieces_.begin()) {
    const auto before = std::prev(first);
    if (before->first + before->second.length != first->first ||
        before->second.length >= limits.small || before->second.length >= largest ||
        end - before->first > limits.bytes) {
      break;
    }
    first = before;
    ++count;
  }
  if (count < limits.pieces) return std::nullopt;
  PlacedPiece out;
  out.offset = first->first;
  out.piece.length = uint32_t(end - first->first);
  return out;
}

}  // namespace memoria
