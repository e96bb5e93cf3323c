// SPDX-License-Identifier: MIT
#include "fs/volume/value_copy.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace memoria {
namespace {

constexpr uint64_t kPiece = 256 << 10;
constexpr uint64_t kUnit = 4096;  // damage is looked for in units of this

class ValueCopy {
 public:
  ValueCopy(const Store& from, Store& to, std::string_view key) : from_(from), to_(to), key_(key) {}

  Status copy(uint64_t begin, uint64_t end) {
    MEMORIA_TRY(const bool whole, copy_readable(begin, end));
    if (whole) return ok();
    MEMORIA_TRY(find_seams());
    for (uint64_t at = begin; at < end;) {
      const auto seam = std::upper_bound(seams_.begin(), seams_.end(), at);
      uint64_t next = std::min(end, (at / kUnit + 1) * kUnit);
      if (seam != seams_.end()) next = std::min(next, *seam);
      MEMORIA_TRY(const bool readable, copy_readable(at, next));
      if (!readable) MEMORIA_TRY(copy_around_damage(at, next));
      at = next;
    }
    return ok();
  }

  std::vector<LostRange> lost;

 private:
  /// Where another record begins. Between two of them a unit has at most two blocks, so that what
  /// is readable of it is at its beginning or at its end.
  Status find_seams() {
    if (!seams_.empty()) return ok();
    MEMORIA_TRY(const auto extents, from_.locate(key_));
    for (const auto& extent : extents) {
      seams_.push_back(extent.offset);
      seams_.push_back(extent.offset + extent.length);
    }
    return ok();
  }

  bool is_readable(uint64_t begin, uint64_t end) {
    if (begin == end) return true;
    buffer_.resize(size_t(end - begin));
    const auto got = from_.read_at(key_, begin, buffer_);
    return got.has_value() && got.value() == buffer_.size();
  }

  Result<bool> copy_readable(uint64_t begin, uint64_t end) {
    if (!is_readable(begin, end)) return false;
    if (begin != end) MEMORIA_TRY(to_.write_at(key_, begin, buffer_));
    return true;
  }

  /// The longest readable beginning and end of a unit that is not readable as a whole.
  Status copy_around_damage(uint64_t begin, uint64_t end) {
    uint64_t first = begin, low = end;  // [begin, first) is readable, [begin, low) is not
    while (low - first > 1) {
      const uint64_t middle = first + (low - first) / 2;
      (is_readable(begin, middle) ? first : low) = middle;
    }
    uint64_t last = end, high = first;  // [last, end) is readable, [high, end) is not
    while (last - high > 1) {
      const uint64_t middle = high + (last - high) / 2;
      (is_readable(middle, end) ? last : high) = middle;
    }
    MEMORIA_TRY(copy_readable(begin, first));
    MEMORIA_TRY(copy_readable(last, end));
    if (!lost.empty() && lost.back().offset + lost.back().length == first) {
      lost.back().length += last - first;
    } else {
      lost.push_back({first, last - first});
    }
    return ok();
  }

  const Store& from_;
  Store& to_;
  const std::string_view key_;
  std::string buffer_;
  std::vector<uint64_t> seams_;  // in order; empty: not known yet
};

}  // namespace

Result<std::vector<LostRange>> copy_value(const Store& from, Store& to, std::string_view key,
                                          const std::function<bool(uint64_t)>& copied) {
  const uint64_t size = from.size(key).value_or(0);
  ValueCopy copy(from, to, key);
  for (auto at = from.seek_data(key, 0); at; at = from.seek_data(key, *at)) {
    uint64_t end = std::min(from.seek_hole(key, *at).value_or(size), size);
    end = std::min(end, (*at / kPiece + 1) * kPiece);
    if (end <= *at) break;
    MEMORIA_TRY(copy.copy(*at, end));
    if (!copied(end - *at)) return Error(Errc::kCancelled);
    at = end;
  }
  MEMORIA_TRY(to.truncate(key, size));
  return std::move(copy.lost);
}

}  // namespace memoria
