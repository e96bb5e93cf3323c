// SPDX-License-Identifier: MIT
// Keeps the service manager informed for as long as a mount is served.
#pragma once

#include <string>
#include <thread>

#include "fs/binding/mount_guard.hpp"
#include "fs/binding/service_manager.hpp"
#include "fs/volume/volume.hpp"

namespace memoria {

/// From a thread of its own: READY=1 when a program that asked the mount was answered; from then
/// on, after each further answer, WATCHDOG=1 and a STATUS line with the counts. A mount that does
/// not answer is reported nothing of, and what happens then is the manager's to decide.
class ServiceReporter {
 public:
  /// The mount is there, and served soon. `manager`, `guard`, which asks the mount, and `volume`
  /// outlive this.
  ServiceReporter(const ServiceManager& manager, MountGuard& guard, const Volume& volume,
                  std::string mount_point);
  /// Says STOPPING=1. Afterwards `volume` is not used.
  ~ServiceReporter();
  ServiceReporter(const ServiceReporter&) = delete;
  ServiceReporter& operator=(const ServiceReporter&) = delete;

 private:
  void run();
  bool wait_for_answer() const;
  bool ends_within(int timeout_ms) const;
  std::string status() const;

  const ServiceManager& manager_;
  MountGuard& guard_;
  const Volume& volume_;
  const std::string mount_point_;
  const int end_;  // an eventfd: readable when the thread shall end
  std::thread thread_;
};

/// "3 files, 12 keys, 4.5 MiB live, 0.0 MiB dead in 2 segments", or why nothing can be written.
std::string describe_counts(const StoreStats& stats, uint64_t files);

}  // namespace memoria
