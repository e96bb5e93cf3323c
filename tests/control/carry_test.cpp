// SPDX-License-Identifier: MIT
// backup, restore and their like, in process: of a store that is served and of one that is not.
#include <boost/filesystem/operations.hpp>
#include <boost/test/data/test_case.hpp>

#include "core/store/store.hpp"
#include "tests/control/helpers.hpp"
#include "tests/support/check.hpp"
#include "tools/carry.hpp"

using namespace memoria;
using memoria::test::document;
using memoria::test::kBothWays;
using memoria::test::run_ctl;
using memoria::test::SampleStore;
using memoria::test::TemporaryDirectory;
namespace files = boost::filesystem;

BOOST_AUTO_TEST_SUITE(carry)

BOOST_DATA_TEST_CASE(a_backup_can_be_read_and_restored, kBothWays, served) {
  SampleStore place(served);
  const TemporaryDirectory elsewhere;
  const auto backup = elsewhere.path("backup"), again = elsewhere.path("again");
  BOOST_TEST(run_ctl({"snapshot", "create", place.path(), "kept"}).code == 0);
  const auto first = run_ctl({"backup", place.path(), backup});
  BOOST_TEST(first.code == 0, first.err);
  BOOST_TEST(first.out.starts_with("backup of "), first.out);
  BOOST_TEST(first.out.ends_with("1 snapshot\n"), first.out);
  BOOST_TEST(run_ctl({"get", backup, "/hello"}).out == "hello, world");
  BOOST_TEST(run_ctl({"verify", backup}).code == 0);
  BOOST_TEST(run_ctl({"put", backup, "/hello"}, "x").code == 8);

  BOOST_TEST(run_ctl({"put", place.path(), "/hello"}, "changed").code == 0);
  const auto second = document(run_ctl({"--json", "backup", place.path(), backup}));
  BOOST_TEST(second["clean"] == true);
  BOOST_TEST(second["copied_bytes"].get<uint64_t>() < 10'000u);
  BOOST_TEST(run_ctl({"get", backup, "/hello"}).out == "changed");
  BOOST_TEST(run_ctl({"get", backup + "/snapshots/kept", "/hello"}).out == "hello, world");
  // What it took for that is gone.
  BOOST_TEST(document(run_ctl({"--json", "snapshot", "list", place.path()}))["count"] == 1);

  const auto restored = run_ctl({"restore", backup, again});
  BOOST_TEST(restored.code == 0, restored.err);
  BOOST_TEST(restored.out.starts_with("restored store of "), restored.out);
  BOOST_TEST(run_ctl({"put", again, "/hello"}, "goes on").code == 0);
  BOOST_TEST(run_ctl({"get", again, "/hello"}).out == "goes on");
  BOOST_TEST((run_ctl({"get", again, "/directory/inner"}).out == SampleStore::inner()));
  // The restored one is the same store.
  BOOST_TEST(run_ctl({"backup", again, backup}).code == 0);
  BOOST_TEST(run_ctl({"get", backup, "/hello"}).out == "goes on");
}

BOOST_DATA_TEST_CASE(settings_go_along, kBothWays, served) {
  SampleStore place(served);
  const TemporaryDirectory elsewhere;
  const auto backup = elsewhere.path("backup"), again = elsewhere.path("again");
  const auto settings = place.path() + "/memoria.toml";
  const std::string text = "# mine\nfile_cache = 7\n";
  test::write_whole_file(settings, text);
  BOOST_TEST(run_ctl({"backup", place.path(), backup}).code == 0);
  BOOST_TEST(test::read_whole_file(backup + "/memoria.toml") == text);
  BOOST_TEST(run_ctl({"verify", backup}).code == 0);
  BOOST_TEST(run_ctl({"restore", backup, again}).code == 0);
  BOOST_TEST(test::read_whole_file(again + "/memoria.toml") == text);
  const auto repaired = elsewhere.path("repaired");
  BOOST_TEST(run_ctl({"repair", place.path(), repaired}).code == 0);
  BOOST_TEST(test::read_whole_file(repaired + "/memoria.toml") == text);

  // A backup is what the store is now, without a file, too; and one that cannot be read keeps
  // nobody from a backup.
  files::remove(settings);
  BOOST_TEST(run_ctl({"backup", place.path(), backup}).code == 0);
  BOOST_TEST(!files::exists(backup + "/memoria.toml"));
  files::create_symlink("/etc/hostname", settings);
  const auto ran = run_ctl({"backup", place.path(), backup});
  BOOST_TEST(ran.code == 0);
  BOOST_TEST(ran.err.find("is no regular file") != std::string::npos, ran.err);
  BOOST_TEST(!files::exists(backup + "/memoria.toml"));
}

BOOST_DATA_TEST_CASE(an_export_knows_how_much_there_is, kBothWays, served) {
  SampleStore place(served);
  place.with_volume([](Volume& volume) {
    const auto inner = test::unwrap(volume.resolve("/directory/inner"));
    const auto linked = test::unwrap(volume.link(inner.ino, kRootInode, "linked"));
    volume.forget(linked.ino, 1);
  });
  ctl::Streams streams;
  streams.out = [](std::string_view) { return ok(); };
  ctl::CommandLine line;
  line.verb = ctl::Verb::kExport;
  line.target = place.path();
  test::RecordingSink sink;
  bool reached = false;
  test::unwrap(ctl::carry({line, streams, sink, {}, reached}));
  BOOST_TEST(sink.latest.phase == "export");
  BOOST_TEST(sink.latest.total == 2 * 300'000u + 12);
  BOOST_TEST(sink.latest.done == sink.latest.total);
}

BOOST_DATA_TEST_CASE(an_import_knows_how_long_the_archive_is, kBothWays, served) {
  const SampleStore place(served);
  const TemporaryDirectory elsewhere;
  const auto archive = elsewhere.path("a.tar");
  BOOST_TEST(run_ctl({"export", place.path(), "-o", archive}).code == 0);
  const auto ran = run_ctl({"import", "--json", "--progress", place.path(), "/new", "-i", archive});
  BOOST_TEST(ran.code == 0);
  const auto progress = Json::parse(ran.err.substr(0, ran.err.find('\n')));
  BOOST_TEST(progress["phase"] == "import");
  BOOST_TEST(progress["total"] == files::file_size(archive));
  BOOST_TEST(progress["done"].get<uint64_t>() > 0u);
  BOOST_TEST(progress["done"].get<uint64_t>() <= files::file_size(archive));

  const auto again = run_ctl({"import", place.path(), "/new", "-i", archive});
  BOOST_TEST(again.err ==
             "memoria-ctl: import: /new is not empty: name a new directory to import into\n");
  const auto file = run_ctl({"import", place.path(), "/hello", "-i", archive});
  BOOST_TEST(
      file.err ==
      "memoria-ctl: import: /hello is not a directory: name a new directory to import into\n");
}

BOOST_AUTO_TEST_CASE(a_failure_takes_no_directory_that_was_there) {
  const SampleStore place(false);
  const TemporaryDirectory elsewhere;
  const auto mine = elsewhere.path("mine"), nothing = elsewhere.path("nothing");
  files::create_directory(mine);
  files::create_directory(nothing);
  BOOST_TEST(run_ctl({"restore", nothing, mine}).code == 3);
  BOOST_TEST(files::exists(mine));
  test::Console console;
  console.interrupted = true;
  BOOST_TEST(console.run({"backup", place.path(), mine}).code == 130);
  BOOST_TEST(files::exists(mine));
}

BOOST_AUTO_TEST_CASE(a_repair_takes_the_place_of_an_empty_directory_by_any_name) {
  const SampleStore place(false);
  const TemporaryDirectory elsewhere;
  const auto mine = elsewhere.path("mine");
  files::create_directory(mine);
  const auto ran = run_ctl({"repair", place.path(), mine + "/."});
  BOOST_TEST(ran.code == 0, ran.out + ran.err);
  BOOST_TEST(run_ctl({"get", mine, "/hello"}).out == "hello, world");
  const auto mounted = run_ctl({"repair", place.path(), "/proc/fs"});
  BOOST_TEST(mounted.code != 0);
}

BOOST_DATA_TEST_CASE(a_backup_goes_nowhere_else, kBothWays, served) {
  SampleStore place(served);
  const TemporaryDirectory elsewhere;
  test::write_whole_file(elsewhere.path("letter"), "dear");
  const auto refused = run_ctl({"backup", place.path(), elsewhere.path()});
  BOOST_TEST(refused.code == 3);
  BOOST_TEST(refused.err.find("holds letter and is not a backup") != std::string::npos,
             refused.err);
  BOOST_TEST(!files::exists(elsewhere.path("lock")));
  for (const auto& inside : {place.path(), place.path() + "/backup"}) {
    BOOST_TEST(run_ctl({"backup", place.path(), inside}).code == 2);
  }
  BOOST_TEST(!files::exists(place.path() + "/backup"));
  BOOST_TEST(run_ctl({"backup", elsewhere.path("nothing"), elsewhere.path("x")}).code == 3);
  BOOST_TEST(!files::exists(elsewhere.path("x")));
  BOOST_TEST(run_ctl({"restore", place.path(), elsewhere.path("y")}).code == 3);
  BOOST_TEST(!files::exists(elsewhere.path("y")));
  BOOST_TEST(run_ctl({"backup", place.path()}).code == 2);
  BOOST_TEST(run_ctl({"verify", place.path()}).code == 0);
}

BOOST_DATA_TEST_CASE(no_store_is_made_inside_of_another, kBothWays, served) {
  SampleStore place(served);
  const TemporaryDirectory elsewhere;
  const auto backup = elsewhere.path("backup"), data = place.path();
  BOOST_TEST(run_ctl({"backup", data, backup}).code == 0);
  BOOST_TEST(run_ctl({"snapshot", "create", data, "kept"}).code == 0);
  const auto refused = [](const std::vector<std::string>& arguments, const std::string& store) {
    const auto ran = run_ctl(arguments, "input");
    BOOST_TEST(ran.code == 2, ran.err);
    BOOST_TEST(ran.err.find(" is inside the store " + store + ": name a directory elsewhere") !=
                   std::string::npos,
               ran.err);
  };
  for (const auto& whose : {data, backup}) {
    for (const auto& inside : {whose + "/x", whose + "/./x/", whose + "/snapshots/x"}) {
      refused({"repair", data, inside}, whose);
      refused({"restore", backup, inside}, whose);
      refused({"restore", data + "/snapshots/kept", inside}, whose);
      refused({"backup", data, inside}, whose);
      refused({"put", inside, "/x"}, whose);
      refused({"import", inside}, whose);
    }
    BOOST_TEST(!files::exists(whose + "/x"));
  }
  BOOST_TEST(run_ctl({"verify", data}).code == 0);
  BOOST_TEST(run_ctl({"restore", backup, elsewhere.path("again")}).code == 0);
}

/// It may be one of before this was refused.
BOOST_AUTO_TEST_CASE(a_backup_inside_of_another_goes_on) {
  const SampleStore place(false), other(false);
  const TemporaryDirectory elsewhere;
  const auto outer = elsewhere.path("outer"), inner = outer + "/inner";
  BOOST_TEST(run_ctl({"backup", place.path(), outer}).code == 0);
  BOOST_TEST(run_ctl({"backup", other.path(), elsewhere.path("inner")}).code == 0);
  files::rename(elsewhere.path("inner"), inner);
  BOOST_TEST(run_ctl({"backup", other.path(), inner}).code == 0);
}

BOOST_DATA_TEST_CASE(damage_is_told_with_its_path, kBothWays, served) {
  SampleStore place(served);
  const TemporaryDirectory elsewhere;
  BOOST_TEST(run_ctl({"snapshot", "create", place.path(), "seal"}).code == 0);  // one sealed file
  const auto extents =
      document(run_ctl({"--json", "locate", place.path(), "/directory/inner"}))["extents"];
  BOOST_REQUIRE(!extents.empty());
  test::flip_byte(place.path() + "/" + extents[0]["file"].get<std::string>(),
                  extents[0]["record_offset"].get<uint64_t>() + 100'000);
  for (int time = 0; time < 2; ++time) {
    const auto ran = run_ctl({"--json", "backup", place.path(), elsewhere.path("b")});
    BOOST_TEST(ran.code == 6);
    const auto json = document(ran);
    BOOST_TEST(json["clean"] == false);
    BOOST_REQUIRE(json["damages"].size() == 1u);
    BOOST_TEST(json["damages"][0]["path"] == "/directory/inner");
  }
  BOOST_TEST(run_ctl({"get", elsewhere.path("b"), "/hello"}).out == "hello, world");
  const auto told = run_ctl({"backup", place.path(), elsewhere.path("c")});
  BOOST_TEST(told.out.find("/directory/inner") != std::string::npos, told.out);
}

BOOST_AUTO_TEST_CASE(an_export_tells_each_place_that_it_lost) {
  const SampleStore place(false);
  const auto extents =
      document(run_ctl({"--json", "locate", place.path(), "/directory/inner"}))["extents"];
  BOOST_REQUIRE(!extents.empty());
  for (const uint64_t at : {20'000, 150'000}) {
    test::flip_byte(place.path() + "/" + extents[0]["file"].get<std::string>(),
                    extents[0]["record_offset"].get<uint64_t>() + at);
  }
  const auto ran = run_ctl({"export", place.path(), "/directory"});
  BOOST_TEST(ran.code == 6, ran.err);
  size_t told = 0;
  for (auto at = ran.err.find("are zeros in the archive"); at != std::string::npos;
       at = ran.err.find("are zeros in the archive", at + 1)) {
    ++told;
  }
  BOOST_TEST(told == 2u, ran.err);
  const auto inner = SampleStore::inner();
  BOOST_TEST(ran.out.find(inner.substr(50'000, 80'000)) != std::string::npos);
}

BOOST_DATA_TEST_CASE(an_interrupted_backup_leaves_no_snapshot, kBothWays, served) {
  SampleStore place(served);
  const TemporaryDirectory elsewhere;
  test::Console console;
  console.interrupted = true;
  const auto stopped = console.run({"backup", place.path(), elsewhere.path("b")});
  BOOST_TEST(stopped.code == 130);
  BOOST_TEST(document(run_ctl({"--json", "snapshot", "list", place.path()}))["count"] == 0);
  BOOST_TEST(run_ctl({"verify", elsewhere.path("b")}).code == 3);  // it never was one
  BOOST_TEST(run_ctl({"backup", place.path(), elsewhere.path("b")}).code == 0);
  BOOST_TEST(run_ctl({"verify", elsewhere.path("b")}).code == 0);
}

BOOST_DATA_TEST_CASE(what_a_killed_backup_left_goes_with_the_next, kBothWays, served) {
  SampleStore place(served);
  const TemporaryDirectory elsewhere;
  // No process has this number: it is above what Linux gives out.
  place.with_volume(
      [](Volume& volume) { test::unwrap(volume.create_snapshot("memoria-ctl.99999999")); });
  BOOST_TEST(run_ctl({"backup", place.path(), elsewhere.path("b")}).code == 0);
  BOOST_TEST(document(run_ctl({"--json", "snapshot", "list", place.path()}))["count"] == 0);
}

BOOST_DATA_TEST_CASE(repair_saves_what_is_intact_and_tells_the_rest, kBothWays, served) {
  SampleStore place(served);
  const TemporaryDirectory elsewhere;
  BOOST_TEST(run_ctl({"snapshot", "create", place.path(), "seal"}).code == 0);
  const auto extents =
      document(run_ctl({"--json", "locate", place.path(), "/directory/inner"}))["extents"];
  BOOST_REQUIRE(!extents.empty());
  const auto data = place.path() + "/" + extents[0]["file"].get<std::string>();
  test::flip_byte(data, extents[0]["record_offset"].get<uint64_t>() + 100'000);
  const auto before = test::read_whole_file(data);
  const auto made = elsewhere.path("new");
  const auto ran = run_ctl({"--json", "repair", place.path(), made});
  BOOST_TEST(ran.code == 6, ran.err);
  const auto json = document(ran);
  BOOST_REQUIRE(json["losses"].size() == 1u);
  const auto& loss = json["losses"][0];
  BOOST_TEST(loss["what"] == "range");
  BOOST_TEST(loss["path"] == "/directory/inner");
  const auto offset = loss["offset"].get<size_t>(), length = loss["length"].get<size_t>();
  BOOST_TEST(length == 16384u);
  auto expected = SampleStore::inner();
  expected.replace(offset, length, length, '\0');
  BOOST_TEST((run_ctl({"get", made, "/directory/inner"}).out == expected));
  BOOST_TEST(run_ctl({"get", made, "/hello"}).out == "hello, world");
  BOOST_TEST(run_ctl({"verify", made}).code == 0);
  BOOST_TEST((test::read_whole_file(data) == before));
  BOOST_TEST(document(run_ctl({"--json", "snapshot", "list", place.path()}))["count"] == 1);

  const auto refused = run_ctl({"repair", place.path(), made});
  BOOST_TEST(refused.code == 8);
  BOOST_TEST(refused.err.find("is there already") != std::string::npos, refused.err);
  const auto told = run_ctl({"repair", place.path(), elsewhere.path("other")});
  BOOST_TEST(told.out.find("/directory/inner, bytes ") != std::string::npos, told.out);
  BOOST_TEST(told.out.find(": 1 thing could not be saved as it was\n") != std::string::npos,
             told.out);
}

BOOST_DATA_TEST_CASE(repair_of_what_is_intact_is_a_copy, kBothWays, served) {
  SampleStore place(served);
  const TemporaryDirectory elsewhere;
  const auto ran = run_ctl({"repair", place.path(), elsewhere.path("new")});
  BOOST_TEST(ran.code == 0, ran.err);
  BOOST_TEST(ran.out.ends_with("everything was intact\n"), ran.out);
  // All but the time of a directory's last reading is the same.
  BOOST_TEST(run_ctl({"ls", "-l", place.path()}).out ==
             run_ctl({"ls", "-l", elsewhere.path("new")}).out);
}

BOOST_DATA_TEST_CASE(an_interrupted_repair_leaves_nothing, kBothWays, served) {
  SampleStore place(served);
  const TemporaryDirectory elsewhere;
  test::Console console;
  console.interrupted = true;
  BOOST_TEST(console.run({"repair", place.path(), elsewhere.path("new")}).code == 130);
  BOOST_TEST(files::is_empty(elsewhere.path()));
}

BOOST_AUTO_TEST_CASE(repair_of_plain_keys_leaves_out_what_is_not_whole) {
  const TemporaryDirectory data, elsewhere;
  Extent extent;
  {
    const auto store = test::open_plain_store(data.path());
    REQUIRE_OK(store->put("good", "value"));
    REQUIRE_OK(store->put("bad", std::string(5000, 'b')));
    extent = test::unwrap(store->locate("bad")).at(0);
    REQUIRE_OK(store->close());
  }
  files::path damaged;
  for (const auto& entry : files::directory_iterator(data.path())) {
    if (entry.path().extension() == ".data") damaged = entry.path();
  }
  test::flip_byte(damaged.string(), extent.record_offset + 3000);
  const auto ran = run_ctl({"--json", "repair", data.path(), elsewhere.path("new")});
  BOOST_TEST(ran.code == 6, ran.err);
  BOOST_TEST(document(ran)["losses"][0]["key"] == "bad");
  BOOST_TEST(run_ctl({"get", "--key", elsewhere.path("new"), "good"}).out == "value");
  BOOST_TEST(run_ctl({"get", "--key", elsewhere.path("new"), "bad"}).code == 5);
}

BOOST_AUTO_TEST_SUITE_END()
