// SPDX-License-Identifier: MIT
#include "tools/patience.hpp"

#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "tools/target.hpp"

namespace memoria::ctl {
namespace {

constexpr int kTries = 10;
constexpr int kTriesWhileEnding = 300;
constexpr auto kPause = std::chrono::milliseconds(100);

/// The owner, as the lock names it, is a daemon that mounts nothing: not yet, or no longer.
bool is_owned_without_mount(const std::string& data_directory) {
  std::string pid, program;
  std::ifstream(data_directory + "/lock") >> pid;
  if (pid.empty() || pid.find_first_not_of("0123456789") != std::string::npos) return false;
  std::ifstream(fmt::format("/proc/{}/comm", pid)) >> program;
  if (program != "memoria-fs") return false;
  const auto mounts = read_mounts();
  return mounts && !path_through_mount({data_directory}, "/", mounts.value());
}

}  // namespace

bool Patience::wait(bool ending) {
  const bool longer = ending || is_owned_without_mount(data_directory_);
  if (++tries_ >= (longer ? kTriesWhileEnding : kTries)) return false;
  std::this_thread::sleep_for(kPause);
  return true;
}

}  // namespace memoria::ctl
