// SPDX-License-Identifier: MIT
// What a store that is opened here logs, for the user of a command.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "core/base/mutex.hpp"
#include "core/store/options.hpp"
#include "tools/streams.hpp"

namespace memoria::ctl {

/// Writes warnings and errors to standard error, each once. An error waits for the next one or the
/// end: when the command's result tells it as well, that is enough. Any thread may log.
class Warnings {
 public:
  /// `streams` must outlive it.
  explicit Warnings(const Streams& streams) : streams_(streams) {}

  /// For Options::logger; must not outlive this.
  Logger logger();
  /// The command says this itself.
  void told(std::string_view text);
  /// Writes what still waits.
  void flush();

 private:
  void add(Severity severity, std::string_view message);
  void write(std::string_view message) REQUIRES(mutex_);
  void write_waiting() REQUIRES(mutex_);

  const Streams& streams_;
  Mutex mutex_;
  std::set<std::string, std::less<>> seen_ GUARDED_BY(mutex_);
  std::string waiting_ GUARDED_BY(mutex_);
};

}  // namespace memoria::ctl
