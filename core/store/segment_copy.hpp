// SPDX-License-Identifier: MIT
// Copies sealed segments from one directory to another and checks every record on the way.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/io/environment.hpp"
#include "core/log/manifest.hpp"
#include "core/store/reports.hpp"

namespace memoria {

/// A sealed segment that should be in a directory, and the store that it belongs to.
struct SealedSegment {
  StoreUuid uuid{};
  ManifestEntry entry;
  uint64_t name_id = 0;  ///< its files are called so
};

/// The ids in the names of segments' files, by the segments' own.
using SegmentNames = std::map<uint64_t, uint64_t>;

/// Where the manifest's segments are, as far as they are in the directory. Somebody may have
/// renamed them: the header decides.
Result<SegmentNames> names_of_segments(Environment& place, const Manifest& manifest);

/// Told of bytes that were dealt with; false stops.
using Advance = std::function<bool(uint64_t bytes)>;

/// Reads all of it and checks every checksum. Damage is what cannot be read, also because it is
/// missing; `live` says nothing here. kNewerFormat, kIo.
Result<std::vector<Damage>> check_segment(Environment& place, const SealedSegment& segment);

/// Copies data and hint, durably but for their names, replacing what is there, but for a copy that
/// is no worse than this one, which is damaged, and a hint that checks out. Damaged bytes stay
/// damaged in the copy: their checksums tell. Bytes that the disk refuses to read become zeros.
/// Returns what is wrong with the copy that is there in the end. `before_damaged` is called before
/// a copy with damage gets its name, and can refuse it.
/// kNotFound: the data file is missing; its hint is copied all the same. kCancelled, and the errors
/// of writing: nothing has changed.
Result<std::vector<Damage>> copy_segment(Environment& from, const SealedSegment& segment,
                                         Environment& to, const Advance& advance,
                                         const std::function<Status()>& before_damaged);

/// Whether `place` has a hint of it that checks out.
bool has_good_hint(Environment& place, const SealedSegment& segment);

/// Whether `place` has this segment complete, and as `original` has it: ids are unique in a store
/// and sealed segments never change, so length, header and seal tell. What is between them is not
/// read.
bool has_same_segment(Environment& place, Environment& original, const SealedSegment& segment);

}  // namespace memoria
