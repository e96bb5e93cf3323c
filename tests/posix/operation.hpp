// SPDX-License-Identifier: MIT
// One operation on a filesystem, as a value that can be printed and carried out on any subject.
#pragma once

#include <cstdint>
#include <string>

namespace memoria::test {

enum class Kind : uint8_t {
  kCreate,
  kMkdir,
  kMknod,
  kSymlink,
  kLink,
  kUnlink,
  kRmdir,
  kRename,
  kReadlink,
  kStat,
  kList,
  kChmod,
  kChown,
  kSetTimes,
  kSetXattr,
  kGetXattr,
  kListXattr,
  kRemoveXattr,
  kWrite,
  kMapWrite,
  kAppend,
  kRead,
  kTruncate,
  kAllocate,
  kCopy,
  kOpen,
  kClose,
  kWriteOpen,
  kReadOpen,
  kTruncateOpen,
  kStatOpen,
  kHolesOpen,  ///< what SEEK_DATA and SEEK_HOLE call a hole is zero
  kSync,
  kCount,
};

inline constexpr int kSlots = 8;  ///< files held open at the same time

struct Operation {
  Kind kind = Kind::kStat;
  std::string path;         ///< relative, without "." and ".."
  std::string other;        ///< link, rename, copy: the second path. Symlink: the target
  std::string name, value;  ///< of an extended attribute
  uint64_t offset = 0, length = 0;
  uint64_t seed = 0;  ///< of the bytes to write
  uint32_t mode = 0;  ///< permission bits; of mknod with the type
  int flags = 0;      ///< of rename, fallocate, setxattr
  uint32_t uid = 0, gid = 0;
  int64_t atime = 0, mtime = 0;  ///< nanoseconds
  int slot = 0;                  ///< of open files

  std::string describe() const;
};

/// What an operation came to. Equal outcomes of two subjects are the same behaviour.
struct Outcome {
  int error = 0;       ///< errno, or 0
  std::string result;  ///< what was read, listed, or found

  bool operator==(const Outcome&) const = default;
  std::string describe() const;
};

/// The bytes that a write of this seed writes.
std::string bytes_of(uint64_t seed, uint64_t length);

}  // namespace memoria::test
