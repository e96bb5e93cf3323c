// SPDX-License-Identifier: MIT
// Which segments a merge should take.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/store/options.hpp"
#include "core/store/reports.hpp"
#include "core/store/segments.hpp"

namespace memoria {

/// Bytes that a merge takes beside copies and their hints: headers, seals, the record that tells
/// what was replaced, and a manifest.
inline constexpr uint64_t kMergeOverhead = 16 << 10;

/// Whether the background merge should run at all: a segment above the fragmentation threshold, or
/// dead bytes above theirs, as in the original; or many small segments.
bool merge_is_due(const std::vector<std::shared_ptr<Segment>>& segments, const Options& options);

/// Whether so much of the store is dead that the background merge should not wait until it is next
/// asked: half of the fragmentation threshold of all bytes that a merge could free, and half a
/// segment. It keeps a store that is overwritten all the time from growing for a whole check
/// interval.
bool merge_is_urgent(const std::vector<std::shared_ptr<Segment>>& segments, const Options& options);

/// Bytes that a merge may use. It needs room for its output before it frees any.
struct MergeRoom {
  uint64_t budget = 0;      ///< for all that it writes
  uint64_t free_bytes = 0;  ///< that the disk has
};

/// The sealed, undamaged segments that `request` means, the deadest first, as long as their live
/// bytes fit. What a snapshot has, too, comes free with that only, and comes last: it is taken all
/// the same, so that the next snapshot need not have it, but leaves Options::reserve_bytes alone. A
/// small one alone is not taken for being small.
/// In a dry run for all segments the active one counts as sealed: a merge of all begins with that.
std::vector<std::shared_ptr<Segment>> choose_inputs(
    const std::vector<std::shared_ptr<Segment>>& segments, const Options& options,
    const MergeRequest& request, const MergeRoom& room);

}  // namespace memoria
