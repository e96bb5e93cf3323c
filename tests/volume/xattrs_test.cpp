// SPDX-License-Identifier: MIT
#include <sys/xattr.h>

#include <algorithm>

#include "fs/volume/keys.hpp"
#include "tests/volume/fixture.hpp"

namespace memoria::test {
namespace {

struct XattrFixture : VolumeFixture {
  int set(std::string_view name, std::string_view value, int flags = 0) {
    return errno_of(volume->setxattr(file, name, value, flags));
  }
  std::string get(std::string_view name) { return unwrap(volume->getxattr(file, name)); }
  const InodeNumber file = make_file("file");
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(xattrs, XattrFixture)

BOOST_AUTO_TEST_CASE(values_of_any_bytes_and_sizes_come_back) {
  const std::string binary("\0\xff\n", 3), largest(64 << 10, 'x');
  BOOST_TEST(set("user.binary", binary) == 0);
  BOOST_TEST(set("user.empty", "") == 0);
  BOOST_TEST(set("user.largest", largest) == 0);
  reopen();
  BOOST_TEST(get("user.binary") == binary);
  BOOST_TEST(get("user.empty") == "");
  BOOST_TEST(get("user.largest") == largest);
  BOOST_TEST(set("user.larger", largest + "x") == E2BIG);
}

BOOST_AUTO_TEST_CASE(all_names_are_listed) {
  BOOST_TEST(unwrap(volume->listxattr(file)).empty());
  for (const auto* name : {"user.b", "trusted.c", "security.d", "user.a"}) set(name, name);
  make_file("other");
  BOOST_TEST(errno_of(volume->setxattr(find("other").ino, "user.z", "", 0)) == 0);
  auto names_of_file = unwrap(volume->listxattr(file));
  std::sort(names_of_file.begin(), names_of_file.end());
  const std::vector<std::string> expected{"security.d", "trusted.c", "user.a", "user.b"};
  BOOST_TEST(names_of_file == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(create_and_replace_are_told_apart) {
  BOOST_TEST(set("user.a", "1", XATTR_REPLACE) == ENODATA);
  BOOST_TEST(set("user.a", "1", XATTR_CREATE) == 0);
  BOOST_TEST(set("user.a", "2", XATTR_CREATE) == EEXIST);
  BOOST_TEST(get("user.a") == "1");
  BOOST_TEST(set("user.a", "2", XATTR_REPLACE) == 0);
  BOOST_TEST(get("user.a") == "2");
  BOOST_TEST(set("user.a", "3", 4) == EINVAL);
}

BOOST_AUTO_TEST_CASE(removing_one_leaves_the_others) {
  set("user.a", "1");
  set("user.b", "2");
  REQUIRE_OK(volume->removexattr(file, "user.a"));
  BOOST_TEST(errno_of(volume->removexattr(file, "user.a")) == ENODATA);
  BOOST_TEST(errno_of(volume->getxattr(file, "user.a")) == ENODATA);
  BOOST_TEST(get("user.b") == "2");
}

BOOST_AUTO_TEST_CASE(changes_touch_the_ctime_only) {
  const auto before = stat_before(file);
  set("user.a", "1");
  const auto after = stat_before(file);
  BOOST_TEST(after.ctime > before.ctime);
  BOOST_TEST(after.mtime == before.mtime);
  REQUIRE_OK(volume->removexattr(file, "user.a"));
  BOOST_TEST(stat(file).ctime > after.ctime);
}

BOOST_AUTO_TEST_CASE(names_and_namespaces_are_checked) {
  for (const std::string& name : {std::string(), "user." + std::string(251, 'n')}) {
    BOOST_TEST(set(name, "") == ERANGE);
    BOOST_TEST(errno_of(volume->getxattr(file, name)) == ERANGE);
    BOOST_TEST(errno_of(volume->removexattr(file, name)) == ERANGE);
  }
  BOOST_TEST(set("user." + std::string(250, 'n'), "") == 0);
  for (const auto* name : {"system.other", "btrfs.x", "user", "nonamespace"}) {
    BOOST_TEST(set(name, "") == EOPNOTSUPP);
    BOOST_TEST(errno_of(volume->getxattr(file, name)) == EOPNOTSUPP);
    BOOST_TEST(errno_of(volume->removexattr(file, name)) == EOPNOTSUPP);
  }
  for (const auto* name : {"user.", "trusted.", "security."}) BOOST_TEST(set(name, "") == EINVAL);
}

BOOST_AUTO_TEST_CASE(user_attributes_are_for_files_and_directories) {
  const auto link = unwrap(volume->symlink(kRoot, "s", "t", kCaller)).ino;
  BOOST_TEST(errno_of(volume->setxattr(link, "user.a", "1", 0)) == EPERM);
  BOOST_TEST(errno_of(volume->getxattr(link, "user.a")) == ENODATA);
  BOOST_TEST(errno_of(volume->setxattr(link, "trusted.a", "1", 0)) == 0);
  BOOST_TEST(errno_of(volume->setxattr(kRoot, "user.a", "1", 0)) == 0);
}

BOOST_AUTO_TEST_CASE(an_inode_that_is_not_there_has_no_attributes) {
  BOOST_TEST(errno_of(volume->setxattr(999, "user.a", "1", 0)) == ENOENT);
  BOOST_TEST(errno_of(volume->getxattr(999, "user.a")) == ENOENT);
  BOOST_TEST(errno_of(volume->listxattr(999)) == ENOENT);
  BOOST_TEST(errno_of(volume->removexattr(999, "user.a")) == ENOENT);
}

BOOST_AUTO_TEST_CASE(all_names_fit_into_one_list) {
  size_t total = 0;
  int result = 0;
  for (int i = 0; result == 0; ++i) {
    std::string name = "user." + std::to_string(i);
    name.resize(255, 'x');
    result = set(name, "");
    if (result == 0) total += name.size() + 1;
  }
  BOOST_TEST(result == ENOSPC);
  BOOST_TEST(total == 65536u);
}

BOOST_AUTO_TEST_CASE(an_attribute_with_an_unusable_name_is_not_listed) {
  set("user.a", "1");
  REQUIRE_OK(volume->store().put(Key(Table::kXattrs, file, "weird"), "1"));
  BOOST_TEST(unwrap(volume->listxattr(file)).size() == 1u);
  REQUIRE_OK(volume->unlink(kRoot, "file"));
  BOOST_TEST(keys('X') == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
