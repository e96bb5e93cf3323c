// SPDX-License-Identifier: MIT
#include "fs/binding/paths.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>

#include "core/io/environment.hpp"
#include "fs/binding/mount_table.hpp"
#include "fs/binding/stale_mount.hpp"

namespace memoria {
namespace {

constexpr int kLooks = 3;  // at a mount that seems to be alive
constexpr auto kPause = std::chrono::milliseconds(100);

std::string reason(int error) {
  return std::generic_category().message(error);
}

Failure bad_data(std::string message) {
  return {MountExit::kDataDirectory, std::move(message)};
}
Failure bad_mount_point(std::string message) {
  return {MountExit::kMountPoint, std::move(message)};
}

/// realpath(3): unlike library functions that stat every step, it passes a mount whose daemon died.
std::optional<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr),
                                                             &std::free);
  return resolved ? std::optional<std::string>(resolved.get()) : std::nullopt;
}

/// `path` without slashes at its end, split into what is before the last one and what is behind it.
std::pair<std::string, std::string> split(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

bool is_inside(const std::string& inner, const std::string& outer) {
  return outer == "/" || inner == outer || inner.starts_with(outer + "/");
}

Checked<std::string> absent_data_directory(const std::string& path) {
  const auto [parent, name] = split(path);
  const auto real_parent = real_path(parent);
  if (!real_parent) {
    return bad_data(fmt::format("data directory {}: its parent {}: {}; make that first", path,
                                parent, reason(errno)));
  }
  if (on_read_only_disk(*real_parent)) {
    return bad_data(fmt::format(
        "data directory {}: cannot be made on a read-only disk; choose another place", path));
  }
  return *real_parent == "/" ? "/" + name : *real_parent + "/" + name;
}

Checked<std::string> check_data_directory(const std::string& path, const MountOptions& options) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) {
    if (errno == ENOENT && options.store.create_if_missing) return absent_data_directory(path);
    if (errno == ENOENT) {
      return bad_data(
          fmt::format("data directory {}: does not exist, and none is to be made (no_create, or "
                      "ro): is the disk "
                      "mounted that has it?",
                      path));
    }
    return bad_data(fmt::format("data directory {}: {}", path, reason(errno)));
  }
  if (!S_ISDIR(st.st_mode)) {
    return bad_data(
        fmt::format("data directory {}: is not a directory; give the directory that "
                    "holds, or shall hold, the volume",
                    path));
  }
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return bad_data(
        fmt::format("data directory {}: others may write to it (mode {:04o}); "
                    "run: chmod go-w {}",
                    path, st.st_mode & 07777, path));
  }
  const auto real = real_path(path);
  if (!real) return bad_data(fmt::format("data directory {}: {}", path, reason(errno)));
  if (on_read_only_disk(*real)) {
    if (options.read_only) return *real;
    return bad_data(
        fmt::format("data directory {}: is on a read-only disk; mount it with -o ro", path));
  }
  if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0) {
    const auto why = reason(errno);
    if (st.st_uid == ::geteuid()) {
      return bad_data(
          fmt::format("data directory {}: {}; it has mode {:04o}: change that with chmod", path,
                      why, st.st_mode & 07777));
    }
    return bad_data(
        fmt::format("data directory {}: {}; it belongs to user {}", path, why, st.st_uid));
  }
  return *real;
}

/// A volume that is mounted there and answers; dead ones are detached. A daemon that is being
/// killed may look alive at first, so it is looked at again.
Checked<std::optional<Mounted>> mounted_and_alive(const std::string& mount_point) {
  std::optional<Mounted> mounted;
  for (int look = 0; look < kLooks; ++look) {
    if (look > 0) std::this_thread::sleep_for(kPause);
    if (auto stale = detach_stale_mounts(mount_point)) return bad_mount_point(*std::move(stale));
    mounted = mounted_at(mount_point);
    if (!mounted || mounted->type != kFilesystemType) return std::optional<Mounted>();
  }
  return mounted;
}

Checked<std::string> check_mount_point(const std::string& path) {
  if (is_handed_over(path)) return path;
  const auto real = real_path(path);
  if (!real && errno == ENOENT) {
    return bad_mount_point(
        fmt::format("mount point {}: does not exist; run: mkdir {}", path, path));
  }
  if (!real) return bad_mount_point(fmt::format("mount point {}: {}", path, reason(errno)));
  MEMORIA_TRY(const auto mounted, mounted_and_alive(*real));
  struct stat st {};
  if (::stat(real->c_str(), &st) != 0) {
    return bad_mount_point(fmt::format("mount point {}: {}", path, reason(errno)));
  }
  if (!S_ISDIR(st.st_mode)) {
    return bad_mount_point(fmt::format("mount point {}: is not a directory", path));
  }
  if (mounted) {
    return bad_mount_point(
        fmt::format("mount point {}: {} is mounted here already; to mount anew, "
                    "run first: fusermount3 -u {}",
                    path, mounted->source, path));
  }
  return *real;
}

}  // namespace

Checked<std::string> snapshot_directory(const std::string& data_directory,
                                        const std::string& snapshot) {
  const auto path = fmt::format("{}/snapshots/{}", data_directory, snapshot);
  if (::access(path.c_str(), F_OK) == 0) return path;
  return bad_data(
      fmt::format("data directory {}: has no snapshot '{}': {}; 'memoria-ctl snapshot list {}' "
                  "names those it has",
                  data_directory, snapshot, reason(errno), data_directory));
}

bool is_handed_over(const std::string& mount_point) {
  return mount_point.starts_with("/dev/fd/");
}

Checked<Paths> check_paths(const std::string& data_directory, const std::string& mount_point,
                           const MountOptions& options) {
  Paths paths;
  // The mount point first: a stale mount on it could hide what else is wrong.
  MEMORIA_TRY(paths.mount_point, check_mount_point(mount_point));
  MEMORIA_TRY(paths.data_directory, check_data_directory(data_directory, options));
  if (is_inside(paths.mount_point, paths.data_directory)) {
    return bad_mount_point(
        fmt::format("mount point {}: lies inside the data directory {}; "
                    "choose a directory outside of it",
                    mount_point, data_directory));
  }
  if (is_inside(paths.data_directory, paths.mount_point)) {
    return bad_mount_point(
        fmt::format("mount point {}: would hide the data directory {}; "
                    "choose a directory that does not contain it",
                    mount_point, data_directory));
  }
  return paths;
}

}  // namespace memoria
