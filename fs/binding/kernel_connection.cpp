// SPDX-License-Identifier: MIT
#include "fs/binding/kernel_connection.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fuse.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/base/unique_fd.hpp"

namespace memoria {
namespace {

/// A path leads to the root of a mount without asking its filesystem; O_PATH opens it so, and
/// statx(2) tells, when it is asked for nothing else, the device alone.
constexpr int kUnasked = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

constexpr size_t kUsualRequest = (1 << 20) + (1 << 14), kLargestRequest = size_t(64) << 20;

/// `request` begins with a fuse_in_header.
void refuse(int fuse_device, const char* request) {
  fuse_in_header asked{};
  std::memcpy(&asked, request, sizeof asked);
  switch (asked.opcode) {  // those that nobody waits for
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      return;
    default:
      break;
  }
  const fuse_out_header answer = {.len = sizeof answer, .error = -ENOTCONN, .unique = asked.unique};
  // Who asked may be gone.
  (void)!::write(fuse_device, &answer, sizeof answer);
}

std::optional<dev_t> device_of(const UniqueFd& directory) {
  struct statx found {};
  constexpr int kFlags = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
  if (!directory || ::statx(directory.get(), "", kFlags, 0, &found) != 0) return std::nullopt;
  return makedev(found.stx_dev_major, found.stx_dev_minor);
}

int abort_by_sysfs(dev_t device) {
  // The kernel's own number of it; the major one of a filesystem without a disk is 0.
  const auto path = fmt::format("/sys/fs/fuse/connections/{}/abort", minor(device));
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), "1", 1) == 1 ? 0 : errno;
}

/// The descriptor keeps the mount in use: it is ended, but not taken away, which would show what
/// lies below it to programs that mean the mount.
int abort_by_unmounting(const std::string& mount_point, dev_t device) {
  const UniqueFd root(::open(mount_point.c_str(), kUnasked));
  if (device_of(root) != device) return ENOENT;
  if (::umount2(mount_point.c_str(), MNT_FORCE | UMOUNT_NOFOLLOW) == 0) return 0;
  return errno == EBUSY ? 0 : errno;
}

}  // namespace

std::optional<dev_t> device_mounted_at(const std::string& mount_point) {
  return device_of(UniqueFd(::open(mount_point.c_str(), kUnasked)));
}

bool join_connection(int unused, int fuse_device) {
  auto source = uint32_t(fuse_device);
  return ::ioctl(unused, FUSE_DEV_IOC_CLONE, &source) == 0;
}

void refuse_requests(int fuse_device) {
  std::vector<char> request(kUsualRequest);
  for (;;) {
    const auto got = ::read(fuse_device, request.data(), request.size());
    if (got < 0 && errno == EINVAL && request.size() < kLargestRequest) {
      request.resize(request.size() * 2);  // it must have room for the largest that there could be
      continue;
    }
    // ENOENT: the program that asked has been killed.
    if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT)) continue;
    if (got < ssize_t(sizeof(fuse_in_header))) return;
    refuse(fuse_device, request.data());
  }
}

int end_connection(const std::string& mount_point, dev_t device) {
  if (abort_by_sysfs(device) == 0) return 0;
  return abort_by_unmounting(mount_point, device);
}

}  // namespace memoria
