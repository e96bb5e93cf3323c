// SPDX-License-Identifier: MIT
#include "fs/binding/negotiate.hpp"

namespace memoria {
namespace {

constexpr unsigned kMaxWrite = 1 << 20;  // bytes; libfuse 3.14 can take no more
// Readahead and direct I/O requests in flight. The kernel's 12 starve parallel sequential readers.
constexpr unsigned kMaxBackground = 64;

}  // namespace

LeftToKernel negotiate_speed(fuse_conn_info& connection, bool writeback) {
  LeftToKernel left;
  left.writeback = writeback && want(connection, FUSE_CAP_WRITEBACK_CACHE);

  // Nothing needs state while it is open: the kernel may open and close it without asking. A file
  // that is read again is then read at the speed of the page cache: 0.24 of ext4's rate with an
  // OPEN and a RELEASE for each open(2), 0.92 without (2,000 files of 1 KiB, memoria-bench small).
  left.opening_directories = want(connection, FUSE_CAP_NO_OPENDIR_SUPPORT);
  left.opening_files = want(connection, FUSE_CAP_NO_OPEN_SUPPORT);
  // Truncation comes as a SETATTR of its own, since an open() may not come at all.
  unwant(connection, FUSE_CAP_ATOMIC_O_TRUNC);

  want(connection, FUSE_CAP_PARALLEL_DIROPS);
  want(connection, FUSE_CAP_CACHE_SYMLINKS);
  want(connection, FUSE_CAP_READDIRPLUS);
  want(connection, FUSE_CAP_READDIRPLUS_AUTO);

  // Values are copied out of records after their checksums are verified, so there is never a file
  // range to splice from; and a spliced write would have to be copied to be checksummed.
  // Measured with a write_buf handler that copies out of the pipe, five rounds in turns: 1 GiB by
  // dd bs=1M conv=fsync 1.41 s without and 1.41 s with splice, 5,000 files of 16 KiB 1.03 s and
  // 1.03 s (medians).
  unwant(connection, FUSE_CAP_SPLICE_READ);
  unwant(connection, FUSE_CAP_SPLICE_WRITE);
  unwant(connection, FUSE_CAP_SPLICE_MOVE);

  unwant(connection, FUSE_CAP_HANDLE_KILLPRIV);

  connection.max_write = kMaxWrite;
  connection.max_background = kMaxBackground;
  connection.congestion_threshold = kMaxBackground * 3 / 4;
  connection.time_gran = 1;  // nanoseconds, as the volume keeps them
  return left;
}

void negotiate(fuse_conn_info& connection, Binding& binding) {
  const auto left = negotiate_speed(connection, binding.writeback);
  binding.writeback = left.writeback;
  binding.stateless_directories = left.opening_directories;
  binding.stateless_files = left.opening_files;

  // A directory's default ACL takes the place of the umask, so only the volume can apply either.
  binding.acls = want(connection, FUSE_CAP_DONT_MASK) && want(connection, FUSE_CAP_POSIX_ACL);
  // Taking set-id bits is agreed behind libfuse's back: see raw_requests.hpp.
}

}  // namespace memoria
