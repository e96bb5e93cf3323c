// SPDX-License-Identifier: MIT
#include "fs/binding/opening_report.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/log/segment.hpp"

namespace memoria {
namespace {

constexpr auto kLogInterval = std::chrono::seconds(10);
// Longer than reading one segment takes on a slow disk.
constexpr std::chrono::microseconds kNextWord = std::chrono::minutes(5);

}  // namespace

std::string describe_opening(const Progress& progress) {
  if (progress.unit == Progress::Unit::kEntries) {
    return fmt::format("{} of {} records", progress.done, progress.total);
  }
  return fmt::format("{:.0f} % of {:.1f} MiB",
                     100.0 * double(progress.done) / double(std::max<uint64_t>(progress.total, 1)),
                     double(progress.total) / (1 << 20));
}

std::string describe_losses(const StoreStats& stats) {
  std::vector<uint64_t> lost;
  for (const auto& segment : stats.segments) {
    if (segment.damaged) lost.push_back(segment.id);
  }
  if (lost.empty()) return {};
  return fmt::format(
      "{} {} missing or damaged, and what was in {} cannot be read: memoria-ctl "
      "verify tells what that is",
      name_segments(lost), lost.size() == 1 ? "is" : "are", lost.size() == 1 ? "it" : "them");
}

OpeningReport::OpeningReport(std::string data_directory, const ServiceManager* manager,
                             std::chrono::milliseconds tell_interval)
    : data_directory_(std::move(data_directory)),
      manager_(manager),
      tell_interval_(tell_interval),
      tell_at_(Clock::now() + tell_interval),
      log_at_(Clock::now() + kLogInterval) {}

void OpeningReport::update(const Progress& progress) {
  const auto now = Clock::now();
  if (manager_ != nullptr && now >= tell_at_) {
    tell_at_ = now + tell_interval_;
    manager_->notify(fmt::format("EXTEND_TIMEOUT_USEC={}\nSTATUS=Opening {}: {}", kNextWord.count(),
                                 data_directory_, describe_opening(progress)));
  }
  if (now >= log_at_) {
    log_at_ = now + kLogInterval;
    spdlog::info("opening {}: {}", data_directory_, describe_opening(progress));
  }
}

}  // namespace memoria
