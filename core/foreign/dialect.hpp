// SPDX-License-Identifier: MIT
// Which dialect of the original engine's log a file is written in.
#pragma once

#include <functional>
#include <optional>

#include "core/foreign/original_format.hpp"
#include "core/foreign/segment_scan.hpp"

namespace memoria::foreign {

/// That of the first record in the file that is right in any; nothing when there is none. `go_on`
/// is asked now and then, with the bytes that are done; its error ends the search.
Result<std::optional<Dialect>> find_dialect(const SourceFile& file, uint64_t size,
                                            const std::function<Status(uint64_t)>& go_on);

}  // namespace memoria::foreign
