// SPDX-License-Identifier: MIT
// What Memoria agrees on with the kernel (fs/binding/negotiate.cpp), where the reasons stand; and
// what only a filesystem without extended attributes and open counts can have.
#include "tests/bench/ceiling/handlers.hpp"

namespace memoria::ceiling {
namespace {

constexpr unsigned kMaxWrite = 1 << 20;  // bytes
constexpr unsigned kMaxBackground = 64;

}  // namespace

void negotiate(fuse_conn_info& connection, Server& server) {
  server.writeback = want(connection, FUSE_CAP_WRITEBACK_CACHE);
  server.stateless_directories = want(connection, FUSE_CAP_NO_OPENDIR_SUPPORT);
  // A node lives until the kernel forgets it, whether it is open or not.
  server.stateless_files = want(connection, FUSE_CAP_NO_OPEN_SUPPORT);
  unwant(connection, FUSE_CAP_ATOMIC_O_TRUNC);

  want(connection, FUSE_CAP_PARALLEL_DIROPS);
  want(connection, FUSE_CAP_CACHE_SYMLINKS);
  want(connection, FUSE_CAP_READDIRPLUS);
  want(connection, FUSE_CAP_READDIRPLUS_AUTO);

  unwant(connection, FUSE_CAP_SPLICE_READ);
  unwant(connection, FUSE_CAP_SPLICE_WRITE);
  unwant(connection, FUSE_CAP_SPLICE_MOVE);
  unwant(connection, FUSE_CAP_HANDLE_KILLPRIV);

  connection.max_write = kMaxWrite;
  connection.max_background = kMaxBackground;
  connection.congestion_threshold = kMaxBackground * 3 / 4;
  connection.time_gran = 1;
}

}  // namespace memoria::ceiling
