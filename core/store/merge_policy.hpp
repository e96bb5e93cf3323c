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

/// The sealed, undamaged segments that `request` means, the deadest first, as long as their live
/// bytes fit into `free_bytes` (a merge needs room for its output before it frees any). What a
/// snapshot has, too, frees nothing: it is taken where it is asked for or its segment is small (for
/// fewer files at each snapshot), and leaves the reserve alone. In a dry
/// run for all segments the active one counts as sealed: a merge of all begins with that.
std::vector<std::shared_ptr<Segment>> choose_inputs(
    const std::vector<std::shared_ptr<Segment>>& segments, const Options& options,
    const MergeRequest& request, uint64_t free_bytes);

}  // namespace memoria
