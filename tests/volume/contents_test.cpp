// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include "tests/support/random.hpp"
#include "tests/volume/fixture.hpp"

namespace memoria::test {
namespace {

constexpr uint64_t kLimit = (uint64_t{1} << 63) - 1;

struct ContentsFixture : VolumeFixture {
  std::string read(InodeNumber ino, uint64_t offset, size_t length) {
    std::string out(length, '?');
    out.resize(unwrap(volume->read(ino, offset, out)));
    return out;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(file_contents, ContentsFixture)

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
  const auto file = make_file("file", "0123456789");
  BOOST_TEST(read(file, 0, 100) == "0123456789");
  BOOST_TEST(read(file, 3, 4) == "3456");
  BOOST_TEST(read(file, 10, 4) == "");
  BOOST_TEST(read(file, 1000, 4) == "");
  BOOST_TEST(read(file, kLimit + 5, 4) == "");
  BOOST_TEST(read(file, 0, 0) == "");
  REQUIRE_OK(volume->write(file, 2, "xx", false));
  REQUIRE_OK(volume->write(file, 12, "end", false));
  BOOST_TEST(contents(file) == std::string("01xx456789\0\0end", 15));
  reopen();
  BOOST_TEST(contents(file) == std::string("01xx456789\0\0end", 15));
}

BOOST_AUTO_TEST_CASE(an_empty_file_reads_as_nothing) {
  const auto file = make_file("file");
  BOOST_TEST(read(file, 0, 10) == "");
  REQUIRE_OK(volume->write(file, 0, "", false));
  BOOST_TEST(stat(file).size == 0u);
  BOOST_TEST(keys('C') == 0u);
}

BOOST_AUTO_TEST_CASE(a_first_write_behind_the_start_leaves_a_hole) {
  const auto file = make_file("file");
  REQUIRE_OK(volume->write(file, 100'000, "x", false));
  BOOST_TEST(stat(file).size == 100'001u);
  BOOST_TEST(stat(file).blocks == 1u);
  BOOST_TEST(read(file, 0, 5) == std::string(5, '\0'));
}

BOOST_AUTO_TEST_CASE(writing_sets_the_times_unless_the_caller_owns_them) {
  const auto file = make_file("file", "1");
  const auto before = stat_before(file);
  REQUIRE_OK(volume->write(file, 0, "2", true));
  BOOST_TEST(stat(file).mtime == before.mtime);
  volume->hold(file);
  REQUIRE_OK(volume->write(file, 0, "3", true));
  BOOST_TEST(stat(file).mtime == before.mtime);
  REQUIRE_OK(volume->write(file, 0, "4", false));
  BOOST_TEST(stat(file).mtime > before.mtime);
  BOOST_TEST(stat(file).ctime == stat(file).mtime);
  volume->forget(file, 1);
  BOOST_TEST(contents(file) == "4");
}

BOOST_AUTO_TEST_CASE(only_regular_files_have_contents) {
  const auto link = unwrap(volume->symlink(kRoot, "s", "target", kCaller)).ino;
  const auto fifo = unwrap(volume->mknod(kRoot, "f", S_IFIFO | 0600, 0, kCaller)).ino;
  std::string buffer(10, '\0');
  BOOST_TEST(errno_of(volume->read(kRoot, 0, buffer)) == EISDIR);
  BOOST_TEST(errno_of(volume->write(kRoot, 0, "x", false)) == EISDIR);
  BOOST_TEST(errno_of(volume->append(kRoot, "x")) == EISDIR);
  for (const auto ino : {link, fifo}) {
    BOOST_TEST(errno_of(volume->read(ino, 0, buffer)) == EINVAL);
    BOOST_TEST(errno_of(volume->write(ino, 0, "x", true)) == EINVAL);
    BOOST_TEST(errno_of(volume->seek(ino, 0, SEEK_DATA)) == EINVAL);
  }
  BOOST_TEST(unwrap(volume->readlink(link)) == "target");
}

BOOST_AUTO_TEST_CASE(writes_end_at_16_tib) {
  const auto file = make_file("file", "x");
  REQUIRE_OK(volume->write(file, kLimit - 1, "y", false));
  BOOST_TEST(stat(file).size == kLimit);
  BOOST_TEST(read(file, kLimit - 1, 5) == "y");
  BOOST_TEST(errno_of(volume->write(file, kLimit, "y", false)) == EFBIG);
  BOOST_TEST(errno_of(volume->write(file, kLimit - 1, "yy", true)) == EFBIG);
  BOOST_TEST(errno_of(volume->write(file, ~uint64_t{0}, "y", false)) == EFBIG);
  BOOST_TEST(errno_of(volume->append(file, "y")) == EFBIG);
  BOOST_TEST(stat(file).size == kLimit);
}

BOOST_AUTO_TEST_CASE(one_write_may_be_large) {
  const auto file = make_file("file");
  std::string large(40 << 20, '\0');
  for (size_t i = 0; i < large.size(); i += 4096) large[i] = char(i >> 12);
  REQUIRE_OK(volume->write(file, 5, large, false));
  BOOST_TEST((contents(file) == std::string(5, '\0') + large));
}

BOOST_AUTO_TEST_CASE(appends_go_to_the_end_and_say_where) {
  const auto file = make_file("file");
  BOOST_TEST(unwrap(volume->append(file, "one")) == 0u);
  BOOST_TEST(unwrap(volume->append(file, "two")) == 3u);
  BOOST_TEST(unwrap(volume->append(file, "")) == 6u);
  BOOST_TEST(contents(file) == "onetwo");
}

BOOST_AUTO_TEST_CASE(many_small_appends_make_one_file) {
  const auto file = make_file("file");
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    const auto line = "line " + std::to_string(i) + "\n";
    unwrap(volume->append(file, line));
    expected += line;
  }
  BOOST_TEST((contents(file) == expected));
  reopen();
  BOOST_TEST((contents(file) == expected));
}

/// A file that is appended to as the kernel does it with its cache: each time it writes the last
/// page from the page's beginning on.
struct CachedFixture : ContentsFixture {
  ~CachedFixture() { volume->forget(file, 1); }

  void append(std::string_view bytes) {
    const auto page = expected.size() / 4096 * 4096;
    expected += bytes;
    REQUIRE_OK(volume->write(file, page, std::string_view(expected).substr(page), true));
  }
  uint64_t written() const { return volume->store().stats().bytes_written; }

  InodeNumber file = unwrap(volume->mknod(kRoot, "file", S_IFREG | 0644, 0, kCaller)).ino;
  std::string expected;
};

BOOST_FIXTURE_TEST_CASE(what_the_kernel_writes_once_more_takes_no_space, CachedFixture) {
  const auto before = written();
  for (int i = 0; i < 3000; ++i) {
    auto line = std::to_string(i);
    line.resize(100, char('a' + i % 26));
    append(line);
    if (i % 1000 == 0) unwrap(volume->store().merge({.all = true}));
  }
  BOOST_TEST(written() - before < 6 * expected.size());
  BOOST_TEST((contents(file) == expected));
  reopen();
  volume->hold(file);
  BOOST_TEST((contents(file) == expected));
}

BOOST_FIXTURE_TEST_CASE(what_changed_in_the_last_page_is_written_with_what_is_appended,
                        CachedFixture) {
  Random random(base_seed());
  for (int i = 0; i < 1000; ++i) {
    append(random.bytes(1 + random.below(300)));
    if (const auto there = expected.size() % 4096; there > 0 && random.one_in(2)) {
      expected[expected.size() - 1 - random.below(there)] ^= 1;
    }
    append(random.bytes(1 + random.below(100)));
    BOOST_REQUIRE((contents(file) == expected));
  }
  reopen();
  volume->hold(file);
  BOOST_TEST((contents(file) == expected));
}

BOOST_FIXTURE_TEST_CASE(appending_to_a_page_with_a_hole, CachedFixture) {
  append(std::string(2000, 'x'));
  REQUIRE_OK(volume->fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 500, 1000));
  append("of the page as it was");
  BOOST_TEST((contents(file) == expected));
}

BOOST_AUTO_TEST_CASE(punching_makes_a_hole_and_keeps_the_size) {
  const auto file = make_file("file", std::string(10'000, 'x'));
  const auto before = stat_before(file);
  REQUIRE_OK(volume->fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1000, 5000));
  BOOST_TEST(stat(file).size == 10'000u);
  BOOST_TEST(stat(file).blocks == 10u);
  BOOST_TEST(stat(file).mtime > before.mtime);
  BOOST_TEST((contents(file) ==
              std::string(1000, 'x') + std::string(5000, '\0') + std::string(4000, 'x')));
  REQUIRE_OK(volume->fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 9000, 5000));
  BOOST_TEST(stat(file).size == 10'000u);
  REQUIRE_OK(volume->fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 50'000, 5));
  BOOST_TEST(stat(file).size == 10'000u);
}

BOOST_AUTO_TEST_CASE(punching_an_empty_file_does_nothing) {
  const auto file = make_file("file");
  REQUIRE_OK(volume->fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 5));
  BOOST_TEST(stat(file).size == 0u);
}

BOOST_AUTO_TEST_CASE(zeroing_a_range_can_grow_the_file) {
  const auto file = make_file("file", "0123456789");
  REQUIRE_OK(volume->fallocate(file, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 8, 100));
  BOOST_TEST(contents(file) == std::string("01234567\0\0", 10));
  REQUIRE_OK(volume->fallocate(file, FALLOC_FL_ZERO_RANGE, 6, 6));
  BOOST_TEST(contents(file) == std::string("012345\0\0\0\0\0\0", 12));
}

BOOST_AUTO_TEST_CASE(allocating_grows_the_file_but_never_cuts_it) {
  const auto file = make_file("file", "0123456789");
  REQUIRE_OK(volume->fallocate(file, 0, 0, 5));
  BOOST_TEST(contents(file) == "0123456789");
  REQUIRE_OK(volume->fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 500));
  BOOST_TEST(stat(file).size == 10u);
  REQUIRE_OK(volume->fallocate(file, 0, 8, 5));
  BOOST_TEST(contents(file) == std::string("0123456789\0\0\0", 13));
}

BOOST_AUTO_TEST_CASE(allocating_and_punching_change_the_times_whatever_they_find) {
  const auto file = make_file("file", "0123456789");
  const auto changes_times = [&](int mode, uint64_t offset, uint64_t length) {
    const auto before = stat_before(file);
    REQUIRE_OK(volume->fallocate(file, mode, offset, length));
    const auto after = stat(file);
    return after.mtime > before.mtime && after.ctime == after.mtime;
  };
  BOOST_TEST(changes_times(0, 0, 5));
  BOOST_TEST(changes_times(FALLOC_FL_KEEP_SIZE, 50, 5));
  BOOST_TEST(changes_times(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 50, 5));
  BOOST_TEST(changes_times(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 50, 5));
  BOOST_TEST(stat(file).size == 10u);
}

BOOST_AUTO_TEST_CASE(what_fallocate_cannot_do_is_refused) {
  const auto file = make_file("file", "0123456789");
  const auto fifo = unwrap(volume->mknod(kRoot, "f", S_IFIFO | 0600, 0, kCaller)).ino;
  BOOST_TEST(errno_of(volume->fallocate(file, FALLOC_FL_PUNCH_HOLE, 0, 5)) == EOPNOTSUPP);
  BOOST_TEST(errno_of(volume->fallocate(file, FALLOC_FL_COLLAPSE_RANGE, 0, 5)) == EOPNOTSUPP);
  BOOST_TEST(errno_of(volume->fallocate(file, FALLOC_FL_INSERT_RANGE, 0, 5)) == EOPNOTSUPP);
  BOOST_TEST(errno_of(volume->fallocate(file, 0, 0, 0)) == EINVAL);
  BOOST_TEST(errno_of(volume->fallocate(file, 0, kLimit, 1)) == EFBIG);
  BOOST_TEST(errno_of(volume->fallocate(file, 0, ~uint64_t{0}, 2)) == EFBIG);
  BOOST_TEST(errno_of(volume->fallocate(file, 0, 0, kLimit)) == ENOSPC);  // no test disk has that
  BOOST_TEST(errno_of(volume->fallocate(kRoot, 0, 0, 5)) == EISDIR);
  BOOST_TEST(errno_of(volume->fallocate(fifo, 0, 0, 5)) == ENODEV);
  BOOST_TEST(contents(file) == "0123456789");
}

BOOST_AUTO_TEST_CASE(data_and_holes_can_be_found) {
  const auto file = make_file("file");
  REQUIRE_OK(volume->write(file, 10'000, std::string(5000, 'x'), false));
  REQUIRE_OK(volume->write(file, 50'000, std::string(5000, 'y'), false));
  BOOST_TEST(unwrap(volume->seek(file, 0, SEEK_DATA)) == 10'000u);
  BOOST_TEST(unwrap(volume->seek(file, 12'000, SEEK_DATA)) == 12'000u);
  BOOST_TEST(unwrap(volume->seek(file, 15'000, SEEK_DATA)) == 50'000u);
  BOOST_TEST(unwrap(volume->seek(file, 0, SEEK_HOLE)) == 0u);
  BOOST_TEST(unwrap(volume->seek(file, 12'000, SEEK_HOLE)) == 15'000u);
  BOOST_TEST(unwrap(volume->seek(file, 52'000, SEEK_HOLE)) == 55'000u);
  BOOST_TEST(errno_of(volume->seek(file, 55'000, SEEK_DATA)) == ENXIO);
  BOOST_TEST(errno_of(volume->seek(file, 55'000, SEEK_HOLE)) == ENXIO);
  BOOST_TEST(errno_of(volume->seek(file, 0, SEEK_SET)) == EINVAL);
  const auto empty = make_file("empty");
  BOOST_TEST(errno_of(volume->seek(empty, 0, SEEK_DATA)) == ENXIO);
  BOOST_TEST(errno_of(volume->seek(empty, 0, SEEK_HOLE)) == ENXIO);
}

BOOST_AUTO_TEST_CASE(small_files_live_in_the_key_directory) {
  const auto file = make_file("file", std::string(100, 'x'));
  bool is_inline = false;
  REQUIRE_OK(volume->store().scan(Volume::content_key(file), {}, [&](const KeyInfo& info) {
    is_inline = info.is_inline;
    return true;
  }));
  BOOST_TEST(is_inline);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
