// SPDX-License-Identifier: MIT
// memoria-ctl in process: each command on a store that is served and on one that is not.
#include "tools/run.hpp"

#include <sys/stat.h>

#include <fmt/format.h>

#include <boost/filesystem/operations.hpp>
#include <boost/test/data/test_case.hpp>
#include <fstream>

#include "tests/control/helpers.hpp"
#include "tests/support/check.hpp"

using namespace memoria;
using memoria::test::document;
using memoria::test::kBothWays;
using memoria::test::run_ctl;
using memoria::test::SampleStore;
namespace files = boost::filesystem;

namespace {

bool one_line(const std::string& text) {
  return text.find('\n') == text.size() - 1;
}

std::vector<std::string> names_in(const std::string& directory, const std::string& suffix) {
  std::vector<std::string> names;
  for (const auto& entry : files::directory_iterator(directory)) {
    const auto name = entry.path().filename().string();
    if (name.ends_with(suffix)) names.push_back(name);
  }
  return names;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(run)

BOOST_DATA_TEST_CASE(stats_fit_on_a_screen, kBothWays, served) {
  const SampleStore place(served);
  const auto ran = run_ctl({"stats", place.path()});
  BOOST_TEST(ran.code == 0);
  BOOST_TEST(ran.err == "");
  for (const char* word : {"files", "keys", "on disk", "dead", "merge", "memory", "errors",
                           served ? "mounted (pid" : "not mounted"}) {
    BOOST_TEST(ran.out.find(word) != std::string::npos, word);
  }
  // What happened since the store was opened is of interest only when that was not just now.
  for (const char* word : {"syncs", "file cache", "last merge"}) {
    BOOST_TEST((ran.out.find(word) != std::string::npos) == served, word);
  }
  BOOST_TEST(std::count(ran.out.begin(), ran.out.end(), '\n') <= 24);
  BOOST_TEST(run_ctl({"stats", place.path(), "--segments"}).out.size() > ran.out.size());
}

BOOST_DATA_TEST_CASE(snapshots_are_made_listed_read_and_deleted, kBothWays, served) {
  SampleStore place(served);
  BOOST_TEST(run_ctl({"snapshot", "list", place.path()}).out == "no snapshots\n");
  const auto made = run_ctl({"snapshot", "create", place.path(), "before"});
  BOOST_TEST(made.code == 0);
  BOOST_TEST(made.out.starts_with("before: "), made.out);
  BOOST_TEST(run_ctl({"put", place.path(), "/hello"}, "changed").code == 0);
  const auto listed = document(run_ctl({"snapshot", "list", "--json", place.path()}));
  BOOST_REQUIRE(listed["snapshots"].size() == 1u);
  BOOST_TEST(listed["snapshots"][0]["name"] == "before");
  BOOST_TEST(listed["snapshots"][0]["bytes"].get<uint64_t>() > 300000u);
  BOOST_TEST(run_ctl({"snapshot", "list", place.path()}).out.find("before") != std::string::npos);

  const auto directory = place.path() + "/snapshots/before";
  BOOST_TEST(run_ctl({"get", directory, "/hello"}).out == "hello, world");
  BOOST_TEST(run_ctl({"verify", directory}).code == 0);
  BOOST_TEST(run_ctl({"put", directory, "/hello"}, "x").code == 8);

  const auto again = run_ctl({"snapshot", "create", place.path(), "before"});
  BOOST_TEST(again.code == 8);
  BOOST_TEST(again.err ==
             "memoria-ctl: snapshot create before: there is a snapshot \"before\" already\n");
  BOOST_TEST(run_ctl({"snapshot", "create", place.path(), ".hidden"}).code == 2);
  BOOST_TEST(run_ctl({"snapshot", "create", place.path()}).code == 2);
  BOOST_TEST(run_ctl({"snapshot", "delete", place.path(), "after"}).code == 5);
  const auto deleted = run_ctl({"snapshot", "delete", place.path(), "before"});
  BOOST_TEST(deleted.code == 0);
  BOOST_TEST(deleted.out == "");
  BOOST_TEST(run_ctl({"snapshot", "list", place.path()}).out == "no snapshots\n");
}

BOOST_DATA_TEST_CASE(stats_as_json_agree_with_what_is_there, kBothWays, served) {
  const SampleStore place(served);
  const auto json = document(run_ctl({"--json", "stats", place.path()}));
  BOOST_TEST(json["files"] == 6);  // with the root
  BOOST_TEST(json["kind"] == "volume");
  BOOST_TEST(json["mounted"] == served);
  BOOST_TEST(json["segments"].is_array());
  BOOST_TEST(!json["segments"].empty());
  BOOST_TEST(json["merge"]["would_free_bytes_all"].is_number());
  BOOST_TEST(json.contains("pid") == served);
}

BOOST_DATA_TEST_CASE(ls_lists_names_in_order, kBothWays, served) {
  const SampleStore place(served);
  BOOST_TEST(run_ctl({"ls", place.path()}).out == "directory\nempty\nhello\nlink\n");
  BOOST_TEST(run_ctl({"ls", place.path(), "/directory"}).out == "inner\n");
  BOOST_TEST(run_ctl({"ls", place.path(), "directory/"}).out == "inner\n");
  BOOST_TEST(run_ctl({"ls", place.path(), "/hello"}).out == "hello\n");
}

BOOST_DATA_TEST_CASE(ls_in_json_is_in_order_too, kBothWays, served) {
  SampleStore place(served);
  place.with_volume([](Volume& volume) {
    for (int i = 0; i < 50; ++i) test::put_file(volume, "/" + std::to_string(i * 7919 % 100), "x");
  });
  std::vector<std::string> names;
  const auto listed = document(run_ctl({"ls", "--json", place.path()}));
  for (const auto& entry : listed["entries"]) names.push_back(entry["name"]);
  BOOST_TEST(names.size() == 54);
  BOOST_TEST(std::is_sorted(names.begin(), names.end()));
}

BOOST_DATA_TEST_CASE(local_files_that_cannot_be_opened_are_wrong_use, kBothWays, served) {
  SampleStore place(served);
  const test::TemporaryDirectory directory;
  const auto nowhere = directory.path("no/where");
  for (const auto& arguments :
       {std::vector<std::string>{"get", place.path(), "/hello", "-o", nowhere},
        {"export", place.path(), "-o", nowhere},
        {"export", place.path(), "-o", directory.path()},
        {"put", place.path(), "/x", nowhere},
        {"put", place.path(), "/x", directory.path()},
        {"import", place.path(), "/new", "-i", nowhere},
        {"import", place.path(), "/new", "--from-bitcask", nowhere}}) {
    const auto ran = run_ctl(arguments);
    BOOST_TEST(ran.code == 2, arguments[0] << ": " << ran.code << " " << ran.err);
    BOOST_TEST(one_line(ran.err), ran.err);
  }
  BOOST_TEST(run_ctl({"get", place.path(), "/none", "-o", directory.path("out")}).code == 5);
  BOOST_TEST(run_ctl({"put", place.path(), "/none/x"}, "x").code == 5);
}

BOOST_DATA_TEST_CASE(ls_long_tells_attributes, kBothWays, served) {
  const SampleStore place(served);
  const auto out = run_ctl({"ls", "-l", place.path()}).out;
  BOOST_TEST(out.find("drwxr-xr-x") != std::string::npos);
  BOOST_TEST(out.find("link -> hello") != std::string::npos);
  BOOST_TEST(out.find("-rw-r--r--") != std::string::npos);
  const auto json = document(run_ctl({"ls", "--json", place.path()}));
  BOOST_TEST(json["count"] == 4);
  BOOST_TEST(json["path"] == "/");
  for (const auto& entry : json["entries"]) {
    if (entry["name"] != "hello") continue;
    BOOST_TEST(entry["type"] == "file");
    BOOST_TEST(entry["size"] == 12);
    BOOST_TEST(entry["mode"] == 0644);
  }
}

BOOST_DATA_TEST_CASE(get_delivers_the_bytes, kBothWays, served) {
  const SampleStore place(served);
  BOOST_TEST(run_ctl({"get", place.path(), "/hello"}).out == "hello, world");
  BOOST_TEST(run_ctl({"get", place.path(), "/empty"}).out == "");
  BOOST_TEST((run_ctl({"get", place.path(), "/directory/inner"}).out == SampleStore::inner()));
}

/// A GiB of zeros would take more than the half.
BOOST_DATA_TEST_CASE(get_into_a_file_leaves_holes, kBothWays, served) {
  constexpr uint64_t kSize = 1 << 30, kMiddle = 600'000'000;
  SampleStore place(served);
  place.with_volume([](Volume& volume) {
    for (const std::string name : {"ends", "begins"}) {
      const auto made = test::unwrap(volume.mknod(kRootInode, name, S_IFREG | 0600, 0, Caller{}));
      REQUIRE_OK(volume.write(made.ino, name == "ends" ? 0 : kMiddle, "some", false));
      if (name == "ends") REQUIRE_OK(volume.write(made.ino, kMiddle, "middle", false));
      AttributeChanges size;
      size.size = name == "ends" ? kSize : kMiddle + 4;
      REQUIRE_OK(volume.setattr(made.ino, size));
      volume.forget(made.ino, 1);
    }
  });
  const test::TemporaryDirectory elsewhere;
  const auto get = [&](const std::string& name) {
    const auto file = elsewhere.path(name);
    const auto json = document(run_ctl({"get", "--json", place.path(), "/" + name, "-o", file}));
    struct stat found {};
    BOOST_REQUIRE(::stat(file.c_str(), &found) == 0);
    BOOST_TEST(json["size"] == found.st_size);
    BOOST_TEST(found.st_blocks < 1000);
    return found.st_size;
  };
  BOOST_TEST(get("ends") == off_t(kSize));
  BOOST_TEST(get("begins") == off_t(kMiddle + 4));
  const auto part = [&](const std::string& name, uint64_t offset, size_t length) {
    std::ifstream file(elsewhere.path(name), std::ios::binary);
    file.seekg(std::streamoff(offset));
    std::string bytes(length, '?');
    file.read(bytes.data(), std::streamsize(length));
    return bytes;
  };
  BOOST_TEST(part("ends", 0, 5) == std::string("some\0", 5));
  BOOST_TEST(part("ends", kMiddle - 1, 8) == std::string("\0middle\0", 8));
  BOOST_TEST(part("begins", kMiddle - 1, 5) == std::string("\0some", 5));
}

BOOST_DATA_TEST_CASE(get_into_a_file_is_all_or_nothing, kBothWays, served) {
  const SampleStore place(served);
  const test::TemporaryDirectory elsewhere;
  const auto file = elsewhere.path("out");
  BOOST_TEST(run_ctl({"get", place.path(), "/directory/inner", "-o", file}).code == 0);
  BOOST_TEST((test::read_whole_file(file) == SampleStore::inner()));
  BOOST_TEST(run_ctl({"get", place.path(), "/missing", "-o", file}).code == 5);
  BOOST_TEST((test::read_whole_file(file) == SampleStore::inner()));
  BOOST_TEST(names_in(elsewhere.path(), "").size() == 1);
  const auto json = document(run_ctl({"get", "--json", place.path(), "/hello", "-o", file}));
  BOOST_TEST(json["size"] == 12);
  BOOST_TEST(run_ctl({"get", place.path(), "/hello", "-o", "/dev/null"}).code == 0);
  BOOST_TEST(run_ctl({"get", place.path(), "/hello", "-o", elsewhere.path()}).code == 2);
}

BOOST_DATA_TEST_CASE(put_makes_and_replaces_files, kBothWays, served) {
  SampleStore place(served);
  const test::TemporaryDirectory elsewhere;
  test::write_whole_file(elsewhere.path("in"), SampleStore::inner());
  BOOST_TEST(run_ctl({"put", place.path(), "/new"}, "typed").code == 0);
  BOOST_TEST(run_ctl({"put", place.path(), "/hello", elsewhere.path("in")}).code == 0);
  BOOST_TEST(run_ctl({"put", place.path(), "/directory/inner", "-"}, "").code == 0);
  place.with_volume([](Volume& volume) {
    BOOST_TEST(test::file_contents(volume, "/new") == "typed");
    BOOST_TEST((test::file_contents(volume, "/hello") == SampleStore::inner()));
    BOOST_TEST(test::file_contents(volume, "/directory/inner") == "");
  });
}

BOOST_DATA_TEST_CASE(rm_removes_files_and_empty_directories, kBothWays, served) {
  const SampleStore place(served);
  BOOST_TEST(run_ctl({"rm", place.path(), "/directory"}).code == 8);
  BOOST_TEST(run_ctl({"rm", place.path(), "/directory/inner"}).code == 0);
  BOOST_TEST(run_ctl({"rm", place.path(), "/directory"}).code == 0);
  BOOST_TEST(run_ctl({"rm", place.path(), "/link"}).code == 0);
  BOOST_TEST(run_ctl({"ls", place.path()}).out == "empty\nhello\n");
}

BOOST_DATA_TEST_CASE(a_point_behind_a_slash_means_a_directory, kBothWays, served) {
  SampleStore place(served);
  for (const char* name : {"/hello/.", "hello/./."}) {
    for (const char* command : {"get", "rm", "put"}) {
      const auto ran = run_ctl({command, place.path(), name}, "new");
      BOOST_TEST(ran.code != 0, command << name << ran.err);
    }
  }
  BOOST_TEST(run_ctl({"get", place.path(), "/hello"}).out == "hello, world");
  BOOST_TEST(run_ctl({"find", place.path(), "/directory/."}).out == "");
  BOOST_TEST(run_ctl({"count", place.path(), "/."}).out.find("0") == 0u);
}

BOOST_DATA_TEST_CASE(names_of_commands_that_run_are_theirs, kBothWays, served) {
  const SampleStore place(served);
  const auto ran = run_ctl({"snapshot", "create", place.path(), "memoria-ctl.999999"});
  BOOST_TEST(ran.code == 2);
  BOOST_TEST(ran.err.find("take another name") != std::string::npos, ran.err);
}

BOOST_DATA_TEST_CASE(locate_shows_key_segment_and_offset, kBothWays, served) {
  const SampleStore place(served);
  const auto human = run_ctl({"locate", place.path(), "/directory/inner"});
  BOOST_TEST(human.code == 0);
  BOOST_TEST(human.out.find("contents of inode") != std::string::npos);
  BOOST_TEST(human.out.find(".data") != std::string::npos);
  const auto json = document(run_ctl({"locate", "--json", place.path(), "/directory/inner"}));
  BOOST_TEST(json["size"] == 300000);
  BOOST_TEST(!json["extents"].empty());
  BOOST_TEST(json["extents"][0]["segment"].is_string());
  BOOST_TEST(run_ctl({"locate", place.path(), "/directory"}).code == 0);
}

BOOST_DATA_TEST_CASE(merge_frees_what_is_dead, kBothWays, served) {
  const SampleStore place(served);
  for (int i = 0; i < 5; ++i)
    BOOST_TEST(run_ctl({"put", place.path(), "/big"}, SampleStore::inner()).code == 0);
  const auto before = document(run_ctl({"stats", "--json", place.path()}));
  const auto planned = document(run_ctl({"merge", "--dry-run", "--json", "--all", place.path()}));
  BOOST_TEST(planned["dry_run"] == true);
  const auto merged = document(run_ctl({"merge", "--all", "--json", place.path()}));
  BOOST_TEST(merged["bytes_freed"].get<uint64_t>() >= 4 * 300000u);
  const auto after = document(run_ctl({"stats", "--json", place.path()}));
  BOOST_TEST(after["disk_bytes"].get<uint64_t>() < before["disk_bytes"].get<uint64_t>());
  BOOST_TEST((run_ctl({"get", place.path(), "/big"}).out == SampleStore::inner()));
  BOOST_TEST(run_ctl({"merge", place.path()}).out == "nothing to merge\n");
}

BOOST_DATA_TEST_CASE(verify_of_a_sound_store_is_clean, kBothWays, served) {
  const SampleStore place(served);
  const auto human = run_ctl({"verify", place.path()});
  BOOST_TEST(human.code == 0);
  BOOST_TEST(human.out.find("all intact") != std::string::npos);
  const auto json = document(run_ctl({"verify", "--json", place.path()}));
  BOOST_TEST(json["clean"] == true);
  BOOST_TEST(json["damages"].empty());
  BOOST_TEST(json["records"].get<uint64_t>() > 0);
}

BOOST_DATA_TEST_CASE(missing_path_is_one_clear_line, kBothWays, served) {
  const SampleStore place(served);
  for (const char* command : {"get", "rm", "ls", "locate"}) {
    const auto ran = run_ctl({command, place.path(), "/no/such"});
    BOOST_TEST(ran.code == 5);
    BOOST_TEST(ran.out == "");
    BOOST_TEST(ran.err == std::string("memoria-ctl: ") + command +
                              " /no/such: no such file in the volume " +
                              files::canonical(place.path()).string() +
                              "; `memoria-ctl ls` and `find` list what there is\n");
  }
  const auto put = run_ctl({"put", place.path(), "/no/such"}, "x");
  BOOST_TEST(put.code == 5);
  BOOST_TEST(put.err.find("its directory is not there") != std::string::npos);
  BOOST_TEST(run_ctl({"get", place.path(), "/hello/below"}).code == 5);
}

BOOST_DATA_TEST_CASE(what_is_no_file_says_what_it_is, kBothWays, served) {
  const SampleStore place(served);
  const auto directory = run_ctl({"get", place.path(), "/directory"});
  BOOST_TEST(directory.code == 8);
  BOOST_TEST(directory.err == "memoria-ctl: get /directory: is a directory\n");
  const auto link = run_ctl({"get", place.path(), "/link"});
  BOOST_TEST(link.code == 2);
  BOOST_TEST(link.err.find("symbolic link to hello") != std::string::npos);
  BOOST_TEST(run_ctl({"put", place.path(), "/directory"}, "x").code == 8);
  const auto onto_link = run_ctl({"put", place.path(), "/link"}, "x");
  BOOST_TEST(onto_link.code == 2);
  BOOST_TEST(onto_link.err.find("symbolic link to hello") != std::string::npos);
  BOOST_TEST(run_ctl({"put", place.path(), "/hello/"}, "x").code == 5);
  const auto slash = run_ctl({"put", place.path(), "/new/"}, "x");
  BOOST_TEST(slash.code == 8);
  BOOST_TEST(slash.err.find("leave it out") != std::string::npos, slash.err);
  BOOST_TEST(run_ctl({"rm", place.path(), "/hello/"}).code == 5);
  BOOST_TEST(run_ctl({"get", place.path()}).code == 2);
  BOOST_TEST(run_ctl({"put", place.path()}, "x").code == 2);
  BOOST_TEST(run_ctl({"rm", place.path(), "/"}).code == 8);
  BOOST_TEST(run_ctl({"get", place.path(), "/" + std::string(300, 'n')}).code == 2);
}

BOOST_DATA_TEST_CASE(a_new_file_follows_the_umask_and_another_keeps_its_permissions, kBothWays,
                     served) {
  SampleStore place(served);
  const auto put_with = [&](mode_t mask) {
    const auto before = ::umask(mask);
    const auto ran = run_ctl({"put", place.path(), "/new"}, "x");
    BOOST_TEST(ran.code == 0, ran.err);
    ::umask(before);
    mode_t mode = 0;
    place.with_volume(
        [&](Volume& volume) { mode = test::unwrap(volume.resolve("/new")).mode & 07777; });
    return mode;
  };
  BOOST_TEST(put_with(027) == 0640u);
  BOOST_TEST(put_with(0) == 0640u);
  place.with_volume([](Volume& volume) { REQUIRE_OK(volume.remove("/new")); });
  BOOST_TEST(put_with(0) == 0666u);
}

BOOST_DATA_TEST_CASE(failure_in_json_is_a_document_too, kBothWays, served) {
  const SampleStore place(served);
  const auto ran = run_ctl({"ls", "--json", place.path(), "/no/such"});
  BOOST_TEST(ran.code == 5);
  const auto json = document(ran);
  BOOST_TEST(json["error"]["code"] == "not-found");
  BOOST_TEST(json["error"]["exit"] == 5);
  BOOST_TEST(json["entries"].empty());
  BOOST_TEST(one_line(ran.err));
}

BOOST_AUTO_TEST_CASE(wrong_use_in_json_is_a_document_too) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--json", "frobnicate", "x"},
                                             {"--json", "stats"},
                                             {"--json", "get", "mnt", "/x"},
                                             {"--json"}}) {
    const auto ran = run_ctl(arguments);
    BOOST_TEST(ran.code == 2);
    const auto json = document(ran);
    BOOST_TEST(json["error"]["code"] == "invalid-argument");
    BOOST_TEST(json["error"]["exit"] == 2);
    BOOST_TEST(ran.err == "memoria-ctl: " + json["error"]["message"].get<std::string>() + "\n");
  }
  BOOST_TEST(run_ctl({"frobnicate", "x"}).out == "");
}

BOOST_DATA_TEST_CASE(interrupted_commands_end_with_130, kBothWays, served) {
  SampleStore place(served);
  test::Console console;
  console.interrupted = true;
  console.in = "new";
  for (const char* command : {"get", "put"}) {
    const auto ran = console.run({command, place.path(), "/hello"});
    BOOST_TEST(ran.code == 130);
    BOOST_TEST(ran.err == std::string("memoria-ctl: ") + command + " /hello: interrupted\n");
  }
  BOOST_TEST(console.run({"verify", place.path()}).code == 130);
  place.with_volume(
      [](Volume& volume) { BOOST_TEST(test::file_contents(volume, "/hello") == "hello, world"); });
}

BOOST_DATA_TEST_CASE(reader_that_goes_away_is_no_complaint, kBothWays, served) {
  const SampleStore place(served);
  test::Console console;
  console.out_closed = true;
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"get", place.path(), "/hello"}, {"ls", place.path()}, {"stats", place.path()}}) {
    const auto ran = console.run(arguments);
    BOOST_TEST(ran.code == 141);
    BOOST_TEST(ran.err == "");
  }
}

BOOST_AUTO_TEST_CASE(target_that_is_no_store_is_told) {
  const test::TemporaryDirectory directory;
  const auto missing = run_ctl({"stats", directory.path("missing")});
  BOOST_TEST(missing.code == 3);
  BOOST_TEST(missing.err.find("no such file or directory") != std::string::npos);
  const auto empty = run_ctl({"stats", directory.path()});
  BOOST_TEST(empty.code == 3);
  BOOST_TEST(one_line(empty.err));
  BOOST_TEST(names_in(directory.path(), "").empty());  // nothing was made
  test::write_whole_file(directory.path("file"), "x");
  BOOST_TEST(run_ctl({"stats", directory.path("file")}).code == 3);
  BOOST_TEST(run_ctl({"put", directory.path(), "/x"}, "x").code == 3);
}

BOOST_AUTO_TEST_CASE(directory_without_a_store_is_told_by_what_it_is) {
  const test::TemporaryDirectory directory;
  const auto path = files::canonical(directory.path()).string();
  BOOST_TEST(run_ctl({"stats", path}).err ==
             "memoria-ctl: stats: " + path +
                 " is empty. If it is a mount point, mount its store first; to "
                 "make a store in it, run: memoria-fs " +
                 path + " MOUNTPOINT\n");
  test::write_whole_file(directory.path("odd.data"), "x");
  for (const std::string& other : {path, std::string("/"), std::string("/proc")}) {
    for (const char* command : {"stats", "verify", "ls", "export"}) {
      const auto ran = run_ctl({command, other});
      BOOST_TEST(ran.code == 3, command << " " << other);
      BOOST_TEST(ran.err == fmt::format("memoria-ctl: {}{}: {} holds no store: name a data "
                                        "directory, a mount point, or a path in a mount\n",
                                        command, command == std::string("ls") ? " /" : "", other));
    }
  }
}

BOOST_AUTO_TEST_CASE(target_of_no_characters_is_not_the_current_directory) {
  const SampleStore place(false);
  const auto before = files::current_path();
  files::current_path(place.path());
  for (const char* command : {"stats", "ls", "verify", "export", "repair", "backup", "restore"}) {
    const auto copies = std::string(command) == "repair" || std::string(command) == "backup" ||
                        std::string(command) == "restore";
    std::vector<std::string> arguments{command, ""};
    if (copies) arguments.emplace_back("never-made");
    const auto ran = run_ctl(arguments);
    BOOST_TEST(ran.code == 2, command);
    BOOST_TEST(ran.err.find("the target has no name") != std::string::npos, ran.err);
  }
  files::current_path(before);
}

BOOST_AUTO_TEST_CASE(what_is_left_of_a_store_is_not_called_none) {
  SampleStore place(false);
  for (const auto& entry : files::directory_iterator(place.path())) {
    if (entry.path().extension() == ".data") files::remove(entry.path());
  }
  const auto named = run_ctl({"stats", place.path()});  // by the manifest
  BOOST_TEST(named.code == 6);
  BOOST_TEST(named.err.find("missing") != std::string::npos, named.err);
  files::remove(place.path() + "/manifest");
  const auto told = run_ctl({"stats", place.path()});  // by the hints
  BOOST_TEST(told.code == 6);
  BOOST_TEST(told.err.find("all segments (*.data) are missing") != std::string::npos, told.err);
  BOOST_TEST(one_line(told.err));
}

BOOST_AUTO_TEST_CASE(store_that_is_owned_without_a_socket_is_told) {
  SampleStore place(true);
  place.stop_server();
  const auto ran = run_ctl({"stats", place.path()});
  BOOST_TEST(ran.code == 4);
  BOOST_TEST(one_line(ran.err));
  BOOST_TEST(ran.err.find(std::to_string(getpid())) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(plain_keys_are_served_without_making_a_volume) {
  const test::TemporaryDirectory directory;
  {
    const auto store = test::open_plain_store(directory.path());
    REQUIRE_OK(store->put("alpha", "one"));
    REQUIRE_OK(store->put("alpine", "two"));
    REQUIRE_OK(store->put(std::string("\xff\x00", 2), "binary"));
    REQUIRE_OK(store->close());
  }
  const auto& path = directory.path();
  BOOST_TEST(run_ctl({"get", path, "--key", "alpha"}).out == "one");
  BOOST_TEST(run_ctl({"get", path, "--key", "--hex", "ff00"}).out == "binary");
  BOOST_TEST(run_ctl({"ls", path, "--key", "alp"}).out == "alpha\nalpine\n");
  BOOST_TEST(run_ctl({"put", path, "--key", "beta"}, "three").code == 0);
  BOOST_TEST(run_ctl({"get", path, "--key", "beta"}).out == "three");
  BOOST_TEST(run_ctl({"locate", path, "--key", "beta"}).out.find(".data") != std::string::npos);
  BOOST_TEST(run_ctl({"rm", path, "--key", "alpha"}).code == 0);
  const auto gone = run_ctl({"rm", path, "--key", "alpha"});
  BOOST_TEST(gone.code == 5);
  BOOST_TEST(gone.err.find("no such key in the store") != std::string::npos);
  const auto refused = run_ctl({"ls", path, "/"});
  BOOST_TEST(refused.code == 3);
  BOOST_TEST(refused.err.find("--key") != std::string::npos);
  const auto json = document(run_ctl({"ls", "--json", path, "--key"}));
  BOOST_TEST(json["count"] == 3);
  BOOST_TEST(document(run_ctl({"stats", "--json", path}))["keys"] == 3);
}

BOOST_AUTO_TEST_CASE(value_longer_than_one_put_is_refused) {
  const test::TemporaryDirectory directory;
  {
    const auto store = test::open_plain_store(directory.path());
    REQUIRE_OK(store->put("other", "x"));
    REQUIRE_OK(store->close());
  }
  const auto ran =
      run_ctl({"put", directory.path(), "--key", "k"}, std::string((64 << 20) + 1, 'x'));
  BOOST_TEST(ran.code == 2);
  BOOST_TEST(ran.err.find("64 MiB") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(damage_is_listed_by_path_and_range) {
  SampleStore place(false);
  const auto located = document(run_ctl({"locate", "--json", place.path(), "/directory/inner"}));
  const auto& extent = located["extents"][0];
  const auto file = place.path() + "/" + extent["file"].get<std::string>();
  test::flip_byte(
      file, extent["record_offset"].get<uint64_t>() + extent["record_length"].get<uint64_t>() - 1);
  const auto ran = run_ctl({"verify", place.path()});
  BOOST_TEST(ran.code == 6);
  BOOST_TEST(ran.out.find("/directory/inner") != std::string::npos);
  const auto json = document(run_ctl({"verify", "--json", place.path()}));
  BOOST_TEST(json["clean"] == false);
  BOOST_REQUIRE(json["damages"].size() == 1);
  const auto& damage = json["damages"][0];
  BOOST_TEST(damage["path"] == "/directory/inner");
  BOOST_TEST(damage["live"] == true);
  BOOST_TEST(damage["value_length"].get<uint64_t>() > 0);
  BOOST_TEST(damage["value_offset"].get<uint64_t>() + damage["value_length"].get<uint64_t>() ==
             300000);
  const auto got = run_ctl({"get", place.path(), "/directory/inner"});
  BOOST_TEST(got.code == 6);
  BOOST_TEST(one_line(got.err), got.err);
  const auto exported = run_ctl({"export", place.path()});
  BOOST_TEST(exported.code == 6);
  BOOST_TEST(std::count(exported.err.begin(), exported.err.end(), '\n') == 2, exported.err);
  BOOST_TEST(run_ctl({"get", place.path(), "/hello"}).out == "hello, world");
}

BOOST_AUTO_TEST_CASE(hints_are_checked_and_rebuilt) {
  SampleStore place(false);
  BOOST_TEST(run_ctl({"hints", "check", place.path()}).code == 0);
  const auto all = document(run_ctl({"hints", "rebuild", "--all", "--json", place.path()}));
  BOOST_TEST(all["written"].get<uint64_t>() > 0);
  for (const auto& name : names_in(place.path(), ".hint")) {
    files::remove(place.path() + "/" + name);
  }
  const auto rebuilt = run_ctl({"hints", "rebuild", place.path()});
  BOOST_TEST(rebuilt.code == 0, rebuilt.err);
  const auto checked = document(run_ctl({"hints", "check", "--json", place.path()}));
  BOOST_TEST(checked["clean"] == true);
  BOOST_TEST(checked["missing"] == 0);
}

BOOST_AUTO_TEST_CASE(progress_goes_to_standard_error_as_asked) {
  SampleStore place(true);
  const auto json = run_ctl({"verify", "--json", "--progress", place.path()});
  BOOST_TEST(json.code == 0);
  BOOST_TEST(document(json)["clean"] == true);
  for (size_t begin = 0; begin < json.err.size();) {
    const auto end = json.err.find('\n', begin);
    BOOST_TEST(Json::accept(json.err.substr(begin, end - begin)));
    begin = end + 1;
  }
  test::Console terminal;
  terminal.err_is_terminal = true;
  const auto drawn = terminal.run({"verify", place.path()});
  BOOST_TEST((drawn.err.empty() || drawn.err.ends_with("\r\x1b[K")));
  BOOST_TEST(drawn.out.find('\r') == std::string::npos);
}

BOOST_DATA_TEST_CASE(what_is_found_is_not_mixed_with_progress, kBothWays, served) {
  const SampleStore place(served);
  test::Console terminal;
  terminal.err_is_terminal = terminal.out_is_terminal = true;
  std::string screen;
  terminal.on_out = [&](std::string_view text) { screen += text; };
  terminal.on_err = [&](std::string_view text) { screen += text; };
  BOOST_TEST(terminal.run({"find", place.path(), "/"}).code == 0);
  BOOST_TEST(screen.find("entries") != std::string::npos, screen);
  // Whatever is printed begins at the beginning of an empty line.
  for (size_t at = 0; (at = screen.find("entries", at)) != std::string::npos; ++at) {
    const auto cleared = screen.find("\x1b[K\r\x1b[K", at),
               redrawn = screen.find("\x1b[K\rfind", at);
    BOOST_TEST((screen.find("\x1b[K", at) == std::min(cleared, redrawn)), screen);
  }
}

BOOST_AUTO_TEST_CASE(a_word_that_is_no_command_is_named) {
  for (const auto& arguments : {std::vector<std::string>{"nonsense"},
                                {"snapshot", "nonsense"},
                                {"config", "nonsense", "x"}}) {
    const auto ran = run_ctl(arguments);
    BOOST_TEST(ran.code == 2);
    BOOST_TEST(ran.err ==
               "memoria-ctl: there is no command \"nonsense\" (see memoria-ctl --help)\n");
  }
  BOOST_TEST(run_ctl({}).err == "memoria-ctl: A subcommand is required (see memoria-ctl --help)\n");
}

BOOST_AUTO_TEST_SUITE_END()
