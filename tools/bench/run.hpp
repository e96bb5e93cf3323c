// SPDX-License-Identifier: MIT
// memoria-bench as a function, so that a test can call it.
#pragma once

#include <functional>
#include <iosfwd>

namespace memoria::bench {

/// What main() does; returns an ExitCode. The table goes to `out`; progress and complaints to
/// `err`. Stops before the next run when `stop` says so, reporting the contests that were finished.
int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err,
        const std::function<bool()>& stop = {});

}  // namespace memoria::bench
