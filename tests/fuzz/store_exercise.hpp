// SPDX-License-Identifier: MIT
// Opens a store from any files and uses everything: no crash, no hang, and no other contents after
// a merge or a reopening than before.
#pragma once

#include "tests/support/simulated_disk.hpp"

namespace memoria::test {

void exercise_store(const Image& image);

}  // namespace memoria::test
