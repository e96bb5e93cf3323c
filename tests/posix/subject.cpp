// SPDX-License-Identifier: MIT
#include "tests/posix/subject.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace memoria::test {

Outcome check_holes(const std::function<int64_t(uint64_t from, int whence)>& seek,
                    const std::function<std::string(uint64_t from)>& read) {
  for (uint64_t position = 0;;) {
    const auto hole = seek(position, SEEK_HOLE);
    if (hole < 0) return {};
    const auto data = seek(uint64_t(hole), SEEK_DATA);
    auto bytes = read(uint64_t(hole));
    if (data >= 0 && bytes.size() > uint64_t(data - hole)) bytes.resize(size_t(data - hole));
    const auto set = bytes.find_first_not_of('\0');
    if (set != bytes.npos) return {0, fmt::format("byte {} is in a hole", uint64_t(hole) + set)};
    if (data < 0) return {};
    if (data <= hole) return {0, fmt::format("data at {}, where a hole is", hole)};
    position = uint64_t(data);
  }
}

std::string describe_attributes(mode_t mode, uint64_t links, uid_t uid, gid_t gid, uint64_t size,
                                uint64_t rdev) {
  if (S_ISDIR(mode)) size = 0;
  if (!S_ISCHR(mode) && !S_ISBLK(mode)) rdev = 0;
  return fmt::format("{:o} {} links {}:{} {} bytes {:x}", mode, links, uid, gid, size, rdev);
}

}  // namespace memoria::test
