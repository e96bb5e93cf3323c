// SPDX-License-Identifier: MIT
#include <boost/test/unit_test.hpp>

#include "fs/binding/mount_options.hpp"
#include "fs/settings/option_values.hpp"

using memoria::MountExit, memoria::MountOptions, memoria::SyncPolicy;

namespace {

MountOptions parsed(std::string_view list) {
  MountOptions options;
  const auto added = memoria::add_mount_options(list, options);
  if (!added.has_value()) BOOST_FAIL(list << ": " << added.error().message);
  return options;
}

std::string refusal(std::string_view list) {
  MountOptions options;
  const auto added = memoria::add_mount_options(list, options);
  BOOST_REQUIRE_MESSAGE(!added.has_value(), list << " was taken");
  BOOST_TEST((added.error().code == MountExit::kUsage));
  return added.error().message;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mount_options)

BOOST_AUTO_TEST_CASE(options_reach_the_store) {
  const auto options = parsed(
      "sync=always,sync_interval=0.25,segment_size=16M,merge_check_interval=90,file_cache=10,"
      "fragmentation_threshold=0.25,dead_bytes_threshold=1G,merge_rate=50M,merge_hours=1-6,"
      "memory_limit=2G");
  BOOST_TEST((options.store.sync_policy == SyncPolicy::kAlways));
  BOOST_TEST(options.store.sync_interval.count() == 250);
  BOOST_TEST(options.store.segment.max_size == 16U << 20);
  BOOST_TEST(options.store.segment.merge_check_interval.count() == 90'000);
  BOOST_TEST(options.store.file_cache.max_size == 10U);
  BOOST_TEST(options.store.segment.fragmentation_threshold == 0.25);
  BOOST_TEST(options.store.segment.dead_bytes_threshold == 1U << 30);
  BOOST_TEST(options.store.merge.rate_bytes_per_second == 50U << 20);
  BOOST_TEST(options.store.merge.from_hour == 1);
  BOOST_TEST(options.store.merge.until_hour == 6);
  BOOST_TEST(options.store.memory_limit == uint64_t{2} << 30);
}

BOOST_AUTO_TEST_CASE(verification_of_reads_has_two_spellings) {
  BOOST_TEST(parsed("").store.verify_reads);
  BOOST_TEST(!parsed("verify_reads=false").store.verify_reads);
  BOOST_TEST(!parsed("no_verify_reads").store.verify_reads);
  BOOST_TEST(parsed("no_verify_reads,verify_reads=true").store.verify_reads);
}

BOOST_AUTO_TEST_CASE(what_fstab_and_mount_add_is_taken) {
  const auto options = parsed(
      "rw,dev,suid,noatime,relatime,user,nofail,_netdev,x-systemd.automount,"
      "defaults,noauto,comment=x,,");
  BOOST_TEST(options.kernel == (std::vector<std::string>{"dev", "suid", "noatime"}),
             boost::test_tools::per_element());
  BOOST_TEST(!options.read_only);
}

BOOST_AUTO_TEST_CASE(later_options_win) {
  BOOST_TEST(parsed("rw,ro").read_only);
  BOOST_TEST(!parsed("ro,rw").read_only);
  BOOST_TEST(parsed("no_writeback,writeback").writeback);
  BOOST_TEST(!parsed("no_writeback").writeback);
  BOOST_TEST(parsed("").store.create_if_missing);
  BOOST_TEST(!parsed("no_create").store.create_if_missing);
  BOOST_TEST(parsed("no_create,create").store.create_if_missing);
}

BOOST_AUTO_TEST_CASE(sync_without_a_value_is_the_kernels) {
  BOOST_TEST(parsed("sync").kernel.at(0) == "sync");
  BOOST_TEST((parsed("sync").store.sync_policy == SyncPolicy::kInterval));
}

BOOST_AUTO_TEST_CASE(escaped_comma_belongs_to_the_value) {
  BOOST_TEST(parsed(R"(context=a\,b)").kernel.at(0) == "context=a,b");
}

BOOST_AUTO_TEST_CASE(unknown_option_is_refused_with_the_nearest) {
  BOOST_TEST(refusal("segment-size=1M").ends_with("did you mean 'segment_size'?"));
  BOOST_TEST(refusal("allow_othr").ends_with("did you mean 'allow_other'?"));
  for (const char* far : {"nokey=1", "sink", "x"}) {
    BOOST_TEST(refusal(far).find("did you mean") == std::string::npos, refusal(far));
  }
  BOOST_TEST(refusal("zzzzzz").find("--help") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(value_out_of_range_is_refused_with_the_range) {
  BOOST_TEST(refusal("segment_size=1K") ==
             "mount option 'segment_size=1K': the value of 'segment_size' must be 1M to 4095M, "
             "written as a whole number, with K, M, G or T for powers of 1024");
  for (const char* bad : {"segment_size=4096M",
                          "segment_size=M",
                          "segment_size=1MM",
                          "segment_size=-1M",
                          "segment_size=99999999999999999999G",
                          "file_cache=0",
                          "file_cache=1.5",
                          "sync_interval=0",
                          "sync_interval=nan",
                          "sync_interval=",
                          "fragmentation_threshold=1.01",
                          "merge_hours=5",
                          "merge_hours=-5",
                          "verify_reads=yes",
                          "merge_hours=24-24",
                          "merge_hours=5-5",
                          "memory_limit=1",
                          "memory_limit=1023K",
                          "sync=sometimes",
                          "max_threads=0"}) {
    BOOST_TEST(refusal(bad).find("must be") != std::string::npos, bad);
  }
}

BOOST_AUTO_TEST_CASE(value_for_a_switch_is_refused) {
  BOOST_TEST(refusal("no_writeback=1").find("takes no value") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(help_names_every_range) {
  const auto help = memoria::describe_mount_options();
  BOOST_TEST(help.find("segment_size=") != std::string::npos);
  BOOST_TEST(help.find("1M to 4095M") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(bytes_take_binary_units) {
  BOOST_TEST(memoria::parse_bytes("0", 0, 10).value() == 0U);
  BOOST_TEST(memoria::parse_bytes("3k", 0, UINT64_MAX).value() == 3072U);
  BOOST_TEST(memoria::parse_bytes("2T", 0, UINT64_MAX).value() == uint64_t{2} << 40);
  BOOST_TEST(!memoria::parse_bytes("16777216T", 0, UINT64_MAX).has_value());  // 2^64
  BOOST_TEST(!memoria::parse_bytes("", 0, UINT64_MAX).has_value());
  BOOST_TEST(!memoria::parse_bytes(" 1", 0, UINT64_MAX).has_value());
}

BOOST_AUTO_TEST_CASE(edit_distance_counts_changes) {
  BOOST_TEST(memoria::edit_distance("", "") == 0U);
  BOOST_TEST(memoria::edit_distance("abc", "") == 3U);
  BOOST_TEST(memoria::edit_distance("kitten", "sitting") == 3U);
}

BOOST_AUTO_TEST_SUITE_END()
