// SPDX-License-Identifier: MIT
// memoria-ctl without its process.
#pragma once

#include <span>
#include <string>

#include "tools/streams.hpp"

namespace memoria::ctl {

/// Runs the command in `arguments` (those behind the program's name); returns the exit code, one of
/// fs/control/exit_code.hpp.
int run(std::span<const std::string> arguments, const Streams& streams);

}  // namespace memoria::ctl
