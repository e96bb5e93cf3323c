// SPDX-License-Identifier: MIT
// What changed between a snapshot and the present, told as paths.
#include "fs/volume/difference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "tests/support/random.hpp"
#include "tests/volume/fixture.hpp"

namespace memoria::test {
namespace {

struct DifferenceFixture : VolumeFixture {
  void snapshot() {
    unwrap(volume->create_snapshot("s"));
    then = unwrap(volume->open_snapshot("s"));
    wait_for_tick();  // what is changed later has other times
  }
  std::vector<Difference> differences() {
    std::vector<Difference> out;
    REQUIRE_OK(compare_volumes(
        then->store(), volume->store(),
        [&](const Difference& difference) -> Status {
          out.push_back(difference);
          return ok();
        },
        [](uint64_t) { return ok(); }));
    return out;
  }
  /// "+/new", "-/old", "c/file" (contents), "a/file" (attributes), "r/old /new", sorted.
  std::vector<std::string> told() {
    std::vector<std::string> out;
    for (const auto& d : differences()) {
      std::string line = d.kind == Difference::Kind::kAdded     ? "+"
                         : d.kind == Difference::Kind::kRemoved ? "-"
                         : d.kind == Difference::Kind::kRenamed ? "r"
                                                                : "";
      if (d.contents) line += "c";
      if (d.attributes) line += "a";
      if (d.unreadable) line += "!";
      if (!d.old_path.empty()) line += d.old_path + " ";
      out.push_back(line + d.path);
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  void check(std::vector<std::string> expected) {
    std::sort(expected.begin(), expected.end());
    BOOST_TEST(told() == expected, boost::test_tools::per_element());
  }
  void put(std::string_view name, std::string_view contents) {
    const auto writer = unwrap(volume->replace("/" + std::string(name), kCaller));
    REQUIRE_OK(writer->write(contents));
    REQUIRE_OK(writer->commit());
  }
  void rename(InodeNumber from, std::string_view name, InodeNumber to, std::string_view new_name) {
    REQUIRE_OK(volume->rename(from, name, to, new_name, 0));
  }

  std::unique_ptr<Volume> then;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(difference, DifferenceFixture)

BOOST_AUTO_TEST_CASE(nothing_changed_is_nothing_told) {
  make_file("file", "contents", make_directory("directory"));
  snapshot();
  check({});
  unwrap(volume->store().merge({.all = true}));
  check({});
}

BOOST_AUTO_TEST_CASE(names_that_come_and_go_are_told_with_what_is_in_them) {
  make_file("gone", "x", make_directory("old"));
  make_file("kept");
  snapshot();
  REQUIRE_OK(volume->remove("/old/gone"));
  REQUIRE_OK(volume->remove("/old"));
  make_file("file", "x", make_directory("below", make_directory("new")));
  check({"-/old", "-/old/gone", "+/new", "+/new/below", "+/new/below/file"});
}

BOOST_AUTO_TEST_CASE(contents_and_attributes_are_told_apart) {
  const auto written = make_file("written", "before");
  const auto same = make_file("written the same", "before");
  const auto mode = make_file("mode"), owner = make_file("owner"), xattr = make_file("xattr");
  const auto touched = make_file("touched"), both = make_file("both", "before");
  const auto directory = make_directory("directory");
  snapshot();
  REQUIRE_OK(volume->write(written, 0, "after!", false));
  REQUIRE_OK(volume->write(same, 0, "before", true));
  AttributeChanges change;
  change.mode = 0600;
  unwrap(volume->setattr(mode, change));
  unwrap(volume->setattr(directory, change));
  REQUIRE_OK(volume->write(both, 0, "after!", false));
  unwrap(volume->setattr(both, change));
  AttributeChanges chown;
  chown.uid = 7;
  unwrap(volume->setattr(owner, chown));
  AttributeChanges touch;
  touch.mtime = 5;
  unwrap(volume->setattr(touched, touch));
  REQUIRE_OK(volume->setxattr(xattr, "user.note", "x", 0));
  check({"c/written", "a/mode", "a/owner", "a/touched", "a/xattr", "ca/both", "a/directory"});
}

BOOST_AUTO_TEST_CASE(renames_are_told_as_such_wherever_they_lead) {
  const auto a = make_directory("a"), z = make_directory("z");
  make_file("forth", "1", a);
  make_file("back", "2", z);
  make_file("inside", "3", make_directory("moved", a));
  const auto changed = make_file("changed", "4");
  snapshot();
  rename(a, "forth", z, "forth");
  rename(z, "back", a, "back");
  rename(a, "moved", z, "moved");
  rename(kRoot, "changed", kRoot, "other");
  REQUIRE_OK(volume->write(changed, 0, "5", false));
  check({"r/a/forth /z/forth", "r/z/back /a/back", "r/a/moved /z/moved", "rc/changed /other"});
}

BOOST_AUTO_TEST_CASE(a_file_that_takes_the_place_of_another_is_a_change) {
  make_file("saved", "before");
  make_file("saved the same", "before");
  make_file("log", "old");
  make_file("becomes a directory");
  snapshot();
  put("saved", "after, and longer");
  put("saved the same", "before");
  rename(kRoot, "log", kRoot, "log.1");
  make_file("log", "new");
  REQUIRE_OK(volume->remove("/becomes a directory"));
  make_directory("becomes a directory");
  check({"c/saved", "a/saved the same", "r/log /log.1", "+/log", "-/becomes a directory",
         "+/becomes a directory"});
}

BOOST_AUTO_TEST_CASE(an_extended_attribute_is_told_whose_change_left_the_time_as_it_was) {
  const auto file = make_file("file");
  snapshot();
  const auto before = stat(file);
  REQUIRE_OK(volume->setxattr(file, "user.note", "x", 0));
  AttributeChanges same_time;
  same_time.ctime = before.ctime;
  unwrap(volume->setattr(file, same_time));
  check({"a/file"});
}

BOOST_AUTO_TEST_CASE(each_name_of_a_file_counts) {
  const auto file = make_file("one", "x");
  make_link(file, "two");
  snapshot();
  REQUIRE_OK(volume->remove("/one"));
  make_link(file, "three");
  make_link(file, "four");
  const auto found = told();
  BOOST_TEST(found.size() == 2u);
  BOOST_TEST((std::count_if(found.begin(), found.end(),
                            [](const auto& line) { return line.starts_with("r/one /"); }) == 1));
}

BOOST_AUTO_TEST_CASE(a_symlink_is_what_it_points_to) {
  const auto made = unwrap(volume->symlink(kRoot, "link", "here", kCaller));
  volume->forget(made.ino, 1);
  snapshot();
  REQUIRE_OK(volume->remove("/link"));
  const auto again = unwrap(volume->symlink(kRoot, "link", "there", kCaller));
  volume->forget(again.ino, 1);
  check({"c/link"});
}

BOOST_AUTO_TEST_CASE(it_ends_when_told_so) {
  make_file("file");
  snapshot();
  make_file("other");
  const auto stop = [](auto&&...) -> Status { return Error(Errc::kCancelled); };
  CHECK_FAILS(Errc::kCancelled,
              compare_volumes(then->store(), volume->store(), stop, [](uint64_t) { return ok(); }));
  CHECK_FAILS(Errc::kCancelled,
              compare_volumes(
                  then->store(), volume->store(), [](const Difference&) { return ok(); }, stop));
}

BOOST_AUTO_TEST_CASE(directories_of_many_names_are_compared_completely) {
  for (int i = 0; i < 1000; ++i) make_file(fmt::format("{:04}", i));
  snapshot();
  for (int i = 0; i < 1000; i += 3) REQUIRE_OK(volume->remove(fmt::format("/{:04}", i)));
  for (int i = 0; i < 1000; i += 5) make_file(fmt::format("{:04}x", i));
  BOOST_TEST(told().size() == 334u + 200u);
}

BOOST_AUTO_TEST_SUITE(random)

/// Where an inode is and what is in it; no hard links here.
struct Place {
  std::string path;
  InodeNumber parent;
  std::string name;
  bool directory;
  mode_t mode;
  std::string contents;
};
using Places = std::map<InodeNumber, Place>;

void collect(Volume& volume, InodeNumber directory, const std::string& path, Places& out) {
  std::vector<DirectoryEntry> entries;
  REQUIRE_OK(volume.list(directory, 0, [&](const DirectoryEntry& entry) {
    entries.push_back(entry);
    return true;
  }));
  for (const auto& entry : entries) {
    const auto stat = unwrap(volume.getattr(entry.ino));
    Place place{path + "/" + entry.name, directory, entry.name, S_ISDIR(entry.type), stat.mode, {}};
    if (!place.directory) {
      place.contents.resize(stat.size);
      unwrap(volume.read(entry.ino, 0, place.contents));
    }
    out[entry.ino] = place;
    if (place.directory) collect(volume, entry.ino, place.path, out);
  }
}

std::vector<std::string> expected(const Places& before, const Places& after) {
  std::vector<std::string> out;
  for (const auto& [ino, was] : before) {
    if (!after.contains(ino)) out.push_back("-" + was.path);
  }
  for (const auto& [ino, is] : after) {
    const auto found = before.find(ino);
    if (found == before.end()) {
      out.push_back("+" + is.path);
      continue;
    }
    const auto& was = found->second;
    std::string flags = was.contents != is.contents ? "c" : "";
    if (was.mode != is.mode) flags += "a";
    if (was.parent != is.parent || was.name != is.name) {
      out.push_back("r" + flags + was.path + " " + is.path);
    } else if (!flags.empty()) {
      out.push_back(flags + is.path);
    }
  }
  return out;
}

BOOST_FIXTURE_TEST_CASE(random_changes_are_told_completely, DifferenceFixture) {
  for (uint64_t seed = base_seed(); seed < base_seed() + rounds(6); ++seed) {
    WITH_SEED(seed) {
      Random random(seed);
      int made = 0;
      const auto pick = [&](bool directory) -> InodeNumber {
        Places places;
        collect(*volume, kRoot, "", places);
        std::vector<InodeNumber> fit;
        if (directory) fit.push_back(kRoot);
        for (const auto& [ino, one] : places) {
          if (one.directory == directory) fit.push_back(ino);
        }
        return fit.empty() ? 0 : fit[random.below(fit.size())];
      };
      const auto change = [&] {
        const auto directory = pick(true), file = pick(false);
        const auto name = fmt::format("{}-{}", seed, ++made);
        Places places;
        collect(*volume, kRoot, "", places);
        switch (random.below(8)) {
          case 0:
            make_directory(name, directory);
            break;
          case 1:
            if (file != 0) REQUIRE_OK(volume->write(file, random.below(50), "change", true));
            break;
          case 2:
            if (file != 0) REQUIRE_OK(volume->remove(places[file].path));
            break;
          case 3:
          case 4: {
            const auto moved = random.below(2) == 0 ? file : pick(true);
            if (moved == 0 || moved == kRoot) break;
            // Into itself it is refused.
            (void)volume->rename(places[moved].parent, places[moved].name, directory, name, 0);
            break;
          }
          case 5: {
            AttributeChanges mode;
            mode.mode = random.below(2) == 0 ? 0600 : 0644;
            if (file != 0) unwrap(volume->setattr(file, mode));
            break;
          }
          default:
            make_file(name, std::string(random.below(100), 'x'), directory);
            break;
        }
      };
      for (int i = 0; i < 40; ++i) change();
      snapshot();
      Places before, after;
      collect(*then, kRoot, "", before);
      for (int i = 0; i < 30; ++i) change();
      if (seed % 2 == 0) unwrap(volume->store().merge({.all = true}));
      collect(*volume, kRoot, "", after);
      check(expected(before, after));
      then.reset();
      REQUIRE_OK(volume->remove_snapshot("s"));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
BOOST_AUTO_TEST_CASE(directories_that_come_and_go_meanwhile_are_not_damaged) {
  for (int i = 0; i < 50; ++i) make_directory(std::to_string(i));
  make_directory("elsewhere");
  snapshot();
  const auto elsewhere = find("elsewhere").ino;
  std::atomic<bool> done{false};
  std::atomic<int> made{0};
  std::thread changing([&] {  // without checks: Boost.Test has them in one thread
    for (int round = 0; round < 100; ++round) {
      for (int i = 0; i < 50; ++i) {
        const auto name = std::to_string(i);
        (void)volume->rename(kRoot, name, elsewhere, name, 0);
        (void)volume->rmdir(elsewhere, name);
        made += volume->mkdir(kRoot, name, 0755, kCaller).has_value();
      }
    }
    done = true;
  });
  int unreadable = 0;
  while (!done) {
    for (const auto& difference : differences()) unreadable += difference.unreadable;
  }
  changing.join();
  BOOST_TEST(made == 5000);
  BOOST_TEST(unreadable == 0);
}

BOOST_AUTO_TEST_CASE(files_that_change_and_go_meanwhile_are_not_damaged) {
  const std::string contents(20000, 'x');
  AttributeChanges nothing;
  nothing.size = 0;
  for (int round = 0; round < 5; ++round) {
    std::vector<InodeNumber> files;
    for (int i = 0; i < 2000; ++i) files.push_back(make_file(fmt::format("{:04}", i), contents));
    snapshot();
    std::atomic<bool> done{false};
    std::thread changing([&] {  // without checks: Boost.Test has them in one thread
      for (size_t i = 0; i < files.size(); ++i) {
        (void)volume->setattr(files[i], nothing);
        (void)volume->setxattr(files[i], "user.a", std::string(300, 'a'), 0);
        (void)volume->write(files[i], 0, contents, false);
        (void)volume->removexattr(files[i], "user.a");
        if (i % 2 == 0) (void)volume->unlink(kRoot, fmt::format("{:04}", i));
      }
      done = true;
    });
    std::vector<std::string> unreadable;
    while (!done) {
      for (const auto& difference : differences()) {
        if (difference.unreadable) unreadable.push_back(difference.path);
      }
    }
    changing.join();
    BOOST_TEST(unreadable == std::vector<std::string>(), boost::test_tools::per_element());
    for (size_t i = 1; i < files.size(); i += 2) {
      REQUIRE_OK(volume->unlink(kRoot, fmt::format("{:04}", i)));
    }
    then.reset();
    REQUIRE_OK(volume->remove_snapshot("s"));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
