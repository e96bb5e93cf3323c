// SPDX-License-Identifier: MIT
#include "fs/binding/mount_table.hpp"

#include <mntent.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

namespace memoria {
namespace {

template <class Range, class Predicate>
std::optional<Mounted> last_of(const Range& mounts, Predicate matches) {
  const auto found = std::find_if(mounts.rbegin(), mounts.rend(), matches);
  return found == mounts.rend() ? std::nullopt : std::optional(*found);
}

bool fusermount(const std::string& mount_point) {
  std::string program = "fusermount3", flags = "-uz", end_of_flags = "--", where = mount_point;
  std::array<char*, 5> argv = {program.data(), flags.data(), end_of_flags.data(), where.data(),
                               nullptr};
  pid_t child = 0;
  if (::posix_spawnp(&child, program.c_str(), nullptr, nullptr, argv.data(), environ) != 0) {
    return false;
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

std::vector<Mounted> mounted_filesystems() {
  std::vector<Mounted> result;
  const auto close = [](FILE* table) { ::endmntent(table); };
  const std::unique_ptr<FILE, decltype(close)> table(::setmntent("/proc/self/mounts", "re"), close);
  if (!table) return result;
  mntent entry{};
  std::array<char, 16384> text{};  // three paths and the options
  while (::getmntent_r(table.get(), &entry, text.data(), text.size()) != nullptr) {
    result.push_back({entry.mnt_fsname, entry.mnt_dir, entry.mnt_type, entry.mnt_opts});
  }
  return result;
}

std::optional<Mounted> mounted_at(const std::string& mount_point) {
  return last_of(mounted_filesystems(),
                 [&](const Mounted& m) { return m.mount_point == mount_point; });
}

std::optional<Mounted> mounted_from(const std::string& data_directory) {
  return last_of(mounted_filesystems(), [&](const Mounted& m) {
    return m.type == kFilesystemType && m.source == data_directory;
  });
}

bool unmount_lazily(const std::string& mount_point) {
  return ::umount2(mount_point.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0 ||
         fusermount(mount_point);
}

}  // namespace memoria
