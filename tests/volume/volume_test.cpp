// SPDX-License-Identifier: MIT
// Opening, closing, counting, and the errors of the whole.
#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "fs/volume/inode.hpp"
#include "fs/volume/keys.hpp"
#include "fs/volume/superblock.hpp"
#include "tests/volume/fixture.hpp"

namespace memoria::test {

BOOST_FIXTURE_TEST_SUITE(whole_volume, VolumeFixture)

BOOST_AUTO_TEST_CASE(a_volume_keeps_its_identity) {
  const auto before = unwrap(decode_superblock(unwrap(volume->store().get("S"))));
  make_file("file");
  reopen();
  const auto after = unwrap(decode_superblock(unwrap(volume->store().get("S"))));
  BOOST_TEST((before.uuid == after.uuid));
  BOOST_TEST((before.uuid != std::array<uint8_t, 16>{}));
}

BOOST_AUTO_TEST_CASE(the_number_of_files_is_exact) {
  make_file("a");
  make_file("b");
  make_directory("c");
  make_link(find("a").ino, "d");
  BOOST_TEST(volume->files() == 4u);
  reopen();
  BOOST_TEST(volume->files() == 4u);
  REQUIRE_OK(volume->unlink(kRoot, "b"));
  crash();
  BOOST_TEST(volume->files() == 3u);
  REQUIRE_OK(volume->unlink(kRoot, "a"));
  BOOST_TEST(volume->files() == 3u);
  REQUIRE_OK(volume->unlink(kRoot, "d"));
  BOOST_TEST(volume->files() == 2u);
}

BOOST_AUTO_TEST_CASE(a_number_of_files_from_before_a_crash_is_not_believed) {
  make_file("a");
  reopen();
  BOOST_TEST(unwrap(decode_superblock(unwrap(volume->store().get("S")))).files.has_value());
  REQUIRE_OK(volume->unlink(kRoot, "a"));
  BOOST_TEST(!unwrap(decode_superblock(unwrap(volume->store().get("S")))).files.has_value());
  crash();
  BOOST_TEST(volume->files() == 1u);
}

BOOST_AUTO_TEST_CASE(opening_and_closing_changes_nothing) {
  make_file("a", "contents");
  close();
  const auto timestamps = [this] {
    std::string out;
    open();
    REQUIRE_OK(volume->store().scan("", "", [&](const KeyInfo& info) {
      out += std::string(info.key) + std::to_string(info.timestamp) + "\n";
      return true;
    }));
    close();
    return out;
  };
  const auto before = timestamps();
  const bool same = timestamps() == before;
  BOOST_TEST(same);
  open();
}

BOOST_AUTO_TEST_CASE(space_leaves_the_reserve_out) {
  const auto space = unwrap(volume->space());
  const auto disk = unwrap(volume->store().space());
  BOOST_TEST(space.total_bytes == disk.total_bytes);
  const uint64_t reserve = volume->store().options().reserve_bytes;
  BOOST_TEST(space.available_bytes == disk.free_bytes - reserve);
  BOOST_TEST(space.free_bytes == std::max(disk.unused_bytes, disk.free_bytes) - reserve);
  BOOST_TEST(space.files == 1u);
  BOOST_TEST(space.free_files > 1'000'000'000u);
}

BOOST_AUTO_TEST_CASE(sync_reports_success_to_everyone) {
  make_file("a", "contents");
  REQUIRE_OK(volume->sync());
  std::mutex mutex;
  std::condition_variable changed;
  int answers = 0;
  for (int i = 0; i < 5; ++i) {
    make_file(std::to_string(i));
    volume->sync_async([&](const Status& s) {
      const std::lock_guard lock(mutex);
      answers += s.has_value() ? 1 : 100;
      changed.notify_one();
    });
  }
  std::unique_lock lock(mutex);
  BOOST_TEST(changed.wait_for(lock, std::chrono::seconds(60), [&] { return answers >= 5; }));
  BOOST_TEST(answers == 5);
}

BOOST_AUTO_TEST_CASE(a_read_only_volume_shows_everything_and_changes_nothing) {
  const auto file = make_file("file", "contents");
  make_directory("directory");
  close();
  options.read_only = true;
  open();
  BOOST_TEST(contents(file) == "contents");
  BOOST_TEST(names().size() == 2u);
  BOOST_TEST(volume->files() == 3u);
  AttributeChanges chmod;
  chmod.mode = 0600;
  BOOST_TEST(errno_of(volume->mkdir(kRoot, "x", 0755, kCaller)) == EROFS);
  BOOST_TEST(errno_of(volume->unlink(kRoot, "file")) == EROFS);
  BOOST_TEST(errno_of(volume->rmdir(kRoot, "directory")) == EROFS);
  BOOST_TEST(errno_of(volume->rename(kRoot, "file", kRoot, "x", 0)) == EROFS);
  BOOST_TEST(errno_of(volume->link(file, kRoot, "x")) == EROFS);
  BOOST_TEST(errno_of(volume->write(file, 0, "x", false)) == EROFS);
  BOOST_TEST(errno_of(volume->setattr(file, chmod)) == EROFS);
  BOOST_TEST(errno_of(volume->setxattr(file, "user.a", "1", 0)) == EROFS);
  BOOST_TEST(names().size() == 2u);
  BOOST_TEST(volume->files() == 3u);
}

BOOST_AUTO_TEST_CASE(a_read_only_volume_leaves_orphans_alone) {
  const auto file = make_file("file", "contents");
  const auto copy = unwrap(volume->store().get(Key(Table::kInodes, file)));
  REQUIRE_OK(volume->unlink(kRoot, "file"));
  Inode orphan = unwrap(decode_inode(copy));
  orphan.links = 0;
  REQUIRE_OK(volume->store().put(Key(Table::kInodes, file), encode(orphan)));
  REQUIRE_OK(volume->store().put(Key(Table::kOrphans, file), ""));
  close();
  options.read_only = true;
  open();
  BOOST_TEST(keys('O') == 1u);
  close();
  options.read_only = false;
  open();
  BOOST_TEST(keys('O') == 0u);
  BOOST_TEST(keys('I') == 1u);
}

BOOST_AUTO_TEST_CASE(closing_twice_is_harmless) {
  REQUIRE_OK(volume->close());
  REQUIRE_OK(volume->close());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(opening_a_volume)

namespace {

struct Opening {
  std::unique_ptr<Store> store(const Options& options = volume_options()) {
    return unwrap(Store::open(unwrap(open_directory(place.path(), true)), options));
  }
  TemporaryDirectory place;
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_store_with_other_keys_is_no_volume, Opening) {
  auto other = store();
  REQUIRE_OK(other->put("key", "value"));
  CHECK_FAILS(Errc::kNotAStore, Volume::open(std::move(other), kCaller));
}

BOOST_FIXTURE_TEST_CASE(an_empty_store_cannot_become_a_volume_read_only, Opening) {
  REQUIRE_OK(store()->close());
  auto options = volume_options();
  options.read_only = true;
  auto empty = Store::open(unwrap(open_directory(place.path(), false)), options);
  if (empty.has_value()) {  // the store may already have said no
    BOOST_TEST(!Volume::open(std::move(empty).value(), kCaller).has_value());
  }
}

BOOST_FIXTURE_TEST_CASE(a_volume_of_a_later_version_is_refused, Opening) {
  auto later = store();
  std::string superblock = "MEMOVOL";
  superblock += '\2';
  REQUIRE_OK(later->put("S", superblock));
  CHECK_FAILS(Errc::kNewerFormat, Volume::open(std::move(later), kCaller));
}

BOOST_FIXTURE_TEST_CASE(without_a_superblock_the_numbers_come_from_what_is_there, VolumeFixture) {
  const auto file = make_file("file", "contents");
  const auto lost = make_file("lost", "contents");
  const auto store = [this]() -> Store& { return volume->store(); };
  for (const bool is_gone : {true, false}) {
    REQUIRE_OK(store().erase(Key(Table::kInodes, lost)));
    volume.reset();  // the superblock is written at the end
    auto damaged = unwrap(Store::open(unwrap(open_directory(place.path(), true)), options));
    if (is_gone) {
      REQUIRE_OK(damaged->erase("S"));
    } else {
      REQUIRE_OK(damaged->put("S", std::string("MEMOVOL\1too short", 17)));
    }
    volume = unwrap(Volume::open(std::move(damaged), kCaller));
    BOOST_TEST(contents(find("file").ino) == "contents");
    BOOST_TEST(lookup_errno("lost") == EIO);
    const auto made = make_file(is_gone ? "new" : "newer");
    BOOST_TEST(made > file);
    BOOST_TEST(made > lost);  // its name is still there
    BOOST_TEST(lookup_errno("lost") == EIO);
  }
}

BOOST_FIXTURE_TEST_CASE(an_outdated_superblock_gives_out_no_number_twice, VolumeFixture) {
  const auto old = unwrap(volume->store().get("S"));
  const auto file = make_file("file", "contents");
  close();
  auto damaged = unwrap(Store::open(unwrap(open_directory(place.path(), true)), options));
  REQUIRE_OK(damaged->put("S", old));
  volume = unwrap(Volume::open(std::move(damaged), kCaller));
  BOOST_TEST(make_file("new") > file);
  BOOST_TEST(contents(file) == "contents");
  BOOST_TEST(volume->files() == 3u);
}

BOOST_FIXTURE_TEST_CASE(a_root_that_is_gone_is_damage, VolumeFixture) {
  REQUIRE_OK(volume->store().erase(Key(Table::kInodes, kRoot)));
  BOOST_TEST(errno_of(volume->getattr(kRoot)) == EIO);
  BOOST_TEST(lookup_errno("any") == EIO);
}

BOOST_FIXTURE_TEST_CASE(a_damaged_superblock_without_a_root_is_reported, Opening) {
  auto bad = store();
  REQUIRE_OK(bad->put("S", std::string("MEMOVOL\1too short", 17)));
  CHECK_FAILS(Errc::kCorrupt, Volume::open(std::move(bad), kCaller));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
