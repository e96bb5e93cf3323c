// SPDX-License-Identifier: MIT
// Whether two values are the same, told from where they lie as far as that goes.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "core/store/key_directory.hpp"
#include "core/store/record_reader.hpp"

namespace memoria {

/// Compares a range of one key's value in two stores that share their history (a store and its
/// snapshots). Bytes at the same place in the same segment are the same, and so are those of two
/// records with the same timestamp: the one is a copy that a merge made of the other. Only what
/// neither tells is read and compared.
class ValueComparison {
 public:
  struct Side {
    const KeyDirectory& directory;
    const Segments& segments;
    const RecordReader& reader;
  };
  /// Compares the bytes [offset, offset + length) themselves.
  using SameBytes = std::function<Result<bool>(uint64_t offset, uint64_t length)>;

  ValueComparison(Side a, Side b, std::string_view key, SameBytes same_bytes)
      : a_(a), b_(b), key_(key), same_bytes_(std::move(same_bytes)) {}

  /// Of values of this size, which both have.
  Result<bool> run(uint64_t size);

 private:
  bool same_record() const;
  Result<bool> same_window(uint64_t offset, uint64_t length);
  bool same_origin(uint64_t at, const PlacedPiece& a, const PlacedPiece& b) const;

  const Side a_, b_;
  const std::string_view key_;
  const SameBytes same_bytes_;
  ReadPlan plan_a_, plan_b_;
};

}  // namespace memoria
