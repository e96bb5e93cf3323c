// SPDX-License-Identifier: MIT
// Fills the key directory from many hints at once, by a merge of sorted runs (Knuth, The Art of
// Computer Programming, volume 3, 5.4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/log/hint.hpp"
#include "core/store/key_directory.hpp"
#include "core/store/segments.hpp"

namespace memoria {

/// The hint of one segment, on disk or only in memory.
struct Run {
  Slot slot = 0;
  HintIndex index;
  ReadHint read;
};

/// A run that cannot be used.
struct BadRun {
  size_t number = 0;
  Error why;
};

/// Loads an empty key directory from `runs` with up to `threads` threads, each of which takes a
/// range of the keys. Values up to `inline_limit` bytes stay in the key directory when their run
/// has them. Needs some 16 MiB for each thread beside the key directory, or 16 KiB for each run, if
/// that is more. Returns which run is damaged or cannot be read, whereupon the directory and the
/// counts of the segments hold a part of the whole; nothing when all is loaded.
/// `on_loaded` is told of so many records more, now and then, by any of the threads.
std::optional<BadRun> load_runs(const std::vector<Run>& runs, KeyDirectory& directory,
                                size_t inline_limit, unsigned threads,
                                const std::function<void(uint64_t records)>& on_loaded);

}  // namespace memoria
