// SPDX-License-Identifier: MIT
// Everything that can be said after -o.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/store/options.hpp"
#include "fs/binding/binding.hpp"
#include "fs/binding/mount_exit.hpp"

namespace memoria {

struct MountOptions {
  Options store = Volume::store_options();
  CacheTimes cache_times;
  bool writeback = true;
  bool read_only = false;
  std::string snapshot;             ///< shown instead of the present; empty: none
  unsigned max_threads = 10;        ///< that serve requests
  bool io_uring = false;            ///< when libfuse and the kernel have it
  std::vector<std::string> kernel;  ///< for libfuse, as given: "allow_other", "noexec" ...
};

/// Adds a list (see split_mount_options()) to `options`. Later ones win. Fails with kUsage
/// and a sentence that names the option, its value, and what is allowed.
Checked<void> add_mount_options(std::string_view list, MountOptions& options);

/// The same for one option.
Checked<void> add_mount_option(std::string_view option, MountOptions& options);

/// The options of a comma-separated list ("\," is a comma).
std::vector<std::string> split_mount_options(std::string_view list);

/// One line for each of our own options, for --help.
std::string describe_mount_options();

}  // namespace memoria
