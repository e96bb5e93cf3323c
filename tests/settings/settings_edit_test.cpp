// SPDX-License-Identifier: MIT
#include "fs/settings/settings_edit.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>
#include <vector>

#include "core/base/unique_fd.hpp"
#include "tests/support/check.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace memoria;
using test::read_whole_file, test::write_whole_file;

namespace {

std::string edited(std::string_view text, std::string_view key, std::string_view value) {
  return test::unwrap(with_setting(text, "file", *find_store_setting(key), value));
}

Status save(const test::TemporaryDirectory& place, std::string_view key, std::string_view value) {
  return save_setting(place.path(), *find_store_setting(key), value);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(settings_edit)

BOOST_AUTO_TEST_CASE(value_is_replaced_and_all_around_it_stays) {
  BOOST_TEST(edited("# mine\n\n  file_cache   =   10   # few\nsync = 'never'\n", "file_cache",
                    "20") == "# mine\n\n  file_cache   =   20   # few\nsync = 'never'\n");
  BOOST_TEST(edited("segment_size = \"\"\"\n1M\"\"\" # x", "segment_size", "2M") ==
             "segment_size = \"2M\" # x");
  BOOST_TEST(edited("\xef\xbb\xbf'file_cache' = \"1\"\r\n# \xc3\xa4\r\n", "file_cache", "2") ==
             "\xef\xbb\xbf'file_cache' = 2\r\n# \xc3\xa4\r\n");
}

BOOST_AUTO_TEST_CASE(values_are_written_in_the_type_they_have) {
  BOOST_TEST(edited("", "segment_size", "1048576") == "segment_size = \"1M\"\n");
  BOOST_TEST(edited("", "merge_rate", "0") == "merge_rate = 0\n");
  BOOST_TEST(edited("", "sync_interval", "0.50") == "sync_interval = 0.5\n");
  BOOST_TEST(edited("", "merge_hours", "1-6") == "merge_hours = \"1-6\"\n");
  BOOST_TEST(edited("", "verify_reads", "false") == "verify_reads = false\n");
  BOOST_TEST(edited("", "sync", "never") == "sync = \"never\"\n");
}

BOOST_AUTO_TEST_CASE(new_line_stands_behind_its_comment_or_at_the_end) {
  BOOST_TEST(edited("# cache\n#file_cache = 256\n\n# end", "file_cache", "7") ==
             "# cache\n#file_cache = 256\nfile_cache = 7\n\n# end");
  BOOST_TEST(edited("# file_cache is\n# end", "file_cache", "7") ==
             "# file_cache is\n# end\nfile_cache = 7\n");
  BOOST_TEST(edited("# file_cache=1", "file_cache", "7") == "# file_cache=1\nfile_cache = 7\n");
}

BOOST_AUTO_TEST_CASE(wrong_value_is_healed_and_another_wrong_one_refused) {
  BOOST_TEST(edited("file_cache = 0\n", "file_cache", "7") == "file_cache = 7\n");
  const auto& setting = *find_store_setting("file_cache");
  CHECK_FAILS(Errc::kInvalidArgument, with_setting("sync = 1\n", "file", setting, "7"));
  CHECK_FAILS(Errc::kInvalidArgument, with_setting("[a]\nb = 1\n", "file", setting, "7"));
  CHECK_FAILS(Errc::kInvalidArgument, with_setting("sync = \n", "file", setting, "7"));
}

BOOST_AUTO_TEST_CASE(file_is_made_and_changed_and_belongs_to_its_owner_alone) {
  const test::TemporaryDirectory place;
  REQUIRE_OK(save(place, "file_cache", "7"));
  REQUIRE_OK(save(place, "sync", "never"));
  REQUIRE_OK(save(place, "file_cache", "8"));
  const auto text = read_whole_file(place.path("memoria.toml"));
  BOOST_TEST(text.starts_with("# Settings of this Memoria store"), text);
  BOOST_TEST(text.ends_with("(8).\nfile_cache = 8\nsync = \"never\"\n"), text);
  struct stat file {};
  BOOST_REQUIRE(::stat(place.path("memoria.toml").c_str(), &file) == 0);
  BOOST_TEST((file.st_mode & 07777) == 0600u);
  BOOST_TEST(::access(place.path("memoria.toml.tmp").c_str(), F_OK) != 0);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_saved_leaves_the_file_as_it_was) {
  const test::TemporaryDirectory place;
  const auto path = place.path("memoria.toml");
  write_whole_file(path, "sync = 5\n");
  ::chmod(path.c_str(), 0600);
  CHECK_FAILS(Errc::kInvalidArgument, save(place, "file_cache", "7"));
  BOOST_TEST(read_whole_file(path) == "sync = 5\n");
  const auto full = "#" + std::string(kMaxSettingsFile - 2, 'x') + "\n";
  write_whole_file(path, full);
  CHECK_FAILS(Errc::kInvalidArgument, save(place, "file_cache", "7"));
  BOOST_TEST((read_whole_file(path) == full));
  BOOST_REQUIRE(::unlink(path.c_str()) == 0 && ::symlink("x", path.c_str()) == 0);
  CHECK_FAILS(Errc::kInvalidArgument, save(place, "file_cache", "7"));
  BOOST_TEST(::access(place.path("x").c_str(), F_OK) != 0);
}

/// Anybody who may read the directory can hold that lock: nothing waits for them without end.
BOOST_AUTO_TEST_CASE(a_lock_that_somebody_keeps_is_an_error) {
  const test::TemporaryDirectory place;
  const UniqueFd other(::open(place.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  BOOST_REQUIRE(::flock(other.get(), LOCK_EX) == 0);
  const auto refused = save(place, "file_cache", "7");
  CHECK_FAILS(Errc::kLocked, refused);
  BOOST_TEST(refused.error().message.find("another program holds a lock") != std::string::npos);
  BOOST_REQUIRE(::flock(other.get(), LOCK_UN) == 0);
  REQUIRE_OK(save(place, "file_cache", "7"));
}

BOOST_AUTO_TEST_CASE(savers_at_the_same_time_lose_nothing_of_each_other) {
  const test::TemporaryDirectory place;
  std::atomic<int> failures = 0;
  std::vector<std::thread> savers;
  for (const auto& setting : store_settings()) {
    savers.emplace_back([&place, &setting, &failures] {
      for (int i = 0; i < 20; ++i) {
        if (!save_setting(place.path(), setting, setting.get(Options()))) ++failures;
      }
    });
  }
  for (auto& saver : savers) saver.join();
  BOOST_TEST(failures == 0);
  BOOST_TEST(test::unwrap(saved_settings(place.path())).size() == store_settings().size());
}

BOOST_AUTO_TEST_SUITE_END()
