// SPDX-License-Identifier: MIT
// The one place that chooses libfuse's API level, and names what newer versions add to Debian 12's
// 3.14. Code asks these constants with `if constexpr` or overloads, never the version.
#pragma once

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

namespace memoria {

/// What libfuse reads one request after the other into.
struct RequestBuffer : fuse_buf {
  RequestBuffer() : fuse_buf{} {}
  ~RequestBuffer() { std::free(mem); }  // NOLINT(cppcoreguidelines-no-malloc): libfuse made it so
  RequestBuffer(const RequestBuffer&) = delete;
  RequestBuffer& operator=(const RequestBuffer&) = delete;
};

/// Asks for a capability when the kernel has it: wanting one that it lacks fails the mount.
inline bool want(fuse_conn_info& connection, unsigned capability) {
  if ((connection.capable & capability) == 0) return false;
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 18)
  return fuse_set_feature_flag(&connection, capability);  // `want` must not be edited from 3.17 on
#else
  connection.want |= capability;
  return true;
#endif
}

/// Takes back what libfuse asks for by default.
inline void unwant(fuse_conn_info& connection, unsigned capability) {
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 18)
  fuse_unset_feature_flag(&connection, capability);
#else
  connection.want &= ~capability;
#endif
}

/// Requests over shared rings instead of /dev/fuse. Needs the kernel's leave as well:
/// /sys/module/fuse/parameters/enable_uring.
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 18)
inline constexpr bool kHasIoUring = true;
#else
inline constexpr bool kHasIoUring = false;
#endif

/// Answers a STATX request. Before 3.18 there is none (fuse_lowlevel_ops::statx is missing).
inline int reply_statx([[maybe_unused]] fuse_req_t request,
                       [[maybe_unused]] struct statx& attributes, [[maybe_unused]] double timeout) {
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 18)
  return fuse_reply_statx(request, 0, &attributes, timeout);
#else
  return -ENOSYS;
#endif
}

}  // namespace memoria
