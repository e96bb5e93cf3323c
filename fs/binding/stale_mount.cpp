// SPDX-License-Identifier: MIT
#include "fs/binding/stale_mount.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "fs/binding/kernel_connection.hpp"
#include "fs/binding/mount_table.hpp"

namespace memoria {
namespace {

constexpr int kMostStaleMounts = 16;  // one on top of the other; more is not an accident
constexpr int kTries = 50;
constexpr auto kPause = std::chrono::milliseconds(20);

/// What the kernel has not cached gives ENOTCONN; or, of a daemon that dies while it is asked,
/// ECONNABORTED, and EIO when a thread that was killed took the request and could not read it.
/// Attributes are cached; statfs never is.
bool daemon_is_gone(const std::string& mount_point) {
  struct statvfs st {};
  for (int i = 0; i < kTries; ++i) {
    if (::statvfs(mount_point.c_str(), &st) == 0) return false;
    if (errno == ENOTCONN || errno == ECONNABORTED) return true;
    std::this_thread::sleep_for(kPause);
  }
  return false;  // a living one, on a bad disk
}

std::optional<pid_t> owner(const std::string& data_directory) {
  std::ifstream lock(data_directory + "/lock");
  pid_t pid = 0;
  return lock >> pid ? std::optional(pid) : std::nullopt;
}

/// Whether the process was killed and has threads that have not ended.
bool is_dying(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(file, line);
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string state, field;
  fields >> state;
  // State is the third field, the number of threads the twentieth: proc(5).
  for (int i = 4; i < 20; ++i) fields >> field;
  int threads = 0;
  fields >> threads;
  return state == "Z" && threads > 1;
}

/// Whether the process was killed and cannot end, since one of its threads waits in the kernel.
/// What only takes a moment to end is given that moment.
bool is_stuck_corpse(pid_t pid) {
  for (int i = 0; i < kTries; ++i) {
    if (!is_dying(pid)) return false;
    std::this_thread::sleep_for(kPause);
  }
  return true;
}

}  // namespace

std::optional<std::string> detach_stale_mounts(const std::string& mount_point) {
  for (int i = 0; i < kMostStaleMounts; ++i) {
    const auto mounted = mounted_at(mount_point);
    if (!mounted || mounted->type != kFilesystemType) return std::nullopt;
    // Killed, and its guard with it (mount_guard.hpp): whoever asks this mount anything hangs.
    if (const auto pid = owner(mounted->source); pid && is_stuck_corpse(*pid)) {
      const auto device = device_mounted_at(mount_point);
      if (device && end_connection(mount_point, *device) == EPERM) {
        return fmt::format(
            "mount point {}: its filesystem's daemon, process {}, was killed and cannot end; "
            "run as root: umount -f {}",
            mount_point, *pid, mount_point);
      }
    }
    if (!daemon_is_gone(mount_point)) return std::nullopt;
    if (!unmount_lazily(mount_point)) break;
    spdlog::warn("{}: detached the mount of {}, whose daemon is gone", mount_point,
                 mounted->source);
  }
  return fmt::format(
      "mount point {}: its filesystem's daemon is gone, and it cannot be detached; "
      "run: fusermount3 -uz {}",
      mount_point, mount_point);
}

}  // namespace memoria
