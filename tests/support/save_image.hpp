// SPDX-License-Identifier: MIT
// A simulated disk's files as real ones, so that programs can be tried on what a test found.
#pragma once

#include <string>

#include "tests/support/simulated_disk.hpp"

namespace memoria::test {

/// Writes all files below `directory`, making it.
void save_image(const Image& image, const std::string& directory);

}  // namespace memoria::test
