// SPDX-License-Identifier: MIT
// For data directories that are in use, and soon may not be.
#pragma once

#include <string>
#include <utility>

namespace memoria::ctl {

/// Counts how often it is tried to get hold of a data directory. A daemon that is starting owns it
/// a moment before it listens; `fusermount3 -u` returns before the daemon has sealed its log and
/// written its hints.
class Patience {
 public:
  explicit Patience(std::string data_directory) : data_directory_(std::move(data_directory)) {}

  /// Waits a little; false: whoever has the directory has it for longer. `ending`: it is known that
  /// its daemon is about to go.
  bool wait(bool ending = false);

 private:
  const std::string data_directory_;
  int tries_ = 0;
};

}  // namespace memoria::ctl
