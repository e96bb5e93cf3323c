// SPDX-License-Identifier: MIT
// memoria-fs as a function, so that a test can call it.
#pragma once

#include <iosfwd>

namespace memoria {

/// What main() does; returns an MountExit. `argv` as for main(); text goes to `out`, complaints
/// (one line) to `err`. Forks unless -f is given.
int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

}  // namespace memoria
