// SPDX-License-Identifier: MIT
// All that memoria-ctl sees of the world around it except files, so that tests can run it in
// process.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string_view>

#include "core/base/result.hpp"

namespace memoria::ctl {

struct Streams {
  std::function<Result<size_t>(std::span<char>)> in;  ///< 0 at the end
  /// Writes everything, or fails (EPIPE: the reader is gone).
  std::function<Status(std::string_view)> out, err;
  bool out_is_terminal = false, err_is_terminal = false;
  size_t err_columns = 80;            ///< width of the terminal
  std::function<bool()> interrupted;  ///< the user wants it to end
  std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
};

}  // namespace memoria::ctl
