// SPDX-License-Identifier: MIT
#include "tests/posix/generator.hpp"

#include <linux/falloc.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <array>

namespace memoria::test {
namespace {

struct Weight {
  Kind kind;
  unsigned weight;
};
constexpr auto kWeights = std::to_array<Weight>({
    {Kind::kCreate, 60},   {Kind::kMkdir, 30},        {Kind::kMknod, 6},     {Kind::kSymlink, 10},
    {Kind::kLink, 20},     {Kind::kUnlink, 35},       {Kind::kRmdir, 15},    {Kind::kRename, 50},
    {Kind::kReadlink, 5},  {Kind::kStat, 40},         {Kind::kList, 20},     {Kind::kChmod, 15},
    {Kind::kChown, 10},    {Kind::kSetTimes, 10},     {Kind::kSetXattr, 15}, {Kind::kGetXattr, 10},
    {Kind::kListXattr, 5}, {Kind::kRemoveXattr, 7},   {Kind::kWrite, 80},    {Kind::kMapWrite, 15},
    {Kind::kAppend, 25},   {Kind::kRead, 60},         {Kind::kTruncate, 30}, {Kind::kAllocate, 15},
    {Kind::kCopy, 10},     {Kind::kOpen, 25},         {Kind::kClose, 15},    {Kind::kWriteOpen, 25},
    {Kind::kReadOpen, 25}, {Kind::kTruncateOpen, 10}, {Kind::kStatOpen, 15}, {Kind::kHolesOpen, 10},
    {Kind::kSync, 3},
});

constexpr auto kAllocateFlags = std::to_array<int>(
    {0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
     FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE});
constexpr auto kRenameFlags =
    std::to_array<int>({0, 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_EXCHANGE});
constexpr auto kModes =
    std::to_array<uint32_t>({0644, 0600, 0755, 0777, 0, 02755, 04755, 01777, 02644});
constexpr auto kTypes = std::to_array<uint32_t>({S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK, S_IFREG});

Kind choose(uint64_t random) {
  unsigned sum = 0;
  for (const auto& [kind, weight] : kWeights) sum += weight;
  auto left = unsigned(random % sum);
  for (const auto& [kind, weight] : kWeights) {
    if (left < weight) return kind;
    left -= weight;
  }
  return Kind::kStat;
}

}  // namespace

std::string Generator::name() {
  if (one_in(400)) return std::string(255 + below(2), 'n');  // the longest, and one too long
  static constexpr char kLetters[] = "abcdefgh";
  return std::string(1, kLetters[below(8)]);
}

std::string Generator::path() {
  std::string out = name();
  for (auto depth = below(4); depth > 0; --depth) out += "/" + name();
  return out;
}

uint64_t Generator::offset() {
  switch (below(8)) {
    case 0:
      return 0;
    case 1:
      return below(300);
    case 2:
      return 4096 * below(40);
    case 3:
      return 16384 * below(20) + below(3);
    case 4:
      return one_in(20) ? (uint64_t{1} << 32) + below(100000) : below(5000);
    default:
      return below(200000);
  }
}

uint64_t Generator::length() {
  switch (below(8)) {
    case 0:
      return below(2);
    case 1:
      return 4096;
    case 2:
      return one_in(10) ? below(1 << 20) : below(70000);
    case 3:
      return below(17000);
    default:
      return below(600);
  }
}

void Generator::choose_bytes(Operation& op) {
  op.offset = offset();
  op.length = length();
  op.seed = random_();
}

/// As in an extended attribute (acl(5), linux/posix_acl_xattr.h); one in ten is not a valid one.
std::string Generator::acl() {
  std::string out;
  const auto append = [&](uint32_t v, int bytes) {
    for (int i = 0; i < bytes; ++i) out.push_back(char(v >> (8 * i)));
  };
  const auto entry = [&](uint32_t tag, uint32_t id = ACL_UNDEFINED_ID) {
    append(tag, 2);
    append(uint32_t(below(8)), 2);
    append(id, 4);
  };
  append(POSIX_ACL_XATTR_VERSION, 4);
  entry(ACL_USER_OBJ);
  const bool users = one_in(2), groups = one_in(2);
  if (users) entry(ACL_USER, 1000);
  if (users && one_in(2)) entry(ACL_USER, 2000);
  entry(ACL_GROUP_OBJ);
  if (groups) entry(ACL_GROUP, 1000);
  if ((users || groups || one_in(2)) && !one_in(20)) entry(ACL_MASK);
  entry(ACL_OTHER);
  if (one_in(20)) out.resize(below(out.size()));
  return out;
}

void Generator::choose_xattr(Operation& op) {
  op.name = kAttributeNames[below(kAttributeNames.size())];
  const bool is_acl = op.name.starts_with("system.");
  op.value = is_acl ? acl() : bytes_of(random_(), one_in(5) ? 0 : below(200));
  static constexpr int kFlags[] = {0, 0, XATTR_CREATE, XATTR_REPLACE};
  op.flags = kFlags[below(4)];
}

Operation Generator::next() {
  Operation op;
  op.kind = choose(random_());
  op.path = path();
  op.other = path();
  op.mode = kModes[below(kModes.size())];
  op.slot = int(below(kSlots));
  op.uid = uint32_t(below(3) * 1000);
  op.gid = uint32_t(below(3) * 1000);
  // ext4 ends in 2446.
  op.atime =
      int64_t(below(uint64_t{10'000'000'000} * 1'000'000'000 / 2)) - 1'000'000'000'000'000'000;
  op.mtime =
      int64_t(below(uint64_t{10'000'000'000} * 1'000'000'000 / 2)) - 1'000'000'000'000'000'000;
  choose_bytes(op);
  switch (op.kind) {
    case Kind::kMknod:
      op.mode |= kTypes[below(kTypes.size())];
      break;
    case Kind::kSymlink:
      op.other = one_in(50) ? std::string(4000 + below(97), 't') : path();
      break;
    case Kind::kRename:
      op.flags = kRenameFlags[below(kRenameFlags.size())];
      break;
    case Kind::kAllocate:
      op.flags = kAllocateFlags[below(kAllocateFlags.size())];
      break;
    case Kind::kSetXattr:
    case Kind::kGetXattr:
    case Kind::kRemoveXattr:
      choose_xattr(op);
      break;
    // Allocated on the reference, so not sparse: kept short.
    case Kind::kCopy:
      op.offset %= 300000;
      break;
    default:
      break;
  }
  if (op.kind == Kind::kAllocate) op.offset %= 1 << 20;
  if (op.kind == Kind::kMapWrite) op.offset %= 1 << 20;
  if (op.kind == Kind::kRead || op.kind == Kind::kReadOpen)
    op.length = std::max<uint64_t>(op.length, one_in(3) ? 300000 : 1);
  return op;
}

}  // namespace memoria::test
