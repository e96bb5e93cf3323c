// SPDX-License-Identifier: MIT
// Where the daemon's events go: one line each.
#pragma once

#include "core/store/options.hpp"

namespace memoria {

enum class LogTarget { kStandardError, kSyslog };

/// Sends spdlog's default logger there. Not thread-safe: called before threads start.
void log_to(LogTarget target);
/// From now on libfuse's own messages are events too.
void log_libfuse_messages();
/// The store's events.
Logger store_logger();

}  // namespace memoria
