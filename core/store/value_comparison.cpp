// SPDX-License-Identifier: MIT
#include "core/store/value_comparison.hpp"

#include <algorithm>
#include <optional>

namespace memoria {
namespace {

constexpr uint64_t kWindow = 64 << 20;  ///< bytes of a value whose pieces are looked at at once

/// Goes through the pieces of a plan from left to right.
class Cursor {
 public:
  Cursor(const std::vector<PlacedPiece>& parts, uint64_t end) : parts_(parts), end_(end) {}

  /// The piece at `at`, nothing in a hole. `at` must not decrease.
  const PlacedPiece* piece(uint64_t at) {
    while (next_ < parts_.size() && end_of(parts_[next_]) <= at) ++next_;
    return next_ < parts_.size() && parts_[next_].offset <= at ? &parts_[next_] : nullptr;
  }
  /// Where the piece or the hole at `at` ends.
  uint64_t run_end(uint64_t at) {
    const auto* here = piece(at);
    if (here != nullptr) return std::min(end_, end_of(*here));
    return next_ < parts_.size() ? std::min(end_, parts_[next_].offset) : end_;
  }

 private:
  static uint64_t end_of(const PlacedPiece& part) { return part.offset + part.piece.length; }

  const std::vector<PlacedPiece>& parts_;
  const uint64_t end_;
  size_t next_ = 0;
};

}  // namespace

/// Both are whole values in one record, of the same moment.
bool ValueComparison::same_record() const {
  if (a_.directory.records(key_).empty() || b_.directory.records(key_).empty()) return false;
  const auto a = a_.directory.info(key_), b = b_.directory.info(key_);
  return a && b && a->timestamp == b->timestamp;
}

Result<bool> ValueComparison::run(uint64_t size) {
  if (same_record()) return true;
  for (uint64_t at = 0; at < size; at += kWindow) {
    MEMORIA_TRY(const bool same, same_window(at, std::min(kWindow, size - at)));
    if (!same) return false;
  }
  return true;
}

Result<bool> ValueComparison::same_window(uint64_t offset, uint64_t length) {
  if (!a_.directory.plan(key_, offset, length, plan_a_)) return Error{Errc::kNotFound};
  if (!b_.directory.plan(key_, offset, length, plan_b_)) return Error{Errc::kNotFound};
  if (plan_a_.is_inline || plan_b_.is_inline) return same_bytes_(offset, length);
  const uint64_t end = offset + length;
  Cursor a(plan_a_.parts, end), b(plan_b_.parts, end);
  for (uint64_t at = offset; at < end;) {
    const auto* const piece_a = a.piece(at);
    const auto* const piece_b = b.piece(at);
    const uint64_t run_end = std::min(a.run_end(at), b.run_end(at));
    const bool both = piece_a != nullptr && piece_b != nullptr;
    const bool told = both ? same_origin(at, *piece_a, *piece_b) : piece_a == piece_b;
    if (!told) {
      MEMORIA_TRY(const bool same, same_bytes_(at, run_end - at));
      if (!same) return false;
    }
    at = run_end;
  }
  return true;
}

/// The bytes from `at` on are those of the same write. What cannot be looked up, because a merge
/// just moved it or because it is damaged, is not told.
bool ValueComparison::same_origin(uint64_t at, const PlacedPiece& a, const PlacedPiece& b) const {
  const auto* const segment_a = a_.segments.find(a.piece.location.slot);
  const auto* const segment_b = b_.segments.find(b.piece.location.slot);
  if (!segment_a || !segment_b) return false;
  const bool same_place = segment_a->header.id == segment_b->header.id &&
                          a.piece.location.offset == b.piece.location.offset &&
                          at - a.offset + a.piece.skip == at - b.offset + b.piece.skip;
  if (same_place) return true;
  const auto written_a = a_.reader.timestamp(key_, a.piece);
  if (!written_a.has_value()) return false;
  const auto written_b = b_.reader.timestamp(key_, b.piece);
  return written_b.has_value() && written_a.value() == written_b.value();
}

}  // namespace memoria
