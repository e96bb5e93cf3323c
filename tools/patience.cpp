// SPDX-License-Identifier: MIT
#include "tools/patience.hpp"

#include <fmt/format.h>

#include <boost/filesystem/operations.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <fstream>
#include <thread>

#include "tools/target.hpp"

namespace memoria::ctl {
namespace {

constexpr int kTries = 10;
constexpr int kTriesWhileEnding = 300;
constexpr auto kPause = std::chrono::milliseconds(100);

/// By its file: mount(8) starts it by another name, and one that was replaced meanwhile has
/// " (deleted)" behind its own.
bool is_daemon(const std::string& pid) {
  boost::system::error_code error;
  const auto program = boost::filesystem::read_symlink(fmt::format("/proc/{}/exe", pid), error);
  return program.filename().string().starts_with("memoria-fs");
}

/// The owner, as the lock names it, is a daemon that mounts nothing: not yet, or no longer.
bool is_owned_without_mount(const std::string& data_directory) {
  std::string pid;
  std::ifstream(data_directory + "/lock") >> pid;
  if (pid.empty() || pid.find_first_not_of("0123456789") != std::string::npos) return false;
  if (!is_daemon(pid)) return false;
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
