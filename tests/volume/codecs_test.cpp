// SPDX-License-Identifier: MIT
// Inode, directory entry and superblock: what is written comes back, and what is damaged does not.
#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>

#include "core/base/coding.hpp"
#include "fs/volume/dentry.hpp"
#include "fs/volume/inode.hpp"
#include "fs/volume/superblock.hpp"
#include "tests/support/check.hpp"

namespace memoria {
namespace {

Inode plain_file() {
  Inode out;
  out.mode = S_IFREG | 0644;
  out.links = 1;
  out.uid = 1000;
  out.gid = 1000;
  out.btime = out.ctime = out.atime = 1'700'000'000'123'456'789;
  out.mtime = 1'600'000'000'000'000'000;
  return out;
}

Inode plain_directory() {
  Inode out = plain_file();
  out.mode = S_IFDIR | S_ISGID | 0755;
  out.links = 12;
  out.parent = 4711;
  out.place = 250;
  out.entries = 1'000'000;
  return out;
}

Inode largest(mode_t type) {
  Inode out;
  out.mode = type | 07777;
  out.links = ~uint32_t{0};
  out.uid = out.gid = ~uint32_t{0};
  if (S_ISCHR(type)) out.rdev = ~uint64_t{0};
  if (S_ISDIR(type)) out.parent = kMaxInode, out.place = out.entries = ~uint64_t{0};
  out.flags = kCompatibleFlags;
  out.btime = INT64_MIN;
  out.ctime = INT64_MAX;
  out.mtime = INT64_MIN;
  out.atime = INT64_MAX;
  out.extension.assign(kMaxExtension, 'e');
  return out;
}

template <class Decode>
void check_every_truncation_is_refused(const std::string& bytes, Decode decode) {
  for (size_t n = 0; n < bytes.size(); ++n) {
    BOOST_TEST(!decode(std::string_view(bytes).substr(0, n)).has_value(), "cut to " << n);
  }
  BOOST_TEST(!decode(bytes + '\0').has_value());
  BOOST_TEST(!decode(bytes + "more").has_value());
}

/// Whatever is accepted is a value that the encoder could have written.
template <class Decode>
void check_garbage(const std::string& bytes, Decode decode) {
  test::Random random(test::base_seed());
  for (uint64_t i = 0; i < test::rounds(20'000); ++i) {
    std::string bad = bytes;
    const auto changes = random.between(1, 3);
    for (uint64_t c = 0; c < changes; ++c) bad[random.below(bad.size())] = char(random.next());
    if (random.one_in(4)) bad.resize(random.below(2 * bad.size()), char(random.next()));
    const auto got = decode(bad);
    if (got.has_value()) {
      const auto again = decode(encode(got.value()));
      BOOST_REQUIRE(again.has_value());
      BOOST_REQUIRE(again.value() == got.value());
    } else {
      BOOST_REQUIRE(got.error().to_errno() == EIO);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(codecs)

BOOST_AUTO_TEST_CASE(inodes_of_every_type_come_back) {
  for (const mode_t type : {S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK}) {
    Inode inode = plain_file();
    inode.mode = type | 0640;
    if (S_ISDIR(type)) inode.parent = 1, inode.links = 2;
    if (S_ISBLK(type)) inode.rdev = 0x801;
    const auto got = decode_inode(encode(inode));
    BOOST_REQUIRE(got.has_value());
    BOOST_TEST((got.value() == inode));
  }
}

BOOST_AUTO_TEST_CASE(the_largest_inodes_stay_inline) {
  for (const mode_t type : {S_IFREG, S_IFDIR, S_IFCHR}) {
    const auto inode = largest(type);
    const auto bytes = encode(inode);
    BOOST_TEST(bytes.size() <= kMaxInodeSize);
    const auto got = decode_inode(bytes);
    BOOST_REQUIRE(got.has_value());
    BOOST_TEST((got.value() == inode));
  }
}

BOOST_AUTO_TEST_CASE(usual_inodes_are_small) {
  BOOST_TEST(encode(plain_file()).size() <= 45u);
  BOOST_TEST(encode(plain_directory()).size() <= 50u);
  Inode fresh = plain_file();
  fresh.mtime = fresh.ctime;
  BOOST_TEST(encode(fresh).size() <= 24u);
}

BOOST_AUTO_TEST_CASE(times_before_1970_come_back) {
  Inode inode = plain_file();
  inode.atime = -1;
  inode.mtime = INT64_MIN;
  inode.ctime = INT64_MAX;
  inode.btime = 0;
  BOOST_TEST((decode_inode(encode(inode)).value() == inode));
}

BOOST_AUTO_TEST_CASE(times_from_1901_to_2486_come_back_and_others_become_the_nearest) {
  const auto there_and_back = [](int64_t seconds, int64_t nanoseconds) {
    const auto got = to_timespec(to_time_ns({.tv_sec = seconds, .tv_nsec = nanoseconds}));
    return std::pair<int64_t, int64_t>{got.tv_sec, got.tv_nsec};
  };
  for (const int64_t seconds :
       {kEarliestSecond, int64_t{-1}, int64_t{0}, int64_t{1} << 31, int64_t{1} << 32,
        INT64_MAX / 1'000'000'000, int64_t{15'032'385'535}, kLatestSecond}) {
    for (const int64_t nanoseconds : {0, 1, 999'999'999}) {
      const std::pair<int64_t, int64_t> expected{seconds, nanoseconds};
      BOOST_TEST((there_and_back(seconds, nanoseconds) == expected), seconds);
    }
  }
  const std::pair<int64_t, int64_t> earliest{kEarliestSecond, 0};
  const std::pair<int64_t, int64_t> latest{kLatestSecond, 999'999'999};
  for (const int64_t seconds : {INT64_MIN, kEarliestSecond - 1}) {
    BOOST_TEST((there_and_back(seconds, 5) == earliest));
  }
  for (const int64_t seconds : {kLatestSecond + 1, INT64_MAX}) {
    BOOST_TEST((there_and_back(seconds, 5) == latest));
  }
}

BOOST_AUTO_TEST_CASE(a_truncated_or_overlong_inode_is_refused) {
  for (const Inode& inode : {plain_file(), plain_directory(), largest(S_IFDIR)}) {
    check_every_truncation_is_refused(encode(inode), decode_inode);
  }
}

BOOST_AUTO_TEST_CASE(garbage_in_an_inode_is_refused_or_harmless) {
  check_garbage(encode(plain_file()), decode_inode);
  check_garbage(encode(plain_directory()), decode_inode);
  check_garbage(encode(largest(S_IFCHR)), decode_inode);
}

BOOST_AUTO_TEST_CASE(impossible_inodes_are_refused) {
  const auto with = [](mode_t mode, uint32_t links, uint64_t rdev, uint64_t parent) {
    std::string out("\1", 1);
    for (const uint64_t v :
         {uint64_t(mode), uint64_t(links), uint64_t{0}, uint64_t{0}, rdev, uint64_t{0}}) {
      append_varint(out, v);
    }
    out.append(8 + 3, '\0');
    if (S_ISDIR(mode)) {
      append_varint(out, parent);
      append_varint(out, 0);
    }
    return decode_inode(out);
  };
  BOOST_TEST(with(S_IFREG | 0644, 1, 0, 0).has_value());
  BOOST_TEST(with(S_IFDIR | 0755, 2, 0, 1).has_value());
  BOOST_TEST(!with(0644, 1, 0, 0).has_value());               // no type
  BOOST_TEST(!with(0030000 | 0644, 1, 0, 0).has_value());     // none of the seven
  BOOST_TEST(!with(0200000 | S_IFREG, 1, 0, 0).has_value());  // more bits than a mode has
  BOOST_TEST(!with(S_IFREG | 0644, 1, 5, 0).has_value());     // a file with a device number
  BOOST_TEST(!with(S_IFDIR | 0755, 2, 0, 0).has_value());     // no parent
  BOOST_TEST(!with(S_IFDIR | 0755, 2, 0, kMaxInode + 1).has_value());
  BOOST_TEST(!with(S_IFDIR | 0755, 1, 0, 1).has_value());  // not even "." and ".."
}

BOOST_AUTO_TEST_CASE(what_a_later_version_adds_to_an_inode_is_kept) {
  Inode inode = plain_file();
  inode.flags = kInodeExtended | 0x8000;
  inode.extension = "later";
  const auto got = decode_inode(encode(inode));
  BOOST_REQUIRE(got.has_value());
  BOOST_TEST(got.value().extension == "later");
  BOOST_TEST((got.value() == inode));
}

BOOST_AUTO_TEST_CASE(an_inode_that_only_a_later_version_understands_is_refused) {
  Inode inode = plain_file();
  inode.flags = 0x10000;
  BOOST_TEST((decode_inode(encode(inode)).error().code == Errc::kNewerFormat));
  std::string bytes = encode(plain_file());
  bytes[0] = 3;
  BOOST_TEST((decode_inode(bytes).error().code == Errc::kNewerFormat));
  for (const char wrong : {0, 2}) {  // 2: of directories alone
    bytes[0] = wrong;
    BOOST_TEST((decode_inode(bytes).error().code == Errc::kCorrupt));
  }
}

BOOST_AUTO_TEST_CASE(a_directory_of_the_first_version_has_no_place) {
  Inode inode = plain_directory();
  inode.place = 0;
  const auto bytes = encode(inode);
  BOOST_TEST(int(bytes[0]) == 1);
  BOOST_TEST((decode_inode(bytes).value() == inode));
  BOOST_TEST(int(encode(plain_directory())[0]) == 2);
  BOOST_TEST(is_named_by(4711, 7, inode));
  BOOST_TEST(!is_named_by(4712, 7, inode));
  BOOST_TEST(is_named_by(4711, 250, plain_directory()));
  BOOST_TEST(!is_named_by(4711, 7, plain_directory()));
  BOOST_TEST(is_named_by(1, 7, plain_file()));
}

BOOST_AUTO_TEST_CASE(entries_of_every_type_come_back) {
  for (const mode_t type : {S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK}) {
    const Dentry entry{kMaxInode, type, kDamagedCookies - 1};
    const auto bytes = encode(entry);
    BOOST_TEST(bytes.size() <= kMaxDentrySize);
    BOOST_TEST((decode_dentry(bytes).value() == entry));
  }
  BOOST_TEST(encode(Dentry{20'000, S_IFREG, 20'000}).size() <= 7u);
}

BOOST_AUTO_TEST_CASE(a_truncated_or_overlong_entry_is_refused) {
  check_every_truncation_is_refused(encode(Dentry{300, S_IFREG, 70'000}), decode_dentry);
}

BOOST_AUTO_TEST_CASE(garbage_in_an_entry_is_refused_or_harmless) {
  check_garbage(encode(Dentry{300, S_IFREG, 70'000}), decode_dentry);
}

BOOST_AUTO_TEST_CASE(impossible_entries_are_refused) {
  const auto with = [](uint8_t head, uint64_t ino, uint64_t cookie) {
    std::string out(1, char(head));
    append_varint(out, ino);
    append_varint(out, cookie);
    return decode_dentry(out);
  };
  BOOST_TEST(with(0x18, 2, 16).has_value());
  BOOST_TEST(!with(0x18, 0, 16).has_value());               // inode 0
  BOOST_TEST(!with(0x14, kRootInode, 16).has_value());      // the root: it has no name
  BOOST_TEST(!with(0x18, kMaxInode + 1, 16).has_value());   // a mount could not show it
  BOOST_TEST(!with(0x18, 2, 15).has_value());               // a cookie that is never given
  BOOST_TEST(!with(0x18, 2, kDamagedCookies).has_value());  // or made up only
  for (const uint8_t type : {0, 3, 5, 7, 9, 11, 13, 14, 15}) {
    BOOST_TEST(!with(uint8_t(0x10 | type), 2, 16).has_value(), "type " << int(type));
  }
  BOOST_TEST((with(0x28, 2, 16).error().code == Errc::kNewerFormat));
  BOOST_TEST((with(0x08, 2, 16).error().code == Errc::kCorrupt));
}

BOOST_AUTO_TEST_CASE(a_superblock_comes_back) {
  Superblock superblock;
  for (size_t i = 0; i < 16; ++i) superblock.uuid[i] = uint8_t(i * 17);
  superblock.next_inode = 4098;
  superblock.next_cookie = 5000;
  BOOST_TEST((decode_superblock(encode(superblock)).value() == superblock));
  superblock.files = 0;
  BOOST_TEST((decode_superblock(encode(superblock)).value() == superblock));
  superblock.files = 1'000'000;
  BOOST_TEST((decode_superblock(encode(superblock)).value() == superblock));
  check_every_truncation_is_refused(encode(superblock), decode_superblock);
  superblock.next_inode = kMaxInode + 1;
  BOOST_TEST((decode_superblock(encode(superblock)).error().code == Errc::kCorrupt));
}

BOOST_AUTO_TEST_CASE(a_superblock_of_something_else_or_a_later_version_is_told_apart) {
  Superblock superblock;
  superblock.next_inode = 2;
  superblock.next_cookie = kFirstCookie;
  auto bytes = encode(superblock);
  bytes[7] = 2;
  BOOST_TEST((decode_superblock(bytes).error().code == Errc::kNewerFormat));
  BOOST_TEST((decode_superblock("some other value").error().code == Errc::kNotAStore));
  BOOST_TEST((decode_superblock("").error().code == Errc::kNotAStore));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria
