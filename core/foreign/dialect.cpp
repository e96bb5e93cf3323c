// SPDX-License-Identifier: MIT
#include "core/foreign/dialect.hpp"

#include <algorithm>

namespace memoria::foreign {
namespace {

constexpr uint64_t kAskEvery = 1 << 20;
/// Verified in vain at most, in bytes: as in segment_scan.cpp, for each of the dialects.
constexpr uint64_t kWorkOfSmallFiles = 64 << 20;
constexpr uint64_t kWorkPerByte = 4;

/// Of one byte order.
Result<std::optional<Dialect>> dialect_at(Window& window, uint64_t offset, const RecordHead& head,
                                          bool big_endian) {
  for (const bool castagnoli : {false, true}) {
    for (const auto covers :
         {Dialect::Covers::kBehindIt, Dialect::Covers::kAllButIt, Dialect::Covers::kAllWithZeros}) {
      const Dialect dialect{big_endian, castagnoli, covers};
      MEMORIA_TRY(const bool right, verify_record(window, OriginalFormat(dialect), offset, head));
      if (right) return std::optional(dialect);
    }
  }
  return std::optional<Dialect>();
}

}  // namespace

Result<std::optional<Dialect>> find_dialect(const SourceFile& file, uint64_t size,
                                            const std::function<Status(uint64_t)>& go_on) {
  const OriginalFormat orders[] = {OriginalFormat({.big_endian = false}),
                                   OriginalFormat({.big_endian = true})};
  Window window(file, size), records(file, size);
  uint64_t work_left = kWorkOfSmallFiles + kWorkPerByte * std::min(size, uint64_t{1} << 50);
  for (uint64_t at = 0; at + OriginalFormat::kHeadSize <= size; ++at) {
    if (at % kAskEvery == 0) MEMORIA_TRY(go_on(at));
    for (const auto& order : orders) {
      MEMORIA_TRY(const auto head, head_at(window, order, at));
      if (!head) continue;
      const uint64_t record = OriginalFormat::kHeadSize + head->key_size + head->value_size;
      if (record > work_left) return std::optional<Dialect>();
      work_left -= record;
      MEMORIA_TRY(const auto found, dialect_at(records, at, *head, order.dialect().big_endian));
      if (found) return found;
    }
  }
  return std::optional<Dialect>();
}

}  // namespace memoria::foreign
