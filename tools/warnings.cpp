// SPDX-License-Identifier: MIT
#include "tools/warnings.hpp"

#include <fmt/format.h>

#include <utility>

namespace memoria::ctl {

Logger Warnings::logger() {
  return [this](Severity severity, std::string_view message) { add(severity, message); };
}

void Warnings::add(Severity severity, std::string_view message) {
  if (severity < Severity::kWarning) return;
  Lock lock(mutex_);
  if (!seen_.emplace(message).second) return;
  write_waiting();
  if (severity == Severity::kError) {
    waiting_ = message;
  } else {
    write(message);
  }
}

void Warnings::told(std::string_view text) {
  Lock lock(mutex_);
  if (text.find(waiting_) != std::string_view::npos) waiting_.clear();
}

void Warnings::flush() {
  Lock lock(mutex_);
  write_waiting();
}

void Warnings::write(std::string_view message) {
  (void)streams_.err(fmt::format("memoria-ctl: {}\n", message));
}

void Warnings::write_waiting() {
  if (!waiting_.empty()) write(std::exchange(waiting_, {}));
}

}  // namespace memoria::ctl
