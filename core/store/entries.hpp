// SPDX-License-Identifier: MIT
// From a scanned record to the entry that the key directory and hints take.
#pragma once

#include "core/log/entry.hpp"
#include "core/log/scan.hpp"

namespace memoria {

/// The kinds that say something of a key.
constexpr bool describes_a_key(Kind kind) {
  return kind <= Kind::kPunch;
}
/// The kinds that only take away; whether they can be dropped is for a merge to find out.
constexpr bool is_eraser(Kind kind) {
  return kind == Kind::kErase || kind == Kind::kTruncate || kind == Kind::kPunch;
}

/// Whether the record alone is a whole new value, which then can live in the key directory.
constexpr bool begins_a_value(const Record& r) {
  return r.kind == Kind::kPut ||
         (r.kind == Kind::kPiece && r.offset == 0 && r.generation == r.timestamp);
}

inline Entry entry_of(const ScannedRecord& scanned, size_t inline_limit) {
  const Record& r = scanned.record;
  const bool is_inline = begins_a_value(r) && scanned.intact && r.value_size <= inline_limit;
  return {r, uint32_t(scanned.offset), is_inline, scanned.value};
}

}  // namespace memoria
