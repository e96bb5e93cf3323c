// SPDX-License-Identifier: MIT
#include "tests/volume/fixture.hpp"

namespace memoria::test {
namespace {

struct AttributesFixture : VolumeFixture {
  Attributes set(InodeNumber ino, const AttributeChanges& changes) {
    return unwrap(volume->setattr(ino, changes));
  }
  const InodeNumber file = make_file("file", "contents");
};

AttributeChanges mode(mode_t m) {
  AttributeChanges out;
  out.mode = m;
  return out;
}
AttributeChanges size(uint64_t n) {
  AttributeChanges out;
  out.size = n;
  return out;
}
AttributeChanges owner(uid_t uid, gid_t gid) {
  AttributeChanges out;
  out.uid = uid;
  out.gid = gid;
  return out;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(attributes, AttributesFixture)

BOOST_AUTO_TEST_CASE(chmod_keeps_the_type_and_takes_permission_bits_only) {
  const auto before = stat_before(file);
  const auto after = set(file, mode(S_IFDIR | 06755));
  BOOST_TEST(after.mode == (S_IFREG | 06755u));
  BOOST_TEST(after.ctime > before.ctime);
  BOOST_TEST(after.mtime == before.mtime);
  BOOST_TEST(set(kRoot, mode(01777)).mode == (S_IFDIR | 01777u));
  reopen();
  BOOST_TEST(stat(file).mode == (S_IFREG | 06755u));
}

BOOST_AUTO_TEST_CASE(a_change_of_owner_clears_set_id_bits) {
  set(file, mode(06755));
  BOOST_TEST(set(file, owner(1, 2)).mode == (S_IFREG | 0755u));
  BOOST_TEST(stat(file).uid == 1u);
  BOOST_TEST(stat(file).gid == 2u);
  set(file, mode(06745));  // no group-execute: mandatory locking, stays
  BOOST_TEST(set(file, owner(3, 4)).mode == (S_IFREG | 02745u));
}

BOOST_AUTO_TEST_CASE(who_is_not_in_the_group_clears_set_group_id_without_execute_too) {
  set(file, mode(06766));
  BOOST_TEST(unwrap(volume->drop_set_ids(file)));
  BOOST_TEST(stat(file).mode == (S_IFREG | 02766u));
  BOOST_TEST(!unwrap(volume->drop_set_ids(file)));
  BOOST_TEST(unwrap(volume->drop_set_ids(file, true)));
  BOOST_TEST(stat(file).mode == (S_IFREG | 0766u));
  set(file, mode(06766));
  auto changes = owner(1, 2);
  changes.outside_group = true;
  BOOST_TEST(set(file, changes).mode == (S_IFREG | 0766u));
  set(file, mode(06766));
  changes = size(0);
  changes.drop_set_ids = changes.outside_group = true;
  BOOST_TEST(set(file, changes).mode == (S_IFREG | 0766u));
  set(kRoot, mode(02755));
  changes = owner(1, 2);
  changes.outside_group = true;
  BOOST_TEST(set(kRoot, changes).mode == (S_IFDIR | 02755u));
}

BOOST_AUTO_TEST_CASE(a_change_of_owner_leaves_a_directory_its_bits) {
  const auto directory = make_directory("directory");
  set(directory, mode(06755));
  BOOST_TEST(set(directory, owner(1, 2)).mode == (S_IFDIR | 06755u));
}

BOOST_AUTO_TEST_CASE(a_mode_that_comes_with_an_owner_is_kept) {
  auto changes = owner(1, 2);
  changes.mode = 04755;
  BOOST_TEST(set(file, changes).mode == (S_IFREG | 04755u));
}

BOOST_AUTO_TEST_CASE(a_change_of_owner_takes_capabilities_away) {
  REQUIRE_OK(volume->setxattr(file, "security.capability", "caps", 0));
  set(file, mode(0755));
  BOOST_TEST(errno_of(volume->getxattr(file, "security.capability")) == 0);
  set(file, owner(1, 2));
  BOOST_TEST(errno_of(volume->getxattr(file, "security.capability")) == ENODATA);
}

BOOST_AUTO_TEST_CASE(truncating_cuts_and_grows_and_leaves_the_mode_to_the_kernel) {
  set(file, mode(06755));
  const auto before = stat_before(file);
  const auto cut = set(file, size(4));
  BOOST_TEST(cut.size == 4u);
  BOOST_TEST(cut.mode == (S_IFREG | 06755u));
  BOOST_TEST(cut.mtime > before.mtime);
  BOOST_TEST(cut.ctime == cut.mtime);
  BOOST_TEST(contents(file) == "cont");
  BOOST_TEST(set(file, size(8)).size == 8u);
  BOOST_TEST(contents(file) == std::string("cont\0\0\0\0", 8));
  BOOST_TEST(set(file, size(0)).size == 0u);
  BOOST_TEST(stat(file).blocks == 0u);
  BOOST_TEST(set(file, size(0)).size == 0u);
  BOOST_TEST(set(file, size(5)).size == 5u);
  BOOST_TEST(contents(file) == std::string(5, '\0'));
}

BOOST_AUTO_TEST_CASE(a_size_without_times_of_a_kernel_that_owns_them_changes_none) {
  const auto before = stat_before(file);
  auto changes = size(8);
  changes.kernel_has_times = true;
  set(file, changes);
  BOOST_TEST(stat(file).mtime == before.mtime);
  BOOST_TEST(stat(file).ctime == before.ctime);
  changes = size(4);
  changes.kernel_has_times = true;
  changes.mtime = changes.ctime = 5;
  BOOST_TEST(set(file, changes).mtime == 5);
  BOOST_TEST(stat(file).ctime == 5);
}

BOOST_AUTO_TEST_CASE(an_open_file_can_be_truncated_to_nothing_and_written_again) {
  volume->hold(file);
  set(file, size(0));
  REQUIRE_OK(volume->write(file, 0, "new", true));
  BOOST_TEST(contents(file) == "new");
  volume->forget(file, 1);
  BOOST_TEST(contents(file) == "new");
}

BOOST_AUTO_TEST_CASE(files_end_where_the_kernel_can_count_no_further) {
  const uint64_t limit = (uint64_t{1} << 63) - 1;
  BOOST_TEST(set(file, size(limit)).size == limit);
  BOOST_TEST(errno_of(volume->setattr(file, size(limit + 1))) == EFBIG);
  BOOST_TEST(stat(file).blocks == 1u);
  set(file, size(8));
  BOOST_TEST(contents(file) == "contents");
}

BOOST_AUTO_TEST_CASE(only_regular_files_have_a_size_to_set) {
  BOOST_TEST(errno_of(volume->setattr(kRoot, size(0))) == EISDIR);
  const auto link = unwrap(volume->symlink(kRoot, "s", "t", kCaller));
  BOOST_TEST(errno_of(volume->setattr(link.ino, size(0))) == EINVAL);
  BOOST_TEST(unwrap(volume->readlink(link.ino)) == "t");
}

BOOST_AUTO_TEST_CASE(times_are_kept_to_the_nanosecond) {
  AttributeChanges changes;
  changes.atime = -1;
  changes.mtime = 1'234'567'890'123'456'789;
  const auto before = stat_before(file);
  const auto after = set(file, changes);
  BOOST_TEST(after.atime == -1);
  BOOST_TEST(after.mtime == 1'234'567'890'123'456'789);
  BOOST_TEST(after.ctime > before.ctime);
  BOOST_TEST(after.btime == before.btime);
  changes = {};
  changes.ctime = 5;  // the kernel's writeback cache sends its own
  BOOST_TEST(set(file, changes).ctime == 5);
  reopen();
  BOOST_TEST(stat(file).atime == -1);
  BOOST_TEST(stat(file).ctime == 5);
}

BOOST_AUTO_TEST_CASE(now_is_the_time_of_the_change) {
  AttributeChanges changes;
  changes.atime = changes.mtime = 0;
  set(file, changes);
  changes = {};
  changes.atime_now = changes.mtime_now = true;
  const auto after = set(file, changes);
  BOOST_TEST(after.atime == after.ctime);
  BOOST_TEST(after.mtime == after.ctime);
}

TimeNs real_time() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return to_time_ns(time);
}

BOOST_AUTO_TEST_CASE(what_is_made_later_is_not_older_than_what_the_kernel_has_stamped) {
  for (int i = 0; i < 100; ++i) {
    AttributeChanges stamped;
    stamped.ctime = stamped.mtime = real_time();  // ahead of its coarse clock
    set(file, stamped);
    BOOST_TEST(stat(make_file("later" + std::to_string(i))).ctime >= *stamped.ctime);
  }
}

BOOST_AUTO_TEST_CASE(a_time_that_is_to_come_is_not_now) {
  AttributeChanges stamped;
  stamped.ctime = real_time() + 3'600'000'000'000;  // the clock was set back since
  set(file, stamped);
  BOOST_TEST(stat(make_file("later")).ctime < *stamped.ctime);
}

BOOST_AUTO_TEST_CASE(changing_nothing_changes_no_time) {
  const auto before = stat_before(file);
  const auto written = volume->store().stats().bytes_written;
  BOOST_TEST(set(file, {}).ctime == before.ctime);
  BOOST_TEST(volume->store().stats().bytes_written == written);
}

BOOST_AUTO_TEST_CASE(all_changes_of_one_call_happen_together) {
  auto changes = owner(7, 8);
  changes.mode = 0600;
  changes.size = 3;
  changes.mtime = 42;
  const auto after = set(file, changes);
  BOOST_TEST(after.uid == 7u);
  BOOST_TEST(after.gid == 8u);
  BOOST_TEST(after.mode == (S_IFREG | 0600u));
  BOOST_TEST(after.size == 3u);
  BOOST_TEST(after.mtime == 42);
  changes.uid = 9;
  changes.size = uint64_t{1} << 63;
  BOOST_TEST(errno_of(volume->setattr(file, changes)) == EFBIG);
  BOOST_TEST(stat(file).uid == 7u);
}

BOOST_AUTO_TEST_CASE(blocks_count_what_is_stored) {
  BOOST_TEST(stat(file).blocks == 1u);
  const auto large = make_file("large", std::string(100'000, 'x'));
  BOOST_TEST(stat(large).blocks == (100'000u + 511) / 512);
  REQUIRE_OK(volume->write(large, 10'000'000, "end", false));
  BOOST_TEST(stat(large).size == 10'000'003u);
  BOOST_TEST(stat(large).blocks == (100'003u + 511) / 512);
}

BOOST_AUTO_TEST_CASE(a_file_is_small_in_the_store) {
  const auto before = volume->store().stats();
  for (int i = 0; i < 1000; ++i) make_file("name-" + std::to_string(i));
  const auto after = volume->store().stats();
  // Inode, entry, and the directory's inode, which each creation replaces.
  BOOST_TEST((after.value_bytes - before.value_bytes) / 1000 < 40u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
