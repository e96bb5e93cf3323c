// SPDX-License-Identifier: MIT
// Tar archives that `export` writes and `import` reads, in process: what they hold of a file beside
// its contents.
#include <sys/stat.h>

#include <algorithm>

#include <boost/test/data/test_case.hpp>

#include "fs/volume/acl.hpp"
#include "tests/control/helpers.hpp"
#include "tests/control/pax.hpp"
#include "tests/support/check.hpp"

using namespace memoria;
using memoria::test::document;
using memoria::test::kBothWays;
using memoria::test::pax_archive;
using memoria::test::pax_entries;
using memoria::test::PaxEntry;
using memoria::test::run_ctl;
using memoria::test::SampleStore;

namespace {

constexpr std::string_view kAccessRecord = "SCHILY.acl.access",
                           kDefaultRecord = "SCHILY.acl.default";

Acl acl(int user, int named, int group, int mask, int other, uint32_t id = 1234) {
  return {{{Acl::kUserObj, uint16_t(user), 0},
           {Acl::kUser, uint16_t(named), id},
           {Acl::kGroupObj, uint16_t(group), 0},
           {Acl::kMask, uint16_t(mask), 0},
           {Acl::kOther, uint16_t(other), 0}}};
}

void set_attribute(Volume& volume, const std::string& path, std::string_view name,
                   const std::string& value) {
  REQUIRE_OK(volume.setxattr(test::unwrap(volume.resolve(path)).ino, name, value, 0));
}

std::string attribute(Volume& volume, const std::string& path, std::string_view name) {
  const auto value = volume.getxattr(test::unwrap(volume.resolve(path)).ino, name);
  return value.has_value() ? value.value() : "none";
}

/// What a listing tells of it: equal text is an equal list.
std::string acl_text(Volume& volume, const std::string& path, std::string_view name) {
  auto bytes = attribute(volume, path, name);
  if (bytes == "none") return bytes;
  std::string out;
  for (const auto& entry : test::unwrap(parse_acl(bytes)).entries) {
    const bool named = entry.tag == Acl::kUser || entry.tag == Acl::kGroup;
    out += std::to_string(entry.tag) + (named ? "(" + std::to_string(entry.id) + ")" : "") + "=" +
           std::to_string(entry.permissions) + " ";
  }
  return out;
}

mode_t permissions(Volume& volume, const std::string& path) {
  return test::unwrap(volume.resolve(path)).mode & 07777;
}

/// A list as GNU tar writes it, with such an entry.
std::string list_with(const std::string& named) {
  return "user::rw-," + named + ",group::rwx,mask::r--,other::---";
}

const PaxEntry* find_entry(const std::vector<PaxEntry>& entries, const std::string& path) {
  for (const auto& entry : entries) {
    if (entry.path == path) return &entry;
  }
  return nullptr;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(archive)

BOOST_DATA_TEST_CASE(a_list_comes_back_from_an_archive_as_it_was, kBothWays, served) {
  SampleStore place(served);
  const auto narrow = encode(acl(6, 7, 7, 4, 0)), wide = encode(acl(7, 7, 5, 7, 1)),
             inherited = encode(acl(7, 5, 7, 1, 0));
  place.with_volume([&](Volume& volume) {
    set_attribute(volume, "/hello", kAccessAcl, narrow);
    set_attribute(volume, "/directory/inner", kAccessAcl, wide);
    set_attribute(volume, "/directory", kAccessAcl, narrow);
    set_attribute(volume, "/directory", kDefaultAcl, inherited);
  });
  const auto exported = run_ctl({"export", place.path()});
  BOOST_TEST(exported.code == 0, exported.err);
  const auto imported = run_ctl({"import", place.path(), "/new"}, exported.out);
  BOOST_TEST(imported.code == 0, imported.out + imported.err);
  place.with_volume([&](Volume& volume) {
    for (const std::string path : {"/hello", "/directory", "/directory/inner", "/empty"}) {
      for (const auto name : {kAccessAcl, kDefaultAcl}) {
        BOOST_TEST(acl_text(volume, "/new" + path, name) == acl_text(volume, path, name), path);
      }
      BOOST_TEST(permissions(volume, "/new" + path) == permissions(volume, path), path);
    }
  });
}

/// Directories of other systems have such, and user namespaces.
BOOST_DATA_TEST_CASE(lists_with_the_highest_numbers_come_back, kBothWays, served) {
  SampleStore place(served);
  const uint32_t numbers[] = {2'147'483'647, 2'147'483'648, 3'000'000'000, 4'294'967'294};
  place.with_volume([&](Volume& volume) {
    auto list = acl(6, 7, 7, 4, 0, numbers[0]);
    for (const auto tag : {Acl::kUser, Acl::kGroup}) {
      for (const auto id : numbers) {
        if (tag == Acl::kUser && id == numbers[0]) continue;
        list.entries.insert(list.entries.end() - 2, {tag, 5, id});
      }
      if (tag == Acl::kUser)
        std::rotate(list.entries.begin() + 2, list.entries.begin() + 3, list.entries.end() - 2);
    }
    set_attribute(volume, "/hello", kAccessAcl, encode(list));
  });
  const auto exported = run_ctl({"export", place.path()});
  BOOST_TEST(exported.code == 0, exported.err);
  const auto imported = run_ctl({"import", place.path(), "/new"}, exported.out);
  BOOST_TEST(imported.code == 0, imported.out + imported.err);
  place.with_volume([&](Volume& volume) {
    const auto text = acl_text(volume, "/hello", kAccessAcl);
    for (const auto id : numbers) {
      BOOST_TEST(text.find("2(" + std::to_string(id) + ")") != std::string::npos, text);
      BOOST_TEST(text.find("8(" + std::to_string(id) + ")") != std::string::npos, text);
    }
    BOOST_TEST(acl_text(volume, "/new/hello", kAccessAcl) == text);
  });
}

/// As GNU tar writes it, which puts no number behind it; and one that cannot be.
BOOST_AUTO_TEST_CASE(numbers_in_place_of_names_are_read_whole) {
  SampleStore place(false);
  const auto entry = [](const std::string& path, const std::string& named) {
    return PaxEntry{.path = path, .records = {{std::string(kAccessRecord), list_with(named)}}};
  };
  const auto ran = run_ctl(
      {"import", place.path(), "/new"},
      pax_archive({entry("high", "user:4294967294:rw-"), entry("none", "user:4294967295:rw-")}));
  BOOST_TEST(ran.code == 6, ran.out + ran.err);
  BOOST_TEST((ran.out + ran.err).find("4294967295") != std::string::npos, ran.out + ran.err);
  place.with_volume([](Volume& volume) {
    BOOST_TEST(acl_text(volume, "/new/high", kAccessAcl).find("2(4294967294)=6") !=
               std::string::npos);
    BOOST_TEST(acl_text(volume, "/new/none", kAccessAcl).find("2(") == std::string::npos);
  });
}

BOOST_AUTO_TEST_CASE(an_archive_that_was_cut_between_two_files_is_told) {
  const test::TemporaryDirectory directory;
  const auto whole = pax_archive({{.path = "a"}, {.path = "b"}});
  const auto first = pax_archive({{.path = "a"}});
  const auto end = first.find_last_not_of('\0') / 512 * 512 + 512;
  const auto cut = run_ctl({"import", directory.path("cut")}, whole.substr(0, end));
  BOOST_TEST(cut.code == 6, cut.out + cut.err);
  BOOST_TEST((cut.out + cut.err).find("has no end") != std::string::npos, cut.out + cut.err);
  BOOST_TEST(run_ctl({"ls", directory.path("cut")}).out == "a\n");
  BOOST_TEST(run_ctl({"import", directory.path("whole")}, whole).code == 0);
}

BOOST_AUTO_TEST_CASE(the_header_of_a_file_with_a_list_has_its_mode) {
  SampleStore place(false);
  place.with_volume([&](Volume& volume) {
    set_attribute(volume, "/hello", kAccessAcl, encode(acl(7, 7, 5, 7, 1)));
    set_attribute(volume, "/directory/inner", kAccessAcl, encode(acl(6, 7, 7, 4, 0)));
  });
  const auto entries = pax_entries(run_ctl({"export", place.path()}).out);
  const auto* wide = find_entry(entries, "hello");
  BOOST_REQUIRE(wide != nullptr);
  BOOST_TEST((wide->mode & 07777) == 0771u);
  const auto* narrow = find_entry(entries, "directory/inner");
  BOOST_REQUIRE(narrow != nullptr);
  BOOST_TEST((narrow->mode & 07777) == 0640u);
  BOOST_TEST(narrow->records.at(std::string(kAccessRecord)).find("group::rwx") !=
             std::string::npos);
}

BOOST_DATA_TEST_CASE(the_list_decides_and_not_the_mode_beside_it, kBothWays, served) {
  SampleStore place(served);
  const auto list = list_with("user:1234:rwx");
  const PaxEntry directory{
      .path = "d/",
      .mode = 02640,
      .records = {{std::string(kAccessRecord), list}, {std::string(kDefaultRecord), list}}};
  const PaxEntry file{.path = "d/f", .mode = 0670, .records = {{std::string(kAccessRecord), list}}};
  const PaxEntry plain{.path = "d/plain", .mode = 0604};
  const auto ran = run_ctl({"import", place.path(), "/new"}, pax_archive({directory, file, plain}));
  BOOST_TEST(ran.code == 0, ran.out + ran.err);
  place.with_volume([](Volume& volume) {
    const std::string expected = "1=6 2(1234)=7 4=7 16=4 32=0 ";
    BOOST_TEST(acl_text(volume, "/new/d", kAccessAcl) == expected);
    BOOST_TEST(acl_text(volume, "/new/d", kDefaultAcl) == expected);
    BOOST_TEST(acl_text(volume, "/new/d/f", kAccessAcl) == expected);
    BOOST_TEST(permissions(volume, "/new/d") == 02640u);
    BOOST_TEST(permissions(volume, "/new/d/f") == 0640u);
    BOOST_TEST(acl_text(volume, "/new/d/plain", kAccessAcl) == "none");
    BOOST_TEST(permissions(volume, "/new/d/plain") == 0604u);
  });
}

BOOST_AUTO_TEST_CASE(what_a_mount_shows_in_its_root_is_left_out_there) {
  const test::TemporaryDirectory directory;
  const auto place = directory.path("new");
  const PaxEntry top{.path = ".snapshots/old/file"}, below{.path = "d/.snapshots/file"},
      other{.path = "file"};
  const auto ran = run_ctl({"import", place, "/"}, pax_archive({top, below, other}));
  BOOST_TEST(ran.code == 6, ran.out + ran.err);
  BOOST_TEST((ran.out + ran.err).find(".snapshots/old/file: a mount shows the snapshots there") !=
                 std::string::npos,
             ran.out + ran.err);
  const auto found = run_ctl({"find", place, "/"});
  BOOST_TEST(found.out == "/\n/d/\n/d/.snapshots/\n/d/.snapshots/file\n/file\n");
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"import", place, "/.snapshots"}, {"put", place, "/.snapshots"}}) {
    const auto refused = run_ctl(command, pax_archive({other}));
    BOOST_TEST(refused.code == 2, refused.err);
    BOOST_TEST(refused.err.find("take another name") != std::string::npos, refused.err);
  }
}

BOOST_DATA_TEST_CASE(whom_a_list_names_is_looked_up_here, kBothWays, served) {
  SampleStore place(served);
  const auto entry = [](const std::string& path, const std::string& named) {
    return PaxEntry{.path = path, .records = {{std::string(kAccessRecord), list_with(named)}}};
  };
  // A name that is known counts more than the number that another system gave it.
  const auto ran =
      run_ctl({"import", "--json", place.path(), "/new"},
              pax_archive({entry("user", "user:daemon:rw-"), entry("group", "group:daemon:rw-"),
                           entry("both", "user:daemon:rw-:4321"), entry("number", "user:4321:rw-"),
                           entry("nobody", "user:nobody-has-this:rw-:4321")}));
  BOOST_TEST(ran.code == 0, ran.out + ran.err);
  place.with_volume([](Volume& volume) {
    BOOST_TEST(acl_text(volume, "/new/user", kAccessAcl) == "1=6 2(1)=6 4=7 16=4 32=0 ");
    BOOST_TEST(acl_text(volume, "/new/group", kAccessAcl) == "1=6 4=7 8(1)=6 16=4 32=0 ");
    BOOST_TEST(acl_text(volume, "/new/both", kAccessAcl) == "1=6 2(1)=6 4=7 16=4 32=0 ");
    BOOST_TEST(acl_text(volume, "/new/number", kAccessAcl) == "1=6 2(4321)=6 4=7 16=4 32=0 ");
    BOOST_TEST(acl_text(volume, "/new/nobody", kAccessAcl) == "1=6 2(4321)=6 4=7 16=4 32=0 ");
  });
}

BOOST_DATA_TEST_CASE(who_is_unknown_is_told_and_the_others_keep_what_they_may, kBothWays, served) {
  SampleStore place(served);
  const auto list =
      "user::rw-,user:4321:r--,user:nobody-has-this:rw-,group::rwx,group:nor-this:r--,"
      "mask::r--,other::---";
  const auto archive = pax_archive(
      {{.path = "d/", .mode = 0755, .records = {{std::string(kDefaultRecord), list}}},
       {.path = "d/f", .records = {{std::string(kAccessRecord), list}}, .contents = "text"}});
  const auto ran = run_ctl({"import", "--json", place.path(), "/new"}, archive);
  BOOST_TEST(ran.code == 6, ran.out + ran.err);
  const auto json = document(ran);
  BOOST_TEST(json["clean"] == false);
  BOOST_REQUIRE(json["remarks"].size() == 4u);
  BOOST_TEST(json["remarks"][2]["path"] == "d/f");
  BOOST_TEST(json["remarks"][2]["detail"].get<std::string>().starts_with(
      "unknown user \"nobody-has-this\""));
  BOOST_TEST(
      json["remarks"][3]["detail"].get<std::string>().starts_with("unknown group \"nor-this\""));
  place.with_volume([](Volume& volume) {
    const std::string expected = "1=6 2(4321)=4 4=7 16=4 32=0 ";
    BOOST_TEST(acl_text(volume, "/new/d", kDefaultAcl) == expected);
    BOOST_TEST(acl_text(volume, "/new/d/f", kAccessAcl) == expected);
    BOOST_TEST(permissions(volume, "/new/d/f") == 0640u);
  });
  BOOST_TEST(run_ctl({"get", place.path(), "/new/d/f"}).out == "text");
}

BOOST_DATA_TEST_CASE(attributes_are_written_once_and_come_back, kBothWays, served) {
  SampleStore place(served);
  const std::vector<std::pair<std::string, std::string>> attributes = {
      {"user.plain", "text"},
      {"user.binary", std::string("\0\n=\xff", 4)},
      {"user.empty", ""},
      {"user.a=b", "equals"},
      {"user.100%", "percent"},
      {"user.%3D", "percent and digits"},
      {"user.gr\xc3\xb6\xc3\x9f"
       "e in mm",
       "not ASCII"},
      {"trusted.x", "root's"}};
  place.with_volume([&](Volume& volume) {
    for (const auto& [name, value] : attributes) set_attribute(volume, "/hello", name, value);
  });
  const auto exported = run_ctl({"export", place.path()}).out;
  BOOST_TEST(exported.find("LIBARCHIVE.") == std::string::npos);
  const auto entries = pax_entries(exported);
  BOOST_TEST(find_entry(entries, "hello")->records.at("SCHILY.xattr.user.plain") == "text");
  BOOST_TEST(find_entry(entries, "hello")->records.at("SCHILY.xattr.user.a%3Db") == "equals");
  BOOST_TEST(run_ctl({"import", place.path(), "/new"}, exported).code == 0);
  place.with_volume([&](Volume& volume) {
    for (const auto& [name, value] : attributes) {
      BOOST_TEST((attribute(volume, "/new/hello", name) == value), name);
    }
    BOOST_TEST(
        test::unwrap(volume.listxattr(test::unwrap(volume.resolve("/new/hello")).ino)).size() ==
        attributes.size());
  });
}

BOOST_AUTO_TEST_SUITE_END()
