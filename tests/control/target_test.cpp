// SPDX-License-Identifier: MIT
#include "tools/target.hpp"

#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <cerrno>

#include "tests/support/check.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace memoria;
using namespace memoria::ctl;
namespace files = boost::filesystem;

namespace {

const std::string kTable =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "40 22 0:35 / /mnt/plain rw,nosuid shared:20 master:3 - fuse.memoria /srv/data rw,user_id=0\n"
    "41 22 0:36 / /mnt/with\\040blank\\011tab\\134 rw - fuse.memoria /srv/other\\040data rw\n"
    "42 22 0:37 /sub /mnt/bound rw - fuse.memoria /srv/data rw\n"
    "43 40 0:38 / /mnt/plain/inside rw - tmpfs tmpfs rw\n"
    "garbage\n"
    "44 22 0:39 / /mnt/short rw -\n";

Target found(const std::string& path) {
  return test::unwrap(find_target(path, parse_mountinfo(kTable)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(target)

BOOST_AUTO_TEST_CASE(mountinfo_is_read_with_optional_fields_and_escapes) {
  const auto mounts = parse_mountinfo(kTable);
  BOOST_REQUIRE(mounts.size() == 5);
  BOOST_TEST(mounts[1].mount_point == "/mnt/plain");
  BOOST_TEST(mounts[1].type == "fuse.memoria");
  BOOST_TEST(mounts[1].source == "/srv/data");
  BOOST_TEST(mounts[2].mount_point == "/mnt/with blank\ttab\\");
  BOOST_TEST(mounts[2].source == "/srv/other data");
  BOOST_TEST(mounts[3].root == "/sub");
}

BOOST_AUTO_TEST_CASE(own_mounts_can_be_read) {
  BOOST_TEST(!test::unwrap(read_mounts()).empty());
}

BOOST_AUTO_TEST_CASE(mount_point_stands_for_its_data_directory) {
  const auto target = found("/mnt/plain");
  BOOST_TEST(target.data_directory == "/srv/data");
  BOOST_TEST(target.inside == "/");
  BOOST_TEST(target.in_mount);
  BOOST_TEST(found("/mnt/plain/").inside == "/");
}

BOOST_AUTO_TEST_CASE(path_in_a_mount_need_not_exist) {
  BOOST_TEST(found("/mnt/plain/a/b").inside == "/a/b");
  BOOST_TEST(found("/mnt/plain/a/../b").inside == "/b");
  BOOST_TEST(found("/mnt/with blank\ttab\\/x").data_directory == "/srv/other data");
}

BOOST_AUTO_TEST_CASE(bound_part_of_a_volume_keeps_its_place) {
  BOOST_TEST(found("/mnt/bound/x").data_directory == "/srv/data");
  BOOST_TEST(found("/mnt/bound/x").inside == "/sub/x");
  BOOST_TEST(found("/mnt/bound").inside == "/sub");
}

BOOST_AUTO_TEST_CASE(similar_name_or_mount_on_top_is_not_the_volume) {
  CHECK_FAILS(Errc::kNotFound, find_target("/mnt/plainer", parse_mountinfo(kTable)));
  CHECK_FAILS(Errc::kNotFound, find_target("/mnt/plain/inside/x", parse_mountinfo(kTable)));
}

BOOST_AUTO_TEST_CASE(snapshot_that_a_mount_does_not_show_is_not_the_present) {
  const test::TemporaryDirectory directory;
  files::create_directories(directory.path("snapshots/then"));
  const std::vector<Mount> mounts{{"/", "/mnt/x", "fuse.memoria", directory.path()},
                                  {"/.snapshots", "/mnt/y", "fuse.memoria", directory.path()}};
  const auto then = test::unwrap(find_target("/mnt/x/.snapshots/then/a/b", mounts));
  BOOST_TEST(then.data_directory == directory.path("snapshots/then"));
  BOOST_TEST(then.inside == "/a/b");
  BOOST_TEST(test::unwrap(find_target("/mnt/y/then", mounts)).data_directory ==
             directory.path("snapshots/then"));
  BOOST_TEST(test::unwrap(find_target("/mnt/x/.snapshots", mounts)).inside == "/.snapshots");
  const std::vector<std::string> names{"than", "than/a", ".then", std::string(201, 'n')};
  for (const auto& name : names) {
    for (const auto& path : {"/mnt/x/.snapshots/" + name, "/mnt/y/" + name}) {
      for (const bool may_be_new : {false, true}) {
        const auto found = find_target(path, mounts, may_be_new);
        BOOST_REQUIRE(!found.has_value());
        BOOST_TEST(found.error().describe().starts_with("there is no snapshot \"" +
                                                        name.substr(0, name.find('/')) + "\""));
        BOOST_TEST(found.error().to_errno() == ENODATA);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(directory_outside_mounts_is_a_data_directory) {
  const test::TemporaryDirectory directory;
  const auto target = found(directory.path());
  BOOST_TEST(target.data_directory == files::canonical(directory.path()).string());
  BOOST_TEST(!target.in_mount);
  BOOST_TEST(found(directory.path() + "//").data_directory == target.data_directory);
}

BOOST_AUTO_TEST_CASE(links_to_a_data_directory_or_a_mount_are_followed) {
  const test::TemporaryDirectory directory;
  files::create_directory(directory.path("real"));
  files::create_symlink("real", directory.path("link"));
  files::create_directory(directory.path("point"));
  files::create_symlink("point", directory.path("mount"));
  BOOST_TEST(found(directory.path("link")).data_directory ==
             files::canonical(directory.path("real")).string());
  const auto point = files::canonical(directory.path("point")).string();
  const std::vector<Mount> mounts{{"/", point, "fuse.memoria", "/srv/data"}};
  BOOST_TEST(test::unwrap(find_target(directory.path("mount"), mounts)).data_directory ==
             "/srv/data");
}

BOOST_AUTO_TEST_CASE(link_in_the_volume_is_meant_itself) {
  const test::TemporaryDirectory directory;
  const auto point = files::canonical(directory.path()).string();
  files::create_symlink("/etc", directory.path("link"));
  const std::vector<Mount> mounts{{"/", "/", "ext4", "/dev/sda1"},
                                  {"/", point, "fuse.memoria", "/srv/data"}};
  BOOST_TEST(test::unwrap(find_target(directory.path("link"), mounts)).inside == "/link");
}

BOOST_AUTO_TEST_CASE(file_is_no_data_directory) {
  const test::TemporaryDirectory directory;
  test::write_whole_file(directory.path("file"), "x");
  CHECK_FAILS(Errc::kNotAStore, find_target(directory.path("file"), {}));
  CHECK_FAILS(Errc::kNotFound, find_target(directory.path("missing"), {}));
}

BOOST_AUTO_TEST_CASE(root_of_everything_is_a_directory_as_others) {
  for (const char* root : {"/", "//", "///", "/.", "/.."}) {
    const auto target = found(root);
    BOOST_TEST(target.data_directory == "/", root);
    BOOST_TEST(!target.in_mount, root);
  }
  const std::vector<Mount> all{{"/", "/", "fuse.memoria", "/srv/data"}};
  BOOST_TEST(test::unwrap(find_target("/", all)).data_directory == "/srv/data");
  BOOST_TEST(test::unwrap(find_target("/a", all)).inside == "/a");
}

BOOST_AUTO_TEST_CASE(missing_target_is_told_with_what_to_name) {
  const auto missing = find_target("/nowhere", {});
  BOOST_REQUIRE(!missing.has_value());
  BOOST_TEST(
      missing.error().describe() ==
      "/nowhere: no such file or directory; check the name: a data directory, a mount point, "
      "or a path in a mount is wanted");
  CHECK_FAILS(Errc::kInvalidArgument, find_target("", {}));
}

BOOST_AUTO_TEST_CASE(what_paths_begin_with_keeps_its_end) {
  const Target whole{"/srv/data", "/", false}, part{"/srv/data", "/sub", true};
  BOOST_TEST(prefix_in_volume(whole, "/dir/.") == "/dir/.");
  BOOST_TEST(prefix_in_volume(whole, "/dir/..") == "/dir/..");
  BOOST_TEST(prefix_in_volume(whole, "/dir/") == "/dir/");
  BOOST_TEST(prefix_in_volume(whole, "dir") == "/dir");
  BOOST_TEST(prefix_in_volume(whole, "/") == "/");
  BOOST_TEST(prefix_in_volume(part, "a") == "/sub/a");
  BOOST_TEST(prefix_in_volume(part, ".") == "/sub/.");
  BOOST_TEST(prefix_in_volume(part, "./a//../b/c") == "/sub/b/c");
}

/// Any user can mount something that calls itself so.
BOOST_AUTO_TEST_CASE(a_mount_of_somebody_else_is_not_believed) {
  const test::TemporaryDirectory directory;  // of this user
  const auto mounted_by = [&](uid_t user) {
    return parse_mountinfo("40 22 0:35 / /mnt/x rw - fuse.memoria " + directory.path() +
                           " rw,user_id=" + std::to_string(user) + ",group_id=7\n");
  };
  const auto strange = mounted_by(::geteuid() + 1234);
  BOOST_REQUIRE(strange.size() == 1);
  const auto refused = find_target("/mnt/x/file", strange);
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.error().message.find("mounted by the user " +
                                          std::to_string(::geteuid() + 1234)) != std::string::npos);
  BOOST_TEST(!path_through_mount({directory.path(), "/", false}, "/", strange).has_value());
  for (const uid_t user : {uid_t{0}, ::geteuid()}) {
    const auto mounts = mounted_by(user);
    BOOST_TEST(test::unwrap(find_target("/mnt/x/file", mounts)).data_directory == directory.path());
    BOOST_TEST(path_through_mount({directory.path(), "/", false}, "/", mounts).has_value());
  }
}

BOOST_AUTO_TEST_CASE(paths_are_relative_to_the_target) {
  const Target whole{"/srv/data", "/", false}, part{"/srv/data", "/sub", true};
  BOOST_TEST(path_in_volume(whole, "a").value() == "/a");
  BOOST_TEST(path_in_volume(whole, "/a/b").value() == "/a/b");
  BOOST_TEST(path_in_volume(part, "a").value() == "/sub/a");
  BOOST_TEST(path_in_volume(part, "/a").value() == "/a");
  BOOST_TEST(path_in_volume(part, "..").value() == "/");
  BOOST_TEST(path_in_volume(part, "./a//b/").value() == "/sub/a/b");
  BOOST_TEST(path_in_volume(part, ".").value() == "/sub");
  BOOST_TEST(path_in_volume(whole, "/").value() == "/");
  BOOST_TEST(path_in_volume(part, std::nullopt).value() == "/sub");
  BOOST_TEST(!path_in_volume(whole, std::nullopt).has_value());
}

BOOST_AUTO_TEST_CASE(path_of_the_volume_is_found_where_it_is_mounted) {
  const auto mounts = parse_mountinfo(kTable);
  const Target target{"/srv/data", "/", false};
  BOOST_TEST(path_through_mount(target, "/a/b", mounts).value() == "/mnt/plain/a/b");
  // Something else is mounted over it.
  BOOST_TEST(!path_through_mount(target, "/inside/x", mounts));
  BOOST_TEST(path_through_mount(target, "/", mounts).value() == "/mnt/plain");
  const std::vector<Mount> bound{mounts[3]};
  BOOST_TEST(path_through_mount(target, "/sub/x", bound).value() == "/mnt/bound/x");
  BOOST_TEST(!path_through_mount(target, "/other", bound));
  BOOST_TEST(!path_through_mount({"/srv/elsewhere", "/", false}, "/a", mounts));
}

BOOST_AUTO_TEST_SUITE_END()
