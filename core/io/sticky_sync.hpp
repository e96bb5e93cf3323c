// SPDX-License-Identifier: MIT
// A file whose sync, once it has failed, never succeeds again.
#pragma once

#include <memory>

#include "core/io/environment.hpp"

namespace memoria {

/// The kernel tells of a failed write-back once, to one of those who sync the descriptor, and the
/// next success would be a lie. Here each hears of it: those who sync at the same time do it one
/// after the other, and after a failure all get that.
std::unique_ptr<File> with_sticky_sync(std::unique_ptr<File> file);

}  // namespace memoria
