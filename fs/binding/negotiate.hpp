// SPDX-License-Identifier: MIT
// What this filesystem and the kernel agree on, in one place.
#pragma once

#include "fs/binding/binding.hpp"
#include "fs/binding/fuse.hpp"

namespace memoria {

/// What the kernel does without asking.
struct LeftToKernel {
  bool writeback = false;            ///< it owns sizes and times of regular files
  bool opening_files = false;        ///< it opens and closes files
  bool opening_directories = false;  ///< the same for directories
};

/// The part that makes requests few and large, which any filesystem can have that answers without
/// state: also the one that benchmarks compare with (tests/bench/ceiling). `writeback`: wished.
LeftToKernel negotiate_speed(fuse_conn_info& connection, bool writeback);

/// Answers the kernel's INIT: asks for what the binding wants and the kernel offers, and notes in
/// `binding` what came of it.
void negotiate(fuse_conn_info& connection, Binding& binding);

}  // namespace memoria
