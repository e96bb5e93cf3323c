// SPDX-License-Identifier: MIT
// Writes a sealed segment's hint by scanning it, and checks those that exist.
#pragma once

#include <string>

#include "core/io/environment.hpp"
#include "core/log/hint.hpp"
#include "core/store/file_cache.hpp"
#include "core/store/segments.hpp"

namespace memoria {

/// Scans `segment` and writes its hint. kCorrupt: the segment is damaged; such a one has no hint,
/// so that every opening looks at the damage again.
Status build_hint(Environment& environment, FileCache& files, Segment& segment,
                  size_t inline_limit);

/// The segment's hint, piece by piece and unchecked. The file is open only while it is read: there
/// may be more segments than a process may have files. `environment` must outlive it.
ReadHint read_hint_file(Environment& environment, const Segment& segment);
/// Its size in bytes; 0 when it is too long to be the segment's. Errors: those of opening it.
Result<uint64_t> hint_file_size(Environment& environment, const Segment& segment);

/// The bytes of the segment's hint, unchecked; kNotFound, and what else reading a file can end
/// with.
Result<std::string> read_hint(Environment& environment, const Segment& segment);
/// The same; empty when they cannot be read.
std::string load_hint(Environment& environment, const Segment& segment);

/// Whether the segment has a hint that checks out.
bool check_hint(Environment& environment, const Segment& segment);

}  // namespace memoria
