// SPDX-License-Identifier: MIT
// The simulated disk's contents from and to a directory of a real one. Throws std::exception when
// that fails.
#pragma once

#include <string>

#include "tests/powerloss/disk_tree.hpp"

namespace memoria::powerloss {

/// Fills an empty tree with what `directory` holds: files, hard links, directories; all of it
/// durable.
void load(DiskTree& tree, const std::string& directory);

/// Makes `directory` hold this and nothing else. Files have the mode 0600, directories 0700.
void store(const test::Remains& remains, const std::string& directory);

}  // namespace memoria::powerloss
