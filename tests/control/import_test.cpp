// SPDX-License-Identifier: MIT
// `import --from-bitcask` and `--from-memoria`, in process: into a store that is served and one
// that is not.
#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>
#include <boost/test/data/test_case.hpp>
#include <chrono>
#include <thread>

#include "core/store/store.hpp"
#include "fs/control/tree_stream.hpp"
#include "tests/control/console.hpp"
#include "tests/control/helpers.hpp"
#include "tests/support/check.hpp"
#include "tests/support/foreign_records.hpp"

using namespace memoria;
using memoria::test::bitcask_record;
using memoria::test::document;
using memoria::test::kBothWays;
using memoria::test::original_record;
using memoria::test::run_ctl;
using memoria::test::SampleStore;
using memoria::test::TemporaryDirectory;
using namespace std::string_literals;
namespace files = boost::filesystem;

namespace {

/// A Bitcask of three files with every kind of record.
struct Bitcask {
  TemporaryDirectory directory;
  std::string large = std::string(3 << 20, 'L') + "end";

  Bitcask() {
    write(1, bitcask_record("users/1", "old", 1000) + bitcask_record("users", "a file, too", 1001) +
                 bitcask_record("gone", "value"));
    write(2, bitcask_record("users/1", "new", 1'234'567'890) + bitcask_record("large", large) +
                 test::bitcask_tombstone("gone", 2) + bitcask_record("../\0\xff"s, "odd") +
                 bitcask_record("empty", ""));
    write(3, "");
    test::write_whole_file(directory.path("2.bitcask.hint"), "not a hint");
  }
  void write(int number, const std::string& bytes) const {
    test::write_whole_file(directory.path(std::to_string(number) + ".bitcask.data"), bytes);
  }
  std::string path() const { return directory.path(); }
};

uint64_t keys_in(SampleStore& place) {
  uint64_t out = 0;
  place.with_volume([&](Volume& volume) { out = volume.store().count(); });
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(import)

BOOST_DATA_TEST_CASE(a_bitcask_becomes_files, kBothWays, served) {
  SampleStore place(served);
  const Bitcask source;
  const auto ran = run_ctl({"import", "--from-bitcask", source.path(), place.path(), "/new"});
  BOOST_TEST(ran.code == 0, ran.err);
  BOOST_TEST(ran.out.starts_with("imported 5 files, 3.00 MiB, out of 8 records in 3 files\n"),
             ran.out);
  const auto get = [&](const std::string& path) {
    return run_ctl({"get", place.path(), "/new/" + path}).out;
  };
  BOOST_TEST(get("users/1") == "new");
  BOOST_TEST(get("users%=") == "a file, too");
  BOOST_TEST((get("large") == source.large));
  BOOST_TEST(get("%2E%2E/%00\xff") == "odd");
  BOOST_TEST(run_ctl({"get", place.path(), "/new/empty"}).code == 0);
  BOOST_TEST(run_ctl({"get", place.path(), "/new/gone"}).code == 5);
  place.with_volume([](Volume& volume) {
    const auto file = test::unwrap(volume.resolve("/new/users/1"));
    BOOST_TEST(file.mtime == 1'234'567'890'000'000'000);
    BOOST_TEST(file.mode == (S_IFREG | 0644));
    BOOST_TEST(test::unwrap(volume.resolve("/new")).mode == (S_IFDIR | 0755));
  });
  BOOST_TEST(run_ctl({"verify", place.path()}).code == 0);

  const auto again = run_ctl({"import", "--from-bitcask", source.path(), place.path(), "/new"});
  BOOST_TEST(again.code == 8);
  BOOST_TEST(again.err.find("not empty") != std::string::npos, again.err);
}

BOOST_DATA_TEST_CASE(the_original_engines_data_become_files, kBothWays, served) {
  SampleStore place(served);
  for (const bool big : {false, true}) {
    for (const bool castagnoli : {false, true}) {
      const TemporaryDirectory source;
      const test::OriginalStyle style{big, castagnoli, big ? 0 : 1};
      test::write_whole_file(source.path("10.data"), original_record(style, "a", "new", 50, 1) +
                                                         original_record(style, "b", "x", 60, 1));
      test::write_whole_file(source.path("20.data"), original_record(style, "a", "old", 40, 1) +
                                                         original_record(style, "b", "", 70, 2));
      const auto to = "/new"s + (big ? "1" : "0") + (castagnoli ? "1" : "0");
      const auto json = document(
          run_ctl({"--json", "import", "--from-memoria", source.path(), place.path(), to}));
      BOOST_TEST(json["clean"] == true);
      BOOST_TEST(json["files"] == 1);
      BOOST_TEST(json["erased"] == 1);
      BOOST_TEST(run_ctl({"get", place.path(), to + "/a"}).out == "new");
    }
  }
}

BOOST_DATA_TEST_CASE(damage_is_told_and_ends_with_its_code, kBothWays, served) {
  SampleStore place(served);
  const Bitcask source;
  const auto file = source.path() + "/2.bitcask.data";
  test::flip_byte(file, 20);  // in the newest version of users/1
  const auto ran =
      run_ctl({"--json", "import", "--from-bitcask", source.path(), place.path(), "/new"});
  BOOST_TEST(ran.code == 6, ran.err);
  const auto json = document(ran);
  BOOST_TEST(json["clean"] == false);
  BOOST_TEST(json["damaged"] == 1);
  BOOST_TEST(json["files"] == 5);
  const auto told = run_ctl({"import", "--from-bitcask", source.path(), place.path(), "/told"});
  BOOST_TEST(told.code == 6);
  BOOST_TEST(told.out.find("2.bitcask.data, bytes 0 to 23") != std::string::npos, told.out);
  test::flip_byte(file, 20);
  test::flip_byte(file, 23);  // in its value
  BOOST_TEST(run_ctl({"import", "--from-bitcask", source.path(), place.path(), "/b"}).code == 6);
  BOOST_TEST(run_ctl({"get", place.path(), "/b/users/1"}).code == 5);
  BOOST_TEST(
      run_ctl({"import", "--keep-older", "--from-bitcask", source.path(), place.path(), "/c"})
          .code == 6);
  BOOST_TEST(run_ctl({"get", place.path(), "/c/users/1"}).out == "old");
}

BOOST_DATA_TEST_CASE(what_it_cannot_read_changes_nothing, kBothWays, served) {
  SampleStore place(served);
  const auto before = keys_in(place);
  const auto code = [&](const std::string& source) {
    return run_ctl({"import", "--from-bitcask", source, place.path(), "/new"}).code;
  };
  const TemporaryDirectory elsewhere;
  BOOST_TEST(code(elsewhere.path("nothing")) == 2);
  BOOST_TEST(code(elsewhere.path()) == 5);
  const Bitcask source;
  files::create_symlink("/etc/passwd", source.path() + "/4.bitcask.data");
  BOOST_TEST(code(source.path()) == 2);
  files::remove(source.path() + "/4.bitcask.data");
  BOOST_TEST(run_ctl({"import", "--from-bitcask", source.path(), place.path(), "/none/new"}).code ==
             5);
  // A Memoria's own data are not the original engine's.
  const SampleStore other(false);
  BOOST_TEST(run_ctl({"import", "--from-memoria", other.path(), place.path(), "/new"}).code == 2);
  BOOST_TEST(keys_in(place) == before);
  BOOST_TEST(run_ctl({"ls", place.path(), "/new"}).code == 5);
}

BOOST_DATA_TEST_CASE(an_interrupted_import_leaves_nothing, kBothWays, served) {
  SampleStore place(served);
  const auto before = keys_in(place);
  const Bitcask source;
  int moments = 0;
  for (;; ++moments) {
    test::Console console;
    console.interrupted_at = moments + 1;
    const auto ran = console.run({"import", "--from-bitcask", source.path(), place.path(), "/new"});
    if (ran.code == 0) break;
    BOOST_REQUIRE_MESSAGE(ran.code == 130, ran.err);
    // A daemon hears of it when the connection ends.
    for (int i = 0; i < 500 && keys_in(place) != before; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    BOOST_REQUIRE_EQUAL(keys_in(place), before);
  }
  BOOST_TEST(moments > 10);
  BOOST_TEST(run_ctl({"get", place.path(), "/new/users/1"}).out == "new");
}

BOOST_AUTO_TEST_CASE(the_end_of_a_tree_counts_when_its_source_has_ended) {
  struct GivesUp : Source {
    Result<size_t> read(std::span<char> out) override {
      if (text.empty()) return Error(Errc::kCancelled);
      const size_t n = text.copy(out.data(), out.size());
      text.erase(0, n);
      return n;
    }
    std::string text = encode_tree_end();
  } source;
  CHECK_FAILS(Errc::kCancelled, TreeReader(source).next());
  test::TextSource whole(encode_tree_end()), more(encode_tree_end() + "x");
  BOOST_TEST(!test::unwrap(TreeReader(whole).next()).has_value());
  CHECK_FAILS(Errc::kInvalidArgument, TreeReader(more).next());
}

BOOST_AUTO_TEST_CASE(a_whole_volume_is_made_of_one) {
  const TemporaryDirectory data;
  REQUIRE_OK(test::open_volume(data.path())->close());
  const Bitcask source;
  BOOST_TEST(run_ctl({"import", "--from-bitcask", source.path(), data.path()}).code == 0);
  BOOST_TEST(run_ctl({"get", data.path(), "/users/1"}).out == "new");
  BOOST_TEST(run_ctl({"import", "--from-bitcask", source.path(), data.path()}).code == 8);
}

BOOST_AUTO_TEST_CASE(what_is_older_than_expiry_is_left_out) {
  SampleStore place(false);
  const Bitcask source;
  const auto json = document(run_ctl({"--json", "import", "--from-bitcask", source.path(),
                                      "--expiry-secs", "1000000000", place.path(), "/new"}));
  BOOST_TEST(json["expired"] == 4);
  BOOST_TEST(json["files"] == 1);
}

BOOST_DATA_TEST_CASE(a_place_that_cannot_be_is_named, kBothWays, served) {
  SampleStore place(served);
  const Bitcask bitcask;
  const std::string source = bitcask.path();
  const auto refused = [&](const std::string& path) {
    const auto ran = run_ctl({"--json", "import", "--from-bitcask", source, place.path(), path});
    const auto message = document(ran)["error"]["message"].get<std::string>();
    BOOST_TEST(ran.err == "memoria-ctl: import: " + message + "\n");
    return std::to_string(ran.code) + " " + message;
  };
  BOOST_TEST(refused("/directory/b/c").starts_with("5 there is no directory /directory/b in the "));
  BOOST_TEST(refused("/b/c/d").starts_with("5 there is no directory /b in the volume " +
                                           place.path() + ": name one to make below a"));
  BOOST_TEST(refused("/hello/c/d").starts_with("5 /hello is not a directory"));
  BOOST_TEST(refused("/hello").starts_with("5 /hello is not a directory"));
  BOOST_TEST(refused("/directory").starts_with("8 /directory is not empty: name a new"));
  BOOST_TEST(refused("/").starts_with("8 / is not empty: name a new"));
}

BOOST_DATA_TEST_CASE(a_store_of_memoria_itself_is_known_at_once, kBothWays, served) {
  SampleStore place(served);
  const SampleStore other(false);
  for (const std::string engine : {"--from-memoria", "--from-bitcask"}) {
    const auto ran =
        run_ctl({"import", "--json", "--progress", engine, other.path(), place.path(), "/new"});
    BOOST_TEST(ran.code == 2);
    const auto message = document(ran)["error"]["message"].get<std::string>();
    BOOST_TEST(message.starts_with(other.path() + " is a store of Memoria itself"), message);
    BOOST_TEST(message.find("export " + other.path()) != std::string::npos, message);
    BOOST_TEST(ran.err == "memoria-ctl: import: " + message + "\n");  // and no progress
    const TemporaryDirectory elsewhere;
    BOOST_TEST(run_ctl({"import", engine, other.path(), elsewhere.path("new")}).code == 2);
    BOOST_TEST(!files::exists(elsewhere.path("new")));
  }
}

BOOST_AUTO_TEST_CASE(options_that_contradict_each_other_are_wrong_use) {
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"--from-bitcask", "x", "--from-memoria", "y"},
        {"--from-bitcask", "x", "-i", "y"},
        {"--from-memoria", "x", "--expiry-secs", "5"},
        {"--from-bitcask", "x", "--expiry-secs", "0"},
        {"--keep-older"}}) {
    std::vector<std::string> line{"import", "target"};
    line.insert(line.end(), options.begin(), options.end());
    BOOST_TEST(run_ctl(line).code == 2);
  }
}

BOOST_AUTO_TEST_SUITE_END()
