// SPDX-License-Identifier: MIT
// The hint of a sealed segment as a file: writing it by a scan of the segment, reading, checking.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/io/environment.hpp"
#include "core/log/hint.hpp"
#include "core/log/scan.hpp"
#include "core/store/file_cache.hpp"
#include "core/store/segments.hpp"

namespace memoria {

/// Scans `segment` and writes its hint. kCorrupt: the segment is damaged, as far as `mode` looks
/// (kSealed, kHeads); such a one has no hint, so that every opening looks at the damage again.
Status build_hint(Environment& environment, FileCache& files, Segment& segment, size_t inline_limit,
                  SegmentScanner::Mode mode);

/// A segment's hint: what it has, which is checked, and how to read its blocks, which are checked
/// as they are read (HintCursor).
struct HintFile {
  HintIndex index;
  ReadHint read;
};

/// Nothing: there is no hint that could be the segment's. The file is open only while something of
/// it is read: there may be more segments than a process may have files. `environment` must outlive
/// it. The only error: there are no descriptors, which says nothing of the hint.
Result<std::optional<HintFile>> open_hint(Environment& environment, const Segment& segment);

/// Calls `visit` with each entry, in the order of the keys. False: there is no hint that can be
/// trusted; it may have been called with some entries by then.
bool for_each_in_hint(Environment& environment, const Segment& segment,
                      const std::function<void(const Entry&)>& visit);

/// The bytes of the segment's hint, unchecked; kNotFound, and what else reading a file can end
/// with.
Result<std::string> read_hint(Environment& environment, const Segment& segment);
/// The same; empty when they cannot be read.
std::string load_hint(Environment& environment, const Segment& segment);

/// Whether the segment has a hint that checks out.
bool check_hint(Environment& environment, const Segment& segment);

}  // namespace memoria
