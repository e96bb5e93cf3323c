// SPDX-License-Identifier: MIT
// Requests as such: what makes sense, what does not, and what comes back.
#include "fs/control/service.hpp"

#include <sys/stat.h>

#include <set>

#include "core/base/coding.hpp"
#include "tests/control/helpers.hpp"
#include "tests/support/check.hpp"

using namespace memoria;
using memoria::test::RecordingSink;
using memoria::test::TextSource;
using namespace std::string_literals;

namespace {

/// A service on an open volume.
struct Fixture {
  test::SampleStore place{true};
  ControlService service{place.volume().store(), &place.volume(), {}};
  RecordingSink sink;
  TextSource source;

  Result<Json> execute(const Json& request) { return service.execute(request, sink, source); }
  Json result(const Json& request) { return test::unwrap(execute(request)); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(service, Fixture)

BOOST_AUTO_TEST_CASE(requests_that_make_no_sense_are_refused) {
  for (const Json& request :
       {Json(), Json::array(), Json("stats"), Json::object(), Json{{"command", 7}},
        Json{{"command", "get"}}, Json{{"command", "get"}, {"path", 7}},
        Json{{"command", "get"}, {"path_hex", "0g"}}, Json{{"command", "merge"}, {"all", "yes"}},
        Json{{"command", "merge"}, {"rate", "fast"}}, Json{{"command", "merge"}, {"rate", -1}},
        Json{{"command", "merge"}, {"min_dead", 2}},
        Json{{"command", "ls"}, {"path", "/"}, {"long", 1}},
        Json{{"command", "put"}, {"path", "/x"}, {"size", -1}}}) {
    CHECK_FAILS(Errc::kInvalidArgument, execute(request));
  }
  CHECK_FAILS(Errc::kUnsupported, execute({{"command", "frobnicate"}}));
}

BOOST_AUTO_TEST_CASE(path_without_a_volume_is_told_apart_from_a_missing_file) {
  const test::TemporaryDirectory directory;
  const auto store = test::open_plain_store(directory.path());
  ControlService plain(*store, nullptr, {});
  CHECK_FAILS(Errc::kNotAStore, plain.execute({{"command", "get"}, {"path", "/x"}}, sink, source));
  CHECK_FAILS(Errc::kNotFound, plain.execute({{"command", "get"}, {"key", "x"}}, sink, source));
}

BOOST_AUTO_TEST_CASE(raw_keys_of_a_volume_can_be_read_but_not_changed) {
  CHECK_FAILS(Errc::kUnsupported, execute({{"command", "put"}, {"key", "x"}}));
  CHECK_FAILS(Errc::kUnsupported, execute({{"command", "rm"}, {"key", "S"}}));
  const auto got = result({{"command", "get"}, {"key", "S"}});
  BOOST_TEST(got["size"] == sink.received.size());
  BOOST_TEST(!sink.received.empty());
}

BOOST_AUTO_TEST_CASE(locate_names_the_record_that_holds_the_bytes) {
  const auto found = result({{"command", "locate"}, {"path", "/directory/inner"}});
  BOOST_TEST(found["size"] == 300000);
  const auto& contents = found["keys"][0];
  BOOST_TEST(contents["of"] == "contents");
  const auto inode = found["inode"].get<uint64_t>();
  BOOST_TEST(contents["key"] == "contents of inode " + std::to_string(inode));
  BOOST_TEST(contents["key_hex"].get<std::string>().size() == 18);
  BOOST_REQUIRE(!sink.items.empty());
  // The file's first bytes lie where it says, behind the record's head.
  const auto& extent = sink.items[0];
  REQUIRE_OK(place.volume().sync());
  const auto segment =
      test::read_whole_file(place.path() + "/" + extent["file"].get<std::string>());
  const auto at = extent["record_offset"].get<uint64_t>();
  const auto length = extent["record_length"].get<uint64_t>();
  BOOST_TEST((segment.substr(at, length).find(test::SampleStore::inner().substr(0, 4096)) !=
              std::string::npos));
  BOOST_TEST(load_le<uint32_t>(segment.data() + at) == length);
}

BOOST_AUTO_TEST_CASE(extents_of_one_value_cover_it_in_order) {
  const auto found = result({{"command", "locate"}, {"path", "/directory/inner"}});
  uint64_t next = 0;
  for (const auto& item : sink.items) {
    if (item["of"] != "contents") continue;
    BOOST_TEST(item["offset"] == next);
    next += item["length"].get<uint64_t>();
  }
  BOOST_TEST(next == 300000);
}

BOOST_AUTO_TEST_CASE(names_that_are_not_utf8_go_through_as_digits) {
  const std::string path = "/odd\xff";
  test::put_file(place.volume(), path, "odd");
  Json request = {{"command", "get"}, {"path_hex", "2f6f6464ff"}};
  result(request);
  BOOST_TEST(sink.received == "odd");
  result({{"command", "ls"}, {"path", "/"}});
  bool seen = false;
  for (const auto& item : sink.items) seen = seen || item.value("name_hex", "") == "6f6464ff";
  BOOST_TEST(seen);
}

BOOST_AUTO_TEST_CASE(holes_are_told_to_who_asks_for_them) {
  const auto ino = test::unwrap(place.volume().resolve("/hello")).ino;
  REQUIRE_OK(place.volume().write(ino, 1'000'000, "end", false));
  Json request = {{"command", "get"}, {"path", "/hello"}};
  result(request);
  BOOST_TEST(sink.received.size() == 1'000'003u);
  sink.received.clear();
  request["holes"] = true;
  CHECK_FAILS(Errc::kUnsupported, execute(request));
  struct Sparse : RecordingSink {
    Status hole(uint64_t length) override {
      received += "[" + std::to_string(length) + "]";
      return ok();
    }
  } sparse;
  BOOST_TEST(test::unwrap(service.execute(request, sparse, source))["size"] == 1'000'003);
  BOOST_TEST(sparse.received.starts_with("hello, world"));
  BOOST_TEST(sparse.received.ends_with("end"));
  BOOST_TEST(sparse.received.find(']') != std::string::npos);
  BOOST_TEST(sparse.received.size() < 20'000u);
}

BOOST_AUTO_TEST_CASE(cancelled_get_and_put_stop_and_change_nothing) {
  sink.stop = true;
  source.text = "new";
  CHECK_FAILS(Errc::kCancelled, execute({{"command", "get"}, {"path", "/directory/inner"}}));
  CHECK_FAILS(Errc::kCancelled, execute({{"command", "put"}, {"path", "/hello"}}));
  CHECK_FAILS(Errc::kCancelled, execute({{"command", "ls"}, {"path", "/"}}));
  BOOST_TEST(test::file_contents(place.volume(), "/hello") == "hello, world");
}

BOOST_AUTO_TEST_CASE(put_that_loses_its_source_changes_nothing) {
  struct Broken : Source {
    int pieces = 3;
    Result<size_t> read(std::span<char> out) override {
      if (pieces-- == 0) return Error(Errc::kIo, "broken");
      std::fill(out.begin(), out.end(), 'x');
      return out.size();
    }
  } broken;
  const auto files = place.volume().files();
  CHECK_FAILS(Errc::kIo, service.execute({{"command", "put"}, {"path", "/hello"}}, sink, broken));
  BOOST_TEST(test::file_contents(place.volume(), "/hello") == "hello, world");
  BOOST_TEST(place.volume().files() == files);
}

BOOST_AUTO_TEST_CASE(directory_of_many_entries_is_listed_completely) {
  constexpr int kFiles = 3000;
  for (int i = 0; i < kFiles; ++i) {
    const auto made = test::unwrap(
        place.volume().mknod(kRootInode, "many" + std::to_string(i), S_IFREG | 0644, 0, {}));
    place.volume().forget(made.ino, 1);
  }
  BOOST_TEST(result({{"command", "ls"}, {"path", "/"}, {"long", true}})["count"] == kFiles + 4);
  BOOST_TEST(sink.items.size() == size_t(kFiles + 4));
  std::set<std::string> names;
  for (const auto& item : sink.items) names.insert(item["name"]);
  BOOST_TEST(names.size() == size_t(kFiles + 4));
}

BOOST_AUTO_TEST_CASE(walks_tell_how_many_entries_they_have_seen) {
  result({{"command", "snapshot-create"}, {"name", "before"}});
  const auto seen = [&](const Json& request) {
    sink.latest = {};
    result(request);
    BOOST_TEST((sink.latest.unit == Progress::Unit::kEntries));
    BOOST_TEST(sink.latest.total >= sink.latest.done);
    return std::pair(std::string(sink.latest.phase), sink.latest.done);
  };
  const auto entries = place.volume().files() - 1;  // without the root
  BOOST_TEST((seen({{"command", "find"}, {"path", "/"}}) == std::pair("find"s, entries)));
  BOOST_TEST((seen({{"command", "count"}, {"path", "/"}}) == std::pair("count"s, entries)));
  BOOST_TEST(
      (seen({{"command", "snapshot-diff"}, {"name", "before"}}) == std::pair("diff"s, entries)));
  const auto keys = place.volume().store().count();
  BOOST_TEST((seen({{"command", "find"}, {"key", ""}}) == std::pair("find"s, keys)));
  BOOST_TEST((seen({{"command", "count"}, {"key", ""}}) == std::pair("count"s, keys)));
}

BOOST_AUTO_TEST_CASE(progress_is_called_what_was_asked_for) {
  test::put_file(place.volume(), "/large", std::string(4 << 20, 'x'));
  result({{"command", "hints-check"}});
  BOOST_TEST((sink.phases == std::set<std::string>{"hints"}));
  result({{"command", "verify"}});
  BOOST_TEST(sink.phases.contains("verify"));
}

BOOST_AUTO_TEST_CASE(statistics_add_up_over_the_segments) {
  const auto stats = result({{"command", "stats"}});
  uint64_t live = 0, dead = 0;
  for (const auto& segment : sink.items) {
    live += segment["live_bytes"].get<uint64_t>();
    dead += segment["dead_bytes"].get<uint64_t>();
  }
  BOOST_TEST(stats["live_bytes"] == live);
  BOOST_TEST(stats["dead_bytes"] == dead);
  BOOST_TEST(stats["files"] == place.volume().files());
  BOOST_TEST(stats["keys"] == place.volume().store().count());
}

BOOST_AUTO_TEST_SUITE_END()
