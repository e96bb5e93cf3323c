// SPDX-License-Identifier: MIT
// What a failed write or sync leaves: the kernel may have dropped what it could not write and count
// it as written, so that it reads as it should, a later sync succeeds, and a loss of power takes it
// (Rebello et al., Can Applications Recover from fsync Failures?, USENIX ATC 2020).
#pragma once

#include <cstdint>
#include <string_view>

#include "core/io/environment.hpp"

namespace memoria {

/// A file whose being there says so. It need not be durable: what it warns of lives in the memory
/// of the machine, as it does.
inline constexpr std::string_view kFailedSyncFile = "sync-failed";

/// For the next opening. On a disk that takes no name either nothing can be noted.
void note_failed_sync(Environment& environment);
/// Also when it cannot be told.
bool has_failed_sync(Environment& environment);
/// Everything is durable again.
void forget_failed_sync(Environment& environment);

/// Writes the first `size` bytes of a file in their places, so that the next sync has to. What
/// cannot be read is left alone.
Status write_again(File& file, uint64_t size);

}  // namespace memoria
