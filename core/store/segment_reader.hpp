// SPDX-License-Identifier: MIT
// Shows what is in one segment, for people who look for what went wrong.
#pragma once

#include "core/store/file_cache.hpp"
#include "core/store/key_directory.hpp"
#include "core/store/reports.hpp"

namespace memoria {

/// Every record of the segment that says something of a key, with the state of its checksums.
/// kNotFound: no such segment; errors of reading.
Result<SegmentReport> read_segment(const Segments& segments, FileCache& files,
                                   const KeyDirectory& directory, uint64_t id,
                                   const RecordVisitor& visit);

}  // namespace memoria
