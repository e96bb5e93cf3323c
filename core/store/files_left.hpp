// SPDX-License-Identifier: MIT
// How many files (inodes) the disk can still hold.
#pragma once

#include <cstdint>
#include <optional>

#include "core/io/environment.hpp"

namespace memoria {

/// Nothing: the filesystem does not count them.
Result<std::optional<uint64_t>> files_left(Environment& environment);

}  // namespace memoria
