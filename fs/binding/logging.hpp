// SPDX-License-Identifier: MIT
// Where the daemon's events go: one line each.
#pragma once

#include "core/store/options.hpp"

namespace memoria {

enum class LogTarget {
  kStandardError,  ///< for people: with time and severity
  kJournal,        ///< the standard error, each line with its priority in front: sd-daemon(3)
  kSyslog,
};

/// kJournal when the standard error of this process is a stream to systemd's journal.
LogTarget standard_error();
/// Sends spdlog's default logger there: one line for each event, control characters in it escaped,
/// at most 200 of one severity in 30 seconds. Not thread-safe: called before threads start.
void log_to(LogTarget target);
/// Says how many events were too many since that was said last. Called when the daemon ends.
void finish_log();
/// From now on libfuse's own messages are events too.
void log_libfuse_messages();
/// The store's events.
Logger store_logger();

}  // namespace memoria
