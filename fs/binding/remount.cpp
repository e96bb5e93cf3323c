// SPDX-License-Identifier: MIT
#include "fs/binding/remount.hpp"

#include <fmt/format.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>

#include "fs/binding/mount_options.hpp"
#include "fs/binding/mount_table.hpp"

namespace memoria {
namespace {

constexpr std::string_view kRemount = "remount";

struct Flag {
  std::string_view option;
  unsigned long cleared, set;
};

constexpr unsigned long kAccessTimes = MS_NOATIME | MS_RELATIME | MS_STRICTATIME;
constexpr auto kFlags = std::to_array<Flag>({
    {"ro", 0, MS_RDONLY},
    {"rw", MS_RDONLY, 0},
    {"nosuid", 0, MS_NOSUID},
    {"suid", MS_NOSUID, 0},
    {"nodev", 0, MS_NODEV},
    {"dev", MS_NODEV, 0},
    {"noexec", 0, MS_NOEXEC},
    {"exec", MS_NOEXEC, 0},
    {"sync", 0, MS_SYNCHRONOUS},
    {"async", MS_SYNCHRONOUS, 0},
    {"dirsync", 0, MS_DIRSYNC},
    {"noatime", kAccessTimes, MS_NOATIME},
    {"atime", MS_NOATIME, 0},
    {"relatime", kAccessTimes, MS_RELATIME},
    {"norelatime", MS_RELATIME, 0},
    {"strictatime", kAccessTimes, MS_STRICTATIME},
    {"nostrictatime", MS_STRICTATIME, 0},
    {"nodiratime", 0, MS_NODIRATIME},
    {"diratime", MS_NODIRATIME, 0},
});

/// What the mount table shows of every FUSE mount.
constexpr auto kOfFuse = std::to_array<std::string_view>(
    {"user_id=", "group_id=", "rootmode=", "fd=", "max_read=", "blksize="});

unsigned long with(unsigned long flags, std::string_view option) {
  const auto* const flag = std::ranges::find(kFlags, option, &Flag::option);
  return flag == kFlags.end() ? flags : (flags & ~flag->cleared) | flag->set;
}

Checked<void> check_known(std::string_view option) {
  if (option == kRemount) return ok();
  if (std::ranges::any_of(kOfFuse, [&](auto prefix) { return option.starts_with(prefix); })) {
    return ok();
  }
  MountOptions ignored;
  return add_mount_option(option, ignored);
}

}  // namespace

bool asks_to_remount(const std::vector<std::string>& lists) {
  return std::ranges::any_of(lists, [](const auto& list) {
    return std::ranges::count(split_mount_options(list), kRemount) != 0;
  });
}

Checked<unsigned long> remount_flags(std::string_view present,
                                     const std::vector<std::string>& lists) {
  unsigned long flags = 0;
  for (const auto& option : split_mount_options(present)) flags = with(flags, option);
  if ((flags & kAccessTimes) == 0) flags |= MS_STRICTATIME;  // which the table does not show
  for (const auto& list : lists) {
    for (const auto& option : split_mount_options(list)) {
      MEMORIA_TRY(check_known(option));
      flags = with(flags, option);
    }
  }
  // Without any, mount(2) would keep what there is.
  return (flags & kAccessTimes) == 0 ? flags | MS_RELATIME : flags;
}

Checked<void> remount(const std::string& mount_point, const std::vector<std::string>& lists) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(mount_point.c_str(), nullptr),
                                                         std::free);
  const auto there = real ? mounted_at(real.get()) : std::nullopt;
  if (!there || there->type != kFilesystemType) {
    return Failure(MountExit::kMountPoint,
                   fmt::format("no Memoria volume is mounted at {}", mount_point));
  }
  MEMORIA_TRY(const auto flags, remount_flags(there->options, lists));
  if (::mount(nullptr, real.get(), nullptr, MS_REMOUNT | flags, nullptr) != 0) {
    return Failure(MountExit::kMount, fmt::format("cannot remount {}: {}", real.get(),
                                                  std::generic_category().message(errno)));
  }
  return ok();
}

}  // namespace memoria
