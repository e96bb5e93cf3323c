// SPDX-License-Identifier: MIT
// What a rotten disk, or a careless hand, does to the files of a store.
#pragma once

#include <string>
#include <vector>

#include "tests/support/random.hpp"
#include "tests/support/simulated_disk.hpp"

namespace memoria::test {

/// One to four damages: bits, zeroed and overwritten blocks, cuts, appended bytes, and files that
/// are deleted, exchanged, copied over another or copied to a new name. Returns what was done, for
/// messages.
std::vector<std::string> rot(Image& image, Random& random);

}  // namespace memoria::test
