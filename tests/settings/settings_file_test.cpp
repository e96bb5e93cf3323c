// SPDX-License-Identifier: MIT
#include "fs/settings/settings_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "tests/support/check.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace memoria;
using test::TemporaryDirectory, test::write_whole_file;

namespace {

struct Fixture {
  TemporaryDirectory directory;
  std::string path = directory.path("memoria.toml");

  void write(const std::string& text) {
    write_whole_file(path, text);
    ::chmod(path.c_str(), 0600);
  }
  Options loaded() {
    Options options;
    REQUIRE_OK(load_settings(directory.path(), options));
    return options;
  }
  std::string refusal() {
    Options options;
    options.file_cache.max_size = 77;
    const auto done = load_settings(directory.path(), options);
    BOOST_REQUIRE_MESSAGE(!done.has_value(), "the file was taken");
    BOOST_TEST((done.error().code == Errc::kInvalidArgument), done.error().describe());
    BOOST_TEST(options.file_cache.max_size == 77u);
    BOOST_TEST(done.error().message.starts_with(path), done.error().message);
    return done.error().message.substr(path.size());
  }
  std::string refusal_of(const std::string& text) {
    write(text);
    return refusal();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(settings_file, Fixture)

BOOST_AUTO_TEST_CASE(settings_reach_the_options) {
  write(
      "sync = \"always\"  # at once\nsync_interval = 0.25\nsegment_size = \"16M\"\n"
      "merge_check_interval = 90\nfragmentation_threshold = 1\n"
      "dead_bytes_threshold = 2097152\nmerge_rate = '50m'\nmerge_hours = \"1-6\"\n"
      "\"file_cache\" = 10\nverify_reads = false");
  const auto options = loaded();
  BOOST_TEST((options.sync_policy == SyncPolicy::kAlways));
  BOOST_TEST(options.sync_interval.count() == 250);
  BOOST_TEST(options.segment.max_size == 16u << 20);
  BOOST_TEST(options.segment.merge_check_interval.count() == 90'000);
  BOOST_TEST(options.segment.fragmentation_threshold == 1.0);
  BOOST_TEST(options.segment.dead_bytes_threshold == 2u << 20);
  BOOST_TEST(options.merge.rate_bytes_per_second == 50u << 20);
  BOOST_TEST(options.merge.from_hour == 1);
  BOOST_TEST(options.merge.until_hour == 6);
  BOOST_TEST(options.file_cache.max_size == 10u);
  BOOST_TEST(!options.verify_reads);
}

BOOST_AUTO_TEST_CASE(no_file_and_an_empty_one_say_nothing) {
  BOOST_TEST(test::unwrap(saved_settings(directory.path())).empty());
  BOOST_TEST(test::unwrap(saved_settings(directory.path("missing"))).empty());
  for (const char* text : {"", "\n", "# nothing\n", "\xef\xbb\xbf", "\r\n# nothing"}) {
    write(text);
    BOOST_TEST(test::unwrap(saved_settings(directory.path())).empty());
  }
}

BOOST_AUTO_TEST_CASE(a_string_is_what_would_follow_o) {
  write("sync_interval = \"0.5\"\nfile_cache = \"7\"\nverify_reads = \"false\"\n");
  BOOST_TEST(loaded().sync_interval.count() == 500);
  BOOST_TEST(loaded().file_cache.max_size == 7u);
  BOOST_TEST(!loaded().verify_reads);
}

BOOST_AUTO_TEST_CASE(value_out_of_range_is_refused_with_line_key_value_range_and_default) {
  BOOST_TEST(
      refusal_of("# sizes\n\n  segment_size = \"8G\" # too much\n") ==
      ", line 3: segment_size = \"8G\" # too much: the value of 'segment_size' must be 1M to "
      "4095M, written as a whole number, with K, M, G or T for powers of 1024; correct it, or "
      "remove the line for the default, 64M");
  BOOST_TEST(refusal_of("dead_bytes_threshold = \"1.5G\"").find("a whole number, with K, M") !=
             std::string::npos);
  for (const char* bad :
       {"sync = \"sometimes\"", "sync = \"\"", "sync_interval = 0", "sync_interval = nan",
        "sync_interval = -inf", "file_cache = 0", "file_cache = -1", "file_cache = \"1.5\"",
        "merge_hours = \"24-24\"", "merge_hours = \"5-5\"", "memory_limit = 1",
        "merge_rate = \"2T\"", "fragmentation_threshold = 1.01", "verify_reads = \"no\""}) {
    BOOST_TEST(refusal_of(bad).find("must be") != std::string::npos, bad);
  }
}

BOOST_AUTO_TEST_CASE(value_of_another_type_is_refused_with_the_right_one) {
  BOOST_TEST(refusal_of("merge_hours = 5") ==
             ", line 1: merge_hours = 5: the value of 'merge_hours' must be FROM-UNTIL, two "
             "different hours, 0 to 23 and 1 to 24, in quotes; correct it, or remove the line for "
             "the default, 0-24");
  for (const char* bad : {"sync = true", "sync_interval = true", "file_cache = 1.5",
                          "file_cache = [1]", "verify_reads = 1", "segment_size = 1e6",
                          "merge_rate = {a = 1}", "sync_interval = 1979-05-27"}) {
    BOOST_TEST(refusal_of(bad).find("must be") != std::string::npos, bad);
  }
}

BOOST_AUTO_TEST_CASE(unknown_key_is_refused_with_the_nearest) {
  BOOST_TEST(
      refusal_of("\nsegment-size = 1\n") ==
      ", line 2: segment-size = 1: there is no such setting; did you mean 'segment_size' (1M "
      "to 4095M)?");
  const auto other = refusal_of("allow_other = true\n");
  BOOST_TEST(other.find("sync, sync_interval, segment_size") != std::string::npos, other);
  BOOST_TEST(other.find("-o of memoria-fs") != std::string::npos, other);
  BOOST_TEST(refusal_of("[merge]\nrate = 1").find("in no [section]") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_key_that_stands_twice_is_refused_with_both_lines) {
  BOOST_TEST(refusal_of("file_cache = 1\nsync = \"never\"\n 'file_cache' = 2\n") ==
             ", line 3: 'file_cache' = 2: 'file_cache' stands in line 1 already; keep one of the "
             "two");
}

BOOST_AUTO_TEST_CASE(what_is_no_toml_is_refused_with_its_line) {
  for (const char* bad :
       {"sync", "sync =", "sync = interval", "segment_size = 64M", "= 1", "sync = \"x",
        "file_cache = 99999999999999999999", "file_cache = 1 sync = 2"}) {
    const auto said = refusal_of(std::string("\n") + bad);
    BOOST_TEST(said.starts_with(", line 2: "), said);
    BOOST_TEST(said.find("this is no TOML: ") != std::string::npos, said);
  }
  BOOST_TEST(refusal_of("\xff = 1").find("invalid utf-8") != std::string::npos);
  BOOST_TEST(refusal_of(std::string("sync = \"a\0b\"", 12)).find("TOML") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_no_regular_file_is_refused) {
  BOOST_REQUIRE(::symlink("elsewhere", path.c_str()) == 0);
  BOOST_TEST(refusal().starts_with(": is no regular file"));
  BOOST_REQUIRE(::unlink(path.c_str()) == 0 && ::mkfifo(path.c_str(), 0600) == 0);
  BOOST_TEST(refusal().starts_with(": is no regular file"));
  BOOST_REQUIRE(::unlink(path.c_str()) == 0 && ::mkdir(path.c_str(), 0700) == 0);
  BOOST_TEST(refusal().starts_with(": is no regular file"));
}

BOOST_AUTO_TEST_CASE(a_file_that_others_may_write_to_is_refused) {
  write("file_cache = 1");
  BOOST_REQUIRE(::chmod(path.c_str(), 0620) == 0);
  BOOST_TEST(refusal() == ": others may write to it (mode 0620); run: chmod go-w " + path);
}

BOOST_AUTO_TEST_CASE(a_file_of_another_user_is_refused_unless_the_directory_is_theirs) {
  if (::geteuid() != 0) return;  // only root can give files away
  write("file_cache = 7");
  BOOST_REQUIRE(::chown(path.c_str(), 12345, 12345) == 0);
  const auto said = refusal();
  BOOST_TEST(said.find("belongs to user 12345") != std::string::npos, said);
  BOOST_TEST(said.find("run: chown 0 " + path) != std::string::npos, said);
  BOOST_REQUIRE(::chown(directory.path().c_str(), 12345, 12345) == 0);
  BOOST_TEST(loaded().file_cache.max_size == 7u);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_too_large_is_refused) {
  write("file_cache = 7\n#" + std::string(kMaxSettingsFile - 17, 'x') + "\n");
  BOOST_TEST(loaded().file_cache.max_size == 7u);
  write("file_cache = 7\n#" + std::string(kMaxSettingsFile - 16, 'x') + "\n");
  BOOST_TEST(refusal() == ": is 65537 bytes long, and 65536 are allowed; shorten or remove it");
}

BOOST_AUTO_TEST_SUITE_END()
