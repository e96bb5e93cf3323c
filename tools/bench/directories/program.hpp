// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace memoria::bench {

/// Runs a program of $PATH in `directory`, without input, its output thrown away, in an environment
/// that depends on nobody's settings (C locale, git without configuration files). An error when its
/// exit code is another one than expected, with the end of what it complained.
Status run_program(const std::vector<std::string>& arguments, const std::string& directory,
                   int expected_code = 0);

/// The same for a script of sh; $1, $2 ... are the arguments.
Status run_script(const std::string& script, const std::vector<std::string>& arguments,
                  const std::string& directory);

}  // namespace memoria::bench
