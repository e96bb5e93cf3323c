// SPDX-License-Identifier: MIT
#include "fs/binding/remount.hpp"

#include <sys/mount.h>

#include <boost/test/unit_test.hpp>

namespace memoria {
namespace {

constexpr const char* kPresent =
    "rw,nosuid,nodev,relatime,user_id=0,group_id=0,default_permissions,allow_other";
constexpr unsigned long kThere = MS_NOSUID | MS_NODEV | MS_RELATIME;

unsigned long flags(const char* present, const std::vector<std::string>& lists) {
  const auto out = remount_flags(present, lists);
  if (!out.has_value()) BOOST_FAIL(out.error().message);
  return out.value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(remounting)

BOOST_AUTO_TEST_CASE(is_asked_for_by_an_option) {
  BOOST_TEST(!asks_to_remount({}));
  BOOST_TEST(!asks_to_remount({"ro", "x-remount,noatime"}));
  BOOST_TEST(asks_to_remount({"ro", "noatime,remount,noexec"}));
}

BOOST_AUTO_TEST_CASE(what_is_not_named_stays) {
  BOOST_TEST(flags(kPresent, {"remount"}) == kThere);
  BOOST_TEST(flags(kPresent, {"remount,ro"}) == (kThere | MS_RDONLY));
  BOOST_TEST(flags("ro,noexec,noatime", {"remount,rw"}) == (MS_NOEXEC | MS_NOATIME));
  BOOST_TEST(flags("rw", {"remount"}) == MS_STRICTATIME);
}

BOOST_AUTO_TEST_CASE(the_last_of_contradicting_flags_wins) {
  BOOST_TEST(flags(kPresent, {"ro,rw", "noexec,exec,ro"}) == (kThere | MS_RDONLY));
  BOOST_TEST(flags(kPresent, {"suid,dev,noatime"}) == MS_NOATIME);
  BOOST_TEST(flags("rw,noatime", {"atime"}) == MS_RELATIME);
  BOOST_TEST(flags(kPresent, {"strictatime"}) == (MS_NOSUID | MS_NODEV | MS_STRICTATIME));
}

BOOST_AUTO_TEST_CASE(what_mount_repeats_is_taken) {
  BOOST_TEST(flags(kPresent, {std::string("remount,ro,") + kPresent}) == kThere);
  BOOST_TEST(flags(kPresent, {"sync_interval=1,nofail,x-systemd.automount,remount,no_writeback"}) ==
             kThere);
}

BOOST_AUTO_TEST_CASE(what_nobody_knows_is_refused) {
  const auto refused = remount_flags(kPresent, {"remount,nexec"});
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == MountExit::kUsage));
  BOOST_TEST(refused.error().message.find("unknown mount option 'nexec'") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(where_nothing_of_ours_is_mounted_nothing_changes) {
  for (const char* where : {"/proc", "/no such place"}) {
    const auto refused = remount(where, {"remount,ro"});
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST((refused.error().code == MountExit::kMountPoint));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria
