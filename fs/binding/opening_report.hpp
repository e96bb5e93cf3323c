// SPDX-License-Identifier: MIT
// A store that takes long to open, as after the loss of its hints, says how far it is.
#pragma once

#include <chrono>
#include <string>

#include "core/store/reports.hpp"
#include "fs/binding/service_manager.hpp"

namespace memoria {

/// Tells the service manager every second, and has it wait on: a start that is making progress must
/// not be killed for taking long, since the next one would take as long. The log hears of it every
/// ten seconds. One thread at a time.
class OpeningReport {
 public:
  /// `manager` outlives this; none: only the log is told.
  OpeningReport(std::string data_directory, const ServiceManager* manager,
                std::chrono::milliseconds tell_interval = std::chrono::seconds(1));
  void update(const Progress& progress);

 private:
  using Clock = std::chrono::steady_clock;

  const std::string data_directory_;
  const ServiceManager* const manager_;
  const std::chrono::milliseconds tell_interval_;
  Clock::time_point tell_at_;
  Clock::time_point log_at_;
};

/// "35 % of 200.0 MiB", "120000 of 500000 records".
std::string describe_opening(const Progress& progress);

/// What opening found missing or damaged, for somebody who mounts; empty: nothing.
std::string describe_losses(const StoreStats& stats);

}  // namespace memoria
