// SPDX-License-Identifier: MIT
// Reads everything and checks everything.
#pragma once

#include "core/io/environment.hpp"
#include "core/store/file_cache.hpp"
#include "core/store/key_directory.hpp"
#include "core/store/reports.hpp"

namespace memoria {

/// Every record of every segment, and every hint, beside readers and writers. What is appended
/// after the start may or may not be looked at. No faster than the rate; 0: no limit. kCancelled.
Result<VerifyReport> verify_segments(Environment& environment, Segments& segments, FileCache& files,
                                     const KeyDirectory& directory, const ProgressFn& progress,
                                     uint64_t rate_bytes_per_second);

}  // namespace memoria
