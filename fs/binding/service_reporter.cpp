// SPDX-License-Identifier: MIT
#include "fs/binding/service_reporter.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "core/base/signals.hpp"

namespace memoria {
namespace {

// How old the status line may get; and the watchdog hears from us this often or more.
constexpr auto kPeriod = std::chrono::milliseconds(10'000);

int make_event() {
  const int fd = ::eventfd(0, EFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return fd;
}

/// A third of what the manager waits, so that one late answer is not the end.
int period_ms(const ServiceManager& manager) {
  auto period = kPeriod;
  if (manager.watchdog().count() > 0) {
    period = std::min(
        period, std::chrono::duration_cast<std::chrono::milliseconds>(manager.watchdog() / 3));
  }
  return std::max(1, int(period.count()));
}

double mebibytes(uint64_t bytes) {
  return double(bytes) / (1 << 20);
}

}  // namespace

std::string describe_counts(const StoreStats& stats, uint64_t files) {
  if (stats.read_only && !stats.read_only_reason.empty()) {
    return "read-only since " + stats.read_only_reason;
  }
  return fmt::format(
      "{} files, {} keys, {:.1f} MiB live, {:.1f} MiB dead in {} segments{}", files, stats.keys,
      mebibytes(stats.live_bytes), mebibytes(stats.dead_bytes), stats.segments.size(),
      stats.read_errors == 0 ? "" : fmt::format(", {} reads failed", stats.read_errors));
}

ServiceReporter::ServiceReporter(const ServiceManager& manager, MountGuard& guard,
                                 const Volume& volume, std::string mount_point)
    : manager_(manager),
      guard_(guard),
      volume_(volume),
      mount_point_(std::move(mount_point)),
      end_(make_event()),
      thread_(thread_without_signals([this] { run(); })) {}

ServiceReporter::~ServiceReporter() {
  eventfd_write(end_, 1);
  thread_.join();
  ::close(end_);
  manager_.notify("STOPPING=1\nSTATUS=Syncing and closing");
}

void ServiceReporter::run() {
  const int period = period_ms(manager_);
  bool ready = false;
  for (;;) {
    guard_.ask();
    if (!wait_for_answer()) return;
    if (guard_.answered()) {
      manager_.notify((ready ? "WATCHDOG=1\nSTATUS=" : "READY=1\nSTATUS=") + status());
      ready = true;
    }
    if (ends_within(period)) return;
  }
}

/// False: the thread shall end.
bool ServiceReporter::wait_for_answer() const {
  pollfd sources[] = {{end_, POLLIN, 0}, {guard_.descriptor(), POLLIN, 0}};
  while (::poll(sources, 2, -1) < 0 && errno == EINTR) {
  }
  return sources[0].revents == 0;
}

bool ServiceReporter::ends_within(int timeout_ms) const {
  pollfd end{end_, POLLIN, 0};
  return ::poll(&end, 1, timeout_ms) > 0;
}

std::string ServiceReporter::status() const {
  return fmt::format("{}: {}", mount_point_,
                     describe_counts(volume_.store().stats(), volume_.files()));
}

}  // namespace memoria
