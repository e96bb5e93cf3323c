// SPDX-License-Identifier: MIT
#include "fs/volume/acl.hpp"

#include "tests/volume/fixture.hpp"

namespace memoria::test {
namespace {

Acl make_acl(std::initializer_list<Acl::Entry> entries) {
  Acl out;
  out.entries = entries;
  return out;
}

/// rwxr-x--- and rw- for user 7, all of which the mask lets through.
Acl extended() {
  return make_acl({{Acl::kUserObj, 7, 0},
                   {Acl::kUser, 6, 7},
                   {Acl::kGroupObj, 5, 0},
                   {Acl::kMask, 7, 0},
                   {Acl::kOther, 0, 0}});
}

Acl minimal(uint16_t user, uint16_t group, uint16_t other) {
  return make_acl({{Acl::kUserObj, user, 0}, {Acl::kGroupObj, group, 0}, {Acl::kOther, other, 0}});
}

struct AclFixture : VolumeFixture {
  int set(InodeNumber ino, std::string_view name, const Acl& acl) {
    return errno_of(volume->setxattr(ino, name, encode(acl), 0));
  }
  Acl get(InodeNumber ino, std::string_view name) {
    return unwrap(decode_acl(unwrap(volume->getxattr(ino, name))));
  }
  mode_t permissions(InodeNumber ino) { return stat(ino).mode & 07777; }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(access_control_lists, AclFixture)

BOOST_AUTO_TEST_CASE(a_list_comes_back_from_its_bytes) {
  const auto bytes = encode(extended());
  BOOST_TEST(bytes.size() == 4 + 5 * 8u);
  BOOST_TEST(encode(unwrap(decode_acl(bytes))) == bytes);
}

BOOST_AUTO_TEST_CASE(a_list_of_somebody_elses_group_takes_the_set_group_id_bit) {
  using enum Volume::SetGroupId;
  const auto list = encode(minimal(7, 5, 5));
  const auto file = make_file("file");
  AttributeChanges set_group_id;
  set_group_id.mode = 02644;
  REQUIRE_OK(volume->setattr(file, set_group_id));
  REQUIRE_OK(volume->setxattr(file, kAccessAcl, list, 0, kKeep));
  BOOST_TEST(permissions(file) == 02755u);
  REQUIRE_OK(volume->setxattr(file, kDefaultAcl, "", 0, kDrop));
  REQUIRE_OK(volume->setxattr(file, kAccessAcl, "", 0, kDrop));
  BOOST_TEST(permissions(file) == 02755u);
  REQUIRE_OK(volume->setxattr(file, kAccessAcl, list, 0, kDrop));
  BOOST_TEST(permissions(file) == 0755u);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_replaced_by_its_path_lets_nobody_else_in) {
  const auto replace = [&](std::string_view path) {
    auto writer = unwrap(volume->replace(path, kCaller));
    REQUIRE_OK(writer->write("new"));
    REQUIRE_OK(writer->commit());
    return unwrap(volume->resolve(path)).ino;
  };
  const auto with = make_file("with");
  BOOST_TEST(set(with, kAccessAcl, extended()) == 0);
  const auto new_with = replace("/with");
  BOOST_TEST(new_with != with);
  BOOST_TEST(permissions(new_with) == 0770u);
  BOOST_TEST(encode(get(new_with, kAccessAcl)) == encode(extended()));

  const auto directory = make_directory("directory");
  const auto without = make_file("without", "old", directory);
  AttributeChanges narrow;
  narrow.mode = 0640;
  REQUIRE_OK(volume->setattr(without, narrow));
  auto open = extended();
  open.entries.back().permissions = 5;
  BOOST_TEST(set(directory, kDefaultAcl, open) == 0);
  const auto new_without = replace("/directory/without");
  BOOST_TEST(permissions(new_without) == 0640u);
  BOOST_TEST(errno_of(volume->getxattr(new_without, kAccessAcl)) == ENODATA);
}

BOOST_AUTO_TEST_CASE(lists_that_are_none_are_refused) {
  const auto bytes = encode(extended());
  for (size_t n = 0; n < bytes.size(); ++n) {
    BOOST_TEST(errno_of(decode_acl(std::string_view(bytes).substr(0, n))) == EINVAL);
  }
  auto other_version = bytes;
  other_version[0] = 1;
  BOOST_TEST(errno_of(decode_acl(other_version)) == EINVAL);
  const auto refused = [](Acl acl) { return errno_of(decode_acl(encode(acl))) == EINVAL; };
  BOOST_TEST(refused(make_acl({})));
  BOOST_TEST(refused(make_acl({{Acl::kUserObj, 7, 0}, {Acl::kOther, 0, 0}})));
  BOOST_TEST(refused(minimal(8, 0, 0)));
  auto acl = extended();
  std::swap(acl.entries[0], acl.entries[1]);
  BOOST_TEST(refused(acl));
  acl = extended();
  acl.entries.erase(acl.entries.begin() + 3);  // a named user needs a mask
  BOOST_TEST(refused(acl));
  acl = extended();
  acl.entries.push_back({Acl::kOther, 0, 0});
  BOOST_TEST(refused(acl));
  acl = extended();
  acl.entries[1].tag = 3;
  BOOST_TEST(refused(acl));
}

BOOST_AUTO_TEST_CASE(setting_a_list_sets_the_mode) {
  const auto file = make_file("file");
  BOOST_TEST(set(file, kAccessAcl, extended()) == 0);
  BOOST_TEST(permissions(file) == 0770u);  // the group bits are the mask
  BOOST_TEST(get(file, kAccessAcl).entries.size() == 5u);
}

BOOST_AUTO_TEST_CASE(a_list_that_says_no_more_than_the_mode_is_not_kept) {
  const auto file = make_file("file");
  BOOST_TEST(set(file, kAccessAcl, extended()) == 0);
  BOOST_TEST(set(file, kAccessAcl, minimal(6, 4, 4)) == 0);
  BOOST_TEST(permissions(file) == 0644u);
  BOOST_TEST(errno_of(volume->getxattr(file, kAccessAcl)) == ENODATA);
}

BOOST_AUTO_TEST_CASE(chmod_changes_the_list) {
  const auto file = make_file("file");
  BOOST_TEST(set(file, kAccessAcl, extended()) == 0);
  AttributeChanges changes;
  changes.mode = 0604;
  unwrap(volume->setattr(file, changes));
  const auto acl = get(file, kAccessAcl);
  BOOST_TEST(acl.mode() == 0604u);
  BOOST_TEST(acl.entries[0].permissions == 6u);
  BOOST_TEST(acl.entries[2].permissions == 5u);  // the group's own, now masked
  BOOST_TEST(acl.entries[3].permissions == 0u);
}

BOOST_AUTO_TEST_CASE(new_files_inherit_the_default_list) {
  const auto directory = make_directory("directory");
  BOOST_TEST(set(directory, kDefaultAcl, extended()) == 0);
  BOOST_TEST(permissions(directory) == 0755u);
  const Caller caller{.uid = 1, .gid = 1, .umask = 0077};  // the list replaces the umask
  const auto file = unwrap(volume->mknod(directory, "file", S_IFREG | 0666, 0, caller));
  BOOST_TEST((file.mode & 07777) == 0660u);
  const auto acl = get(file.ino, kAccessAcl);
  BOOST_TEST(acl.mode() == 0660u);
  BOOST_TEST(acl.entries[1].permissions == 6u);
  BOOST_TEST(acl.entries[2].permissions == 5u);
  BOOST_TEST(errno_of(volume->getxattr(file.ino, kDefaultAcl)) == ENODATA);
}

BOOST_AUTO_TEST_CASE(new_directories_pass_the_default_list_on) {
  const auto directory = make_directory("directory");
  BOOST_TEST(set(directory, kDefaultAcl, extended()) == 0);
  const auto inner = make_directory("inner", directory);
  BOOST_TEST(encode(get(inner, kDefaultAcl)) == encode(extended()));
  const auto innermost = make_directory("innermost", inner);
  BOOST_TEST(errno_of(volume->getxattr(innermost, kDefaultAcl)) == 0);
}

BOOST_AUTO_TEST_CASE(a_minimal_default_list_gives_a_mode_and_no_list) {
  const auto directory = make_directory("directory");
  BOOST_TEST(set(directory, kDefaultAcl, minimal(7, 5, 0)) == 0);
  const auto file = unwrap(volume->mknod(directory, "file", S_IFREG | 0666, 0, kCaller));
  BOOST_TEST((file.mode & 07777) == 0640u);
  BOOST_TEST(errno_of(volume->getxattr(file.ino, kAccessAcl)) == ENODATA);
}

BOOST_AUTO_TEST_CASE(without_a_default_list_the_umask_counts) {
  const Caller caller{.uid = 1, .gid = 1, .umask = 0027};
  BOOST_TEST((unwrap(volume->mknod(kRoot, "f", S_IFREG | 0666, 0, caller)).mode & 07777) == 0640u);
  BOOST_TEST((unwrap(volume->mkdir(kRoot, "d", 01777, caller)).mode & 07777) == 01750u);
  BOOST_TEST((unwrap(volume->symlink(kRoot, "s", "t", caller)).mode & 07777) == 0777u);
}

BOOST_AUTO_TEST_CASE(default_lists_are_for_directories_and_none_is_for_symlinks) {
  BOOST_TEST(set(make_file("file"), kDefaultAcl, extended()) == EACCES);
  const auto link = unwrap(volume->symlink(kRoot, "s", "t", kCaller)).ino;
  BOOST_TEST(set(link, kAccessAcl, extended()) == EOPNOTSUPP);
  BOOST_TEST(errno_of(volume->setxattr(kRoot, kAccessAcl, "garbage", 0)) == EOPNOTSUPP);
}

BOOST_AUTO_TEST_CASE(lists_can_be_removed_twice) {
  const auto directory = make_directory("directory");
  BOOST_TEST(set(directory, kDefaultAcl, extended()) == 0);
  REQUIRE_OK(volume->removexattr(directory, kDefaultAcl));
  REQUIRE_OK(volume->removexattr(directory, kDefaultAcl));
  BOOST_TEST(errno_of(volume->getxattr(directory, kDefaultAcl)) == ENODATA);
  BOOST_TEST(set(directory, kDefaultAcl, extended()) == 0);
  REQUIRE_OK(volume->setxattr(directory, kDefaultAcl, "", 0));
  BOOST_TEST(errno_of(volume->getxattr(directory, kDefaultAcl)) == ENODATA);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
