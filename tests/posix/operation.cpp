// SPDX-License-Identifier: MIT
#include "tests/posix/operation.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>

namespace memoria::test {
namespace {

constexpr std::array<const char*, size_t(Kind::kCount)> kNames = {
    "create",    "mkdir",         "mknod",     "symlink",     "link",  "unlink",       "rmdir",
    "rename",    "readlink",      "stat",      "list",        "chmod", "chown",        "set times",
    "setxattr",  "getxattr",      "listxattr", "removexattr", "write", "write mapped", "append",
    "read",      "truncate",      "fallocate", "copy",        "open",  "close",        "write open",
    "read open", "truncate open", "stat open", "holes open",  "sync"};

}  // namespace

std::string Operation::describe() const {
  return fmt::format(
      "{} path='{}' other='{}' name={} value={} bytes offset={} length={} seed={} mode={:o} "
      "flags={} "
      "uid={} gid={} times={}/{} slot={}",
      kNames[size_t(kind)], path, other, name, value.size(), offset, length, seed, mode, flags, uid,
      gid, atime, mtime, slot);
}

std::string Outcome::describe() const {
  if (error != 0) return std::strerror(error);
  std::string shown;
  for (const char c : result.substr(0, 300)) {
    shown += c >= ' ' && c < 127 ? std::string(1, c) : fmt::format("\\x{:02x}", uint8_t(c));
  }
  return fmt::format("ok, {} bytes: {}", result.size(), shown);
}

std::string bytes_of(uint64_t seed, uint64_t length) {
  std::string out(length, '\0');
  uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
  for (size_t i = 0; i < out.size(); ++i) {
    if (i % 8 == 0) {  // xorshift64
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
    }
    out[i] = char(state >> (i % 8 * 8));
  }
  return out;
}

}  // namespace memoria::test
