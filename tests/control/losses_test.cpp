// SPDX-License-Identifier: MIT
// What commands say of a store that lost a segment, or hints.
#include <boost/filesystem/operations.hpp>
#include <boost/test/data/test_case.hpp>

#include "tests/control/helpers.hpp"
#include "tests/support/check.hpp"
#include "tools/run.hpp"

using namespace memoria;
using memoria::test::document;
using memoria::test::kBothWays;
using memoria::test::run_ctl;
using memoria::test::SampleStore;
namespace files = boost::filesystem;

namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::string> paths_in(const std::string& directory, const std::string& suffix) {
  std::vector<std::string> paths;
  for (const auto& entry : files::directory_iterator(directory)) {
    if (entry.path().string().ends_with(suffix)) paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// A store of `segments` segments, closed.
struct SegmentedStore : SampleStore {
  explicit SegmentedStore(size_t segments) : SampleStore(false) {
    while (paths_in(path(), ".data").size() < segments) {
      with_volume([](Volume& volume) { test::put_file(volume, "/new", std::string(5000, 'n')); });
    }
  }
};

/// One of four segments is missing; its hint is there.
class Lacking {
 public:
  explicit Lacking(bool served) : place_(4) {
    lost_ = paths_in(path(), ".data").front();
    files::remove(lost_);
    if (!served) return;
    volume_ = test::open_volume(path());
    server_ = test::unwrap(ControlServer::start(*volume_, path() + "/control", {}));
  }
  const std::string& path() const { return place_.path(); }
  std::string lost() const { return files::path(lost_).filename().string(); }

 private:
  SegmentedStore place_;
  std::string lost_;
  std::unique_ptr<Volume> volume_;
  std::unique_ptr<ControlServer> server_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(losses)

BOOST_DATA_TEST_CASE(stats_tell_of_a_missing_segment, kBothWays, served) {
  const Lacking place(served);
  BOOST_TEST(has(run_ctl({"stats", place.path()}).out, "of 4 segments 1 missing: run"));
  BOOST_TEST(has(run_ctl({"stats", "--segments", place.path()}).out, "missing\n"));
  const auto json = document(run_ctl({"stats", "--json", place.path()}));
  BOOST_TEST(json["missing_segments"] == 1);
  BOOST_TEST(json["damaged_segments"] == 0);
  BOOST_TEST(json["segments"][0]["missing"] == true);
  BOOST_TEST(json["segments"][1]["missing"] == false);
  const auto samples = run_ctl({"stats", "--prometheus", place.path()}).out;
  BOOST_TEST(has(samples, "memoria_missing_segments{"), samples);
  BOOST_TEST(has(samples, "memoria_damaged_segments{"), samples);
  // The file that is not there takes no space.
  uint64_t on_disk = 0;
  for (const auto& path : paths_in(place.path(), ".data")) on_disk += files::file_size(path);
  if (served) BOOST_TEST(json["disk_bytes"] == on_disk);
}

BOOST_DATA_TEST_CASE(map_shows_what_is_missing, kBothWays, served) {
  const Lacking place(served);
  const auto map = run_ctl({"map", place.path()}).out;
  const auto line = map.substr(0, map.find('\n'));
  BOOST_TEST(line.starts_with(place.lost().substr(0, 19)), line);
  BOOST_TEST(line.ends_with("missing"), line);
  BOOST_TEST(!has(line, "#"), line);
}

BOOST_DATA_TEST_CASE(hints_of_a_store_that_lacks_a_segment_are_not_all_good, kBothWays, served) {
  const Lacking place(served);
  const auto checked = run_ctl({"hints", "check", place.path()});
  BOOST_TEST(checked.code == 6);
  BOOST_TEST(has(checked.out, "1 segment is missing or damaged"), checked.out);
  BOOST_TEST(document(run_ctl({"hints", "check", "--json", place.path()}))["damaged"] == 1);
  const auto rebuilt = run_ctl({"hints", "rebuild", place.path()});
  BOOST_TEST(rebuilt.code == 6);
  BOOST_TEST(has(rebuilt.out, "1 segment is missing or damaged"), rebuilt.out);
}

BOOST_DATA_TEST_CASE(merge_tells_what_it_leaves_because_of_damage, kBothWays, served) {
  const Lacking place(served);
  for (const auto& arguments :
       {std::vector<std::string>{"merge", "--all", "--dry-run"}, {"merge", "--all"}, {"merge"}}) {
    auto words = arguments;
    words.push_back(place.path());
    const auto merged = run_ctl(words);
    BOOST_TEST(merged.code == 6);
    BOOST_TEST(has(merged.out, "1 segment is missing or damaged"), merged.out);
  }
  const auto json = document(run_ctl({"merge", "--json", place.path()}));
  BOOST_REQUIRE(json["damaged"].size() == 1);
  BOOST_TEST(json["damaged"][0].get<std::string>() + ".data" == place.lost());
  BOOST_TEST(json["clean"] == false);
}

BOOST_AUTO_TEST_CASE(a_sound_store_has_no_damage_to_tell) {
  const SegmentedStore place(2);
  const auto json = document(run_ctl({"stats", "--json", place.path()}));
  BOOST_TEST(json["missing_segments"] == 0);
  BOOST_TEST(!has(run_ctl({"stats", place.path()}).out, "missing"));
  const auto merged = document(run_ctl({"merge", "--all", "--json", place.path()}));
  BOOST_TEST(merged["clean"] == true);
  BOOST_TEST(merged["damaged"].empty());
}

BOOST_AUTO_TEST_CASE(of_many_missing_segments_the_first_few_are_named) {
  const SegmentedStore place(9);
  const auto segments = paths_in(place.path(), ".data");
  for (size_t i = 0; i < 8; ++i) files::remove(segments[i]);
  // With their hints it opens.
  const auto warned = run_ctl({"stats", place.path()}).err;
  BOOST_TEST(has(warned, "and 5 others are missing"), warned);
  BOOST_TEST(std::count(warned.begin(), warned.end(), '\n') == 1, warned);
  for (const auto& hint : paths_in(place.path(), ".hint")) files::remove(hint);
  const auto refused = run_ctl({"stats", place.path()});
  BOOST_TEST(refused.code == 6);
  BOOST_TEST(has(refused.err, files::path(segments[0]).filename().string()), refused.err);
  BOOST_TEST(has(refused.err, "and 5 others are missing"), refused.err);
  BOOST_TEST(!has(refused.err, files::path(segments[7]).filename().string()), refused.err);
}

BOOST_AUTO_TEST_CASE(of_a_store_without_segments_is_said_what_is_wrong) {
  const SampleStore place(false);
  for (const auto& segment : paths_in(place.path(), ".data")) files::remove(segment);
  const test::TemporaryDirectory other;
  for (const auto& arguments : {std::vector<std::string>{"stats", place.path()},
                                {"repair", place.path(), other.path("new")}}) {
    const auto ran = run_ctl(arguments);
    BOOST_TEST(ran.code == 6);
    BOOST_TEST(has(ran.err, "missing"), ran.err);
    BOOST_TEST(has(ran.err, "nothing can be saved"), ran.err);
    BOOST_TEST(!has(ran.err, "name an empty directory"), ran.err);
  }
  BOOST_TEST(run_ctl({"repair", other.path(), other.path("new")}).code == 3);  // no store at all
}

BOOST_AUTO_TEST_CASE(a_damaged_hint_that_opening_replaces_is_told_once_and_the_same_way) {
  for (const char* command : {"check", "verify"}) {
    const SegmentedStore place(3);
    const auto hint = paths_in(place.path(), ".hint").front();
    test::write_whole_file(hint, "no hint");
    const std::vector<std::string> check = {"hints", "check", place.path()};
    const std::vector<std::string> verify = {"verify", place.path()};
    const bool checks = command == std::string("check");
    const auto found = run_ctl(checks ? check : verify);
    BOOST_TEST(found.code == 6);
    BOOST_TEST(has(found.err, "written anew"), found.err);
    if (checks) {
      BOOST_TEST(has(found.out, "0 without a hint, 1 with a damaged one"), found.out);
      BOOST_TEST(has(found.out, "written anew"), found.out);
      BOOST_TEST(!has(found.out, "hints rebuild"), found.out);
    } else {
      BOOST_TEST(has(found.out, "1 damaged hint\n"), found.out);
    }
    BOOST_TEST(run_ctl(check).code == 0);
    BOOST_TEST(run_ctl(verify).code == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_hint_that_is_missing_is_told_although_opening_writes_it) {
  const SegmentedStore place(3);
  files::remove(paths_in(place.path(), ".hint").front());
  const auto found = run_ctl({"hints", "check", place.path()});
  BOOST_TEST(found.code == 6);
  BOOST_TEST(has(found.out, "1 without a hint, 0 with a damaged one"), found.out);
  BOOST_TEST(run_ctl({"hints", "check", place.path()}).code == 0);
}

BOOST_AUTO_TEST_CASE(a_hint_that_is_damaged_while_it_is_mounted_is_to_be_rebuilt) {
  SampleStore place(true);
  BOOST_TEST(run_ctl({"merge", "--all", place.path()}).code == 0);
  test::write_whole_file(paths_in(place.path(), ".hint").front(), "no hint");
  const auto found = run_ctl({"hints", "check", place.path()});
  BOOST_TEST(found.code == 6);
  BOOST_TEST(has(found.out, "1 with a damaged one: run memoria-ctl hints rebuild"), found.out);
  BOOST_TEST(run_ctl({"hints", "rebuild", place.path()}).out.starts_with("1 hint written"));
  BOOST_TEST(run_ctl({"hints", "check", place.path()}).code == 0);
}

BOOST_AUTO_TEST_SUITE_END()
