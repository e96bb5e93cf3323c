// SPDX-License-Identifier: MIT
// The commands that show what is inside: `stats --watch` and `--prometheus`, `map`, `find`,
// `count`, `dump`, `scrub`, and `config`; each on a store that is served and on one that is not.
#include <algorithm>
#include <boost/filesystem/operations.hpp>
#include <boost/test/data/test_case.hpp>
#include <map>
#include <set>
#include <sstream>

#include "tests/control/helpers.hpp"
#include "tests/support/check.hpp"

using namespace memoria;
using memoria::test::document;
using memoria::test::kBothWays;
using memoria::test::run_ctl;
using memoria::test::SampleStore;
namespace files = boost::filesystem;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

/// The segment that holds a file's first bytes, and where they lie.
Json first_extent(const SampleStore& place, const std::string& path) {
  return document(run_ctl({"locate", "--json", place.path(), path}))["extents"][0];
}

}  // namespace

BOOST_AUTO_TEST_SUITE(inspection)

/// Every sample belongs to a family that was announced, counters end with _total, and no line is
/// there twice.
BOOST_DATA_TEST_CASE(prometheus_text_is_what_the_format_wants, kBothWays, served) {
  const SampleStore place(served);
  const auto ran = run_ctl({"stats", "--prometheus", place.path()});
  BOOST_TEST(ran.code == 0);
  std::map<std::string, std::string> types;
  std::set<std::string> seen;
  for (const auto& line : lines(ran.out)) {
    BOOST_TEST(seen.insert(line).second, line);
    if (line.starts_with("# TYPE ")) {
      const auto name = line.substr(7, line.find(' ', 7) - 7);
      types[name] = line.substr(8 + name.size());
      BOOST_TEST((types[name] == "counter") == name.ends_with("_total"), name);
    } else if (!line.starts_with("# HELP ")) {
      auto name = line.substr(0, line.find('{'));
      for (const std::string suffix : {"_sum", "_count"}) {
        if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
      }
      BOOST_TEST(types.contains(name), line);
      BOOST_TEST(contains(line, "store=\""), line);
      BOOST_TEST(!line.substr(line.rfind(' ') + 1).empty());
    }
  }
  for (const char* name :
       {"memoria_dead_bytes", "memoria_sync_requests_total", "memoria_merges_total"}) {
    BOOST_TEST(types.contains(name), name);
  }
  BOOST_TEST(contains(ran.out, "memoria_files{store=\"" + files::canonical(place.path()).string() +
                                   "\"} 6\n"),
             ran.out);
  BOOST_TEST(contains(ran.out, "memoria_sync_duration_seconds{store="));
  BOOST_TEST(run_ctl({"stats", "--prometheus", "--segments", place.path()}).code == 2);
  BOOST_TEST(run_ctl({"stats", "--prometheus", "--json", place.path()}).code == 2);
}

BOOST_DATA_TEST_CASE(watch_goes_on_until_it_is_interrupted, kBothWays, served) {
  const SampleStore place(served);
  int rounds = 0;
  test::Console console;
  console.on_out = [&](std::string_view) { console.interrupted = ++rounds == 3; };
  const auto ran = console.run({"stats", "--watch", "0.1", place.path()});
  BOOST_TEST(ran.code == 130);
  BOOST_TEST(rounds == 3);
  BOOST_TEST(ran.err == "");
  BOOST_TEST(run_ctl({"stats", "--watch", "0", place.path()}).code == 2);
}

BOOST_DATA_TEST_CASE(watching_as_json_is_a_document_on_each_line, kBothWays, served) {
  const SampleStore place(served);
  std::string out;
  test::Console console;
  console.on_out = [&](std::string_view text) {
    out += text;
    console.interrupted = std::count(out.begin(), out.end(), '\n') == 2;
  };
  const auto ran = console.run({"stats", "--json", "--watch", "0.1", place.path()});
  BOOST_TEST(ran.code == 130);
  const auto samples = lines(ran.out);
  BOOST_REQUIRE(samples.size() == 2u);
  for (const auto& sample : samples) {
    BOOST_REQUIRE_MESSAGE(Json::accept(sample), sample);
    BOOST_TEST(!Json::parse(sample)["segments"].empty());
  }
}

BOOST_DATA_TEST_CASE(statistics_and_a_dry_run_agree_on_what_a_merge_frees, kBothWays, served) {
  SampleStore place(served);
  const auto check = [&] {
    const auto merge = document(run_ctl({"stats", "--json", place.path()}))["merge"];
    const auto planned = document(run_ctl({"merge", "--dry-run", "--json", place.path()}));
    const auto all = document(run_ctl({"merge", "--all", "--dry-run", "--json", place.path()}));
    BOOST_TEST(merge["would_free_bytes"] == planned["bytes_freed"]);
    BOOST_TEST(merge["would_free_bytes_all"] == all["bytes_freed"]);
    return std::pair(planned["bytes_freed"].get<uint64_t>(), all["bytes_freed"].get<uint64_t>());
  };
  // Segments that are little dead, but small, and in time many.
  for (int i = 0; i < 10; ++i) {
    check();
    const auto file = "/file" + std::to_string(i);
    for (const auto* contents : {"a", "b"}) {
      BOOST_TEST(run_ctl({"put", place.path(), file}, contents + SampleStore::inner()).code == 0);
    }
    BOOST_TEST(run_ctl({"put", place.path(), file + "+"}, SampleStore::inner()).code == 0);
    BOOST_TEST(run_ctl({"snapshot", "create", place.path(), std::to_string(i)}).code == 0);
  }
  BOOST_TEST(check().first == 0u);  // the snapshots keep it
  for (int i = 0; i < 10; ++i) {
    BOOST_TEST(run_ctl({"snapshot", "delete", place.path(), std::to_string(i)}).code == 0);
  }
  BOOST_TEST(check().first > 0u);
  BOOST_TEST(run_ctl({"put", place.path(), "/file0"}, "new").code == 0);
  const auto all = check().second;
  const auto merged = document(run_ctl({"merge", "--all", "--json", place.path()}));
  BOOST_TEST(merged["inputs"].size() > 8u);
  BOOST_TEST(all > 10 * 300'000u);  // with what only the active segment has
  check();
}

BOOST_AUTO_TEST_CASE(statistics_tell_that_a_manifest_was_lost) {
  const SampleStore place(false);
  BOOST_TEST(document(run_ctl({"stats", "--json", place.path()}))["unsure_until"].is_null());
  BOOST_TEST(!contains(run_ctl({"stats", place.path()}).out, "in doubt"));
  files::remove(files::path(place.path()) / "manifest");
  BOOST_TEST(run_ctl({"put", place.path(), "/hello"}, "again").code == 0);
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(document(run_ctl({"stats", "--json", place.path()}))["unsure_until"].is_string());
    BOOST_TEST(contains(run_ctl({"stats", place.path()}).out, "in doubt"));
  }
}

BOOST_DATA_TEST_CASE(map_draws_a_line_for_each_segment, kBothWays, served) {
  const SampleStore place(served);
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(run_ctl({"put", place.path(), "/hello"}, SampleStore::inner()).code == 0);
  }
  const auto json = document(run_ctl({"map", "--json", place.path()}));
  const auto ran = run_ctl({"map", place.path()});
  BOOST_TEST(ran.code == 0);
  BOOST_TEST(lines(ran.out).size() == json["segments"].size() + 1);
  BOOST_TEST(contains(ran.out, "#"));
  BOOST_TEST(contains(ran.out, "."));
  BOOST_TEST(!contains(ran.out, "\x1b"));
  for (const auto& segment : json["segments"]) {
    BOOST_TEST(contains(ran.out, segment["segment"].get<std::string>()));
    BOOST_TEST(segment["merging"] == false);
  }
  test::Console terminal;
  terminal.out_is_terminal = true;
  BOOST_TEST(contains(terminal.run({"map", place.path()}).out, "\x1b[32m"));
}

BOOST_DATA_TEST_CASE(find_and_count_go_by_the_beginning_of_paths, kBothWays, served) {
  const SampleStore place(served);
  const auto out = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin() + 1, place.path());
    const auto ran = run_ctl(arguments);
    BOOST_TEST(ran.code == 0);
    return ran.out;
  };
  BOOST_TEST(out({"find"}) == "/\n/directory/\n/directory/inner\n/empty\n/hello\n/link\n");
  BOOST_TEST(out({"find", "/"}) == out({"find"}));
  BOOST_TEST(out({"find", "/d"}) == "/directory/\n/directory/inner\n");
  BOOST_TEST(out({"find", "/directory/"}) == "/directory/inner\n");
  BOOST_TEST(out({"find", "/directory/in"}) == "/directory/inner\n");
  BOOST_TEST(out({"find", "/x"}) == "");
  BOOST_TEST(out({"count"}) == "6\n");
  BOOST_TEST(out({"count", "/d"}) == "2\n");
  const auto json = document(run_ctl({"count", "--json", place.path()}));
  BOOST_TEST(json["files"] == 3);
  BOOST_TEST(json["directories"] == 2);
  BOOST_TEST(json["others"] == 1);
  BOOST_TEST(json["bytes"] == 300012);
  const auto found = document(run_ctl({"find", "--json", place.path(), "/h"}));
  BOOST_REQUIRE(found["entries"].size() == 1u);
  BOOST_TEST(found["entries"][0]["path"] == "/hello");
  BOOST_TEST(found["entries"][0]["size"] == 12);
  BOOST_TEST(run_ctl({"find", place.path(), "/no/such"}).code == 5);
  // Names, and not what they are for.
  const auto keys = document(run_ctl({"stats", "--json", place.path()}))["keys"];
  BOOST_TEST(out({"count", "--key"}) == keys.dump() + "\n");
  BOOST_TEST(out({"count", "--key", "I"}) == "6\n");
  BOOST_TEST(lines(out({"find", "--key", "I"})).size() == 6u);
}

BOOST_DATA_TEST_CASE(dump_shows_the_records_of_a_segment, kBothWays, served) {
  const SampleStore place(served);
  BOOST_TEST(run_ctl({"put", place.path(), "/hello"}, "again").code == 0);
  const auto at = first_extent(place, "/directory/inner");
  const auto segment = at["segment"].get<std::string>();
  const auto json = document(run_ctl({"dump", "--json", place.path(), segment}));
  BOOST_TEST(json["clean"] == true);
  BOOST_TEST(json["records"].size() > 5u);
  bool found = false, dead = false;
  for (const auto& record : json["records"]) {
    BOOST_TEST(record["checksum"] == "ok");
    dead = dead || record["live"] == false;
    if (record["offset"] != at["record_offset"]) continue;
    found = true;
    BOOST_TEST(record["length"] == at["record_length"]);
    BOOST_TEST(contains(record["key"], "contents of inode"));
    BOOST_TEST(record["live"] == true);
  }
  BOOST_TEST(found);
  BOOST_TEST(dead);
  const auto human = run_ctl({"dump", place.path(), segment + ".data"});
  BOOST_TEST(human.code == 0);
  BOOST_TEST(contains(human.out, "all intact"));
  BOOST_TEST(run_ctl({"dump", place.path(), "1234567890123456789"}).code == 5);
  BOOST_TEST(run_ctl({"dump", place.path(), "nonsense"}).code == 2);
}

BOOST_AUTO_TEST_CASE(damage_shows_in_dump_and_scrub) {
  const SampleStore place(false);
  const auto at = first_extent(place, "/directory/inner");
  const auto offset = at["record_offset"].get<uint64_t>() + at["record_length"].get<uint64_t>();
  test::flip_byte(place.path() + "/" + at["file"].get<std::string>(), offset - 10);
  const auto dumped = run_ctl({"dump", "--json", place.path(), at["segment"].get<std::string>()});
  BOOST_TEST(dumped.code == 6);
  bool bad = false;
  const auto json = document(dumped);
  BOOST_TEST(json["damages"].empty());  // the record is told already
  for (const auto& record : json["records"]) {
    bad = bad || (record["checksum"] == "bad value" && record["offset"] == at["record_offset"]);
  }
  BOOST_TEST(bad);
  const auto scrubbed = run_ctl({"scrub", place.path()});
  BOOST_TEST(scrubbed.code == 6);
  BOOST_TEST(contains(scrubbed.out, "/directory/inner"));
}

BOOST_DATA_TEST_CASE(scrub_checks_everything_and_can_be_interrupted, kBothWays, served) {
  const SampleStore place(served);
  const auto ran = run_ctl({"scrub", place.path()});
  BOOST_TEST(ran.code == 0);
  BOOST_TEST(contains(ran.out, "all intact"));
  BOOST_TEST(document(run_ctl({"scrub", "--json", "--rate", "100", place.path()}))["clean"] ==
             true);
  test::Console console;
  console.interrupted = true;
  BOOST_TEST(console.run({"scrub", place.path()}).code == 130);
  BOOST_TEST(run_ctl({"scrub", "--rate", "0", place.path()}).code == 2);
  BOOST_TEST(run_ctl({"verify", place.path()}).code == 0);
}

BOOST_AUTO_TEST_CASE(config_changes_a_store_that_is_mounted) {
  SampleStore place(true);
  const auto ran = run_ctl({"config", "set", place.path(), "merge_rate", "10M"});
  BOOST_TEST(ran.code == 0);
  BOOST_TEST(ran.out == "merge_rate: 10M (was 0)\n");
  BOOST_TEST(run_ctl({"config", "set", place.path(), "merge_hours", "22-6"}).code == 0);
  BOOST_TEST(run_ctl({"config", "set", place.path(), "file_cache", "7"}).code == 0);
  BOOST_TEST(run_ctl({"config", "set", place.path(), "sync_interval", "0.5"}).code == 0);
  const auto settings = place.volume().store().settings();
  BOOST_TEST(settings.merge.rate_bytes_per_second == 10u << 20);
  BOOST_TEST(settings.merge.from_hour == 22);
  BOOST_TEST(settings.merge.until_hour == 6);
  BOOST_TEST(settings.file_cache.max_size == 7u);
  BOOST_TEST(settings.sync_interval.count() == 500);
  const auto shown = document(run_ctl({"config", "show", "--json", place.path()}));
  for (const auto& setting : shown["settings"]) {
    if (setting["setting"] == "merge_rate") BOOST_TEST(setting["value"] == "10M");
  }
  BOOST_TEST(contains(run_ctl({"config", "show", place.path()}).out, "22-6"));
}

BOOST_DATA_TEST_CASE(config_saves_for_the_next_time, kBothWays, served) {
  SampleStore place(served);
  const auto file = place.path() + "/memoria.toml";
  const auto set = [&](const std::string& key, const std::string& value) {
    const auto ran = run_ctl({"config", "set", place.path(), key, value, "--save"});
    BOOST_TEST(ran.code == 0, ran.err);
    return ran.out;
  };
  test::write_whole_file(file, "# mine\n");
  const auto was = served ? std::string(" (was 0)") : std::string();
  BOOST_TEST(set("merge_rate", "10240K") == "merge_rate: 10M" + was + ", saved in " + file + "\n");
  const auto later =
      served ? std::string("; it counts from the next mount on, and until then 64M") : "";
  BOOST_TEST(set("segment_size", "16M") == "segment_size: 16M, saved in " + file + later + "\n");
  BOOST_TEST(test::read_whole_file(file) ==
             "# mine\nmerge_rate = \"10M\"\nsegment_size = \"16M\"\n");
  const auto shown = document(run_ctl({"config", "show", "--json", place.path()}));
  BOOST_TEST(!shown.contains("problem"));
  for (const auto& setting : shown["settings"]) {
    if (setting["setting"] == "merge_rate") {
      BOOST_TEST(setting["value"] == "10M");
      BOOST_TEST(setting["saved"] == "10M");
    } else if (setting["setting"] == "segment_size") {
      BOOST_TEST(setting["value"] == (served ? "64M" : "16M"));
      BOOST_TEST(setting["saved"] == "16M");
    } else if (setting["setting"] == "file_cache") {
      BOOST_TEST(setting["saved"].is_null());
    }
  }
  // A file of the programs' own is no damage, and says nothing about what a directory holds.
  BOOST_TEST(run_ctl({"verify", place.path()}).code == 0);
}

BOOST_DATA_TEST_CASE(config_saves_nothing_wrong, kBothWays, served) {
  const SampleStore place(served);
  const auto file = place.path() + "/memoria.toml";
  const auto refused = [&](const std::string& key, const std::string& value) {
    const auto ran = run_ctl({"config", "set", place.path(), key, value, "--save"});
    BOOST_TEST(ran.code == 2);
    return ran.err;
  };
  BOOST_TEST(refused("segment_size", "8G") ==
             "memoria-ctl: config set: segment_size=8G: the value of 'segment_size' must be 1M to "
             "4095M, written as a whole number, with K, M, G or T for powers of 1024\n");
  BOOST_TEST(contains(refused("merge_ratte", "5"), "no setting 'merge_ratte'"));
  BOOST_TEST(!boost::filesystem::exists(file));
  test::write_whole_file(file, "sync = 5\n");
  BOOST_TEST(contains(refused("file_cache", "10"), "memoria.toml, line 1: sync = 5: the value of"));
  BOOST_TEST(test::read_whole_file(file) == "sync = 5\n");
  const auto shown = run_ctl({"config", "show", place.path()});
  BOOST_TEST(shown.code == 0);
  BOOST_TEST(contains(shown.out, "cannot be mounted until"));
  BOOST_TEST(contains(shown.out, "memoria.toml, line 1"));
}

BOOST_AUTO_TEST_CASE(settings_that_are_saved_count_for_commands_on_an_unmounted_store) {
  SampleStore place(false);
  const auto save = [&](const std::string& key, const std::string& value) {
    BOOST_TEST(run_ctl({"config", "set", place.path(), key, value, "--save"}).code == 0);
  };
  const auto segments = [&] {
    return document(run_ctl({"stats", "--json", place.path()}))["segments"].size();
  };
  const auto before = segments();
  save("segment_size", "1M");
  BOOST_TEST(run_ctl({"put", place.path(), "/hello"}, std::string(5'000'000, 'x')).code == 0);
  BOOST_TEST(segments() >= before + 4);

  // One segment, half of which then is dead.
  place.with_volume([](Volume& volume) {
    test::put_file(volume, "/a", std::string(100'000, 'a'));
    test::put_file(volume, "/b", std::string(100'000, 'b'));
  });
  BOOST_TEST(run_ctl({"put", place.path(), "/a"}, "short").code == 0);
  const auto planned = [&] {
    const auto ran = run_ctl({"merge", "--dry-run", "--json", place.path()});
    return document(ran)["inputs"].size();
  };
  const auto by_default = planned();
  save("fragmentation_threshold", "0.4");
  BOOST_TEST(planned() > by_default);

  // A file with a fault does not stand between a user and the data.
  test::write_whole_file(place.path() + "/memoria.toml", "sync = 5\n");
  const auto ran = run_ctl({"ls", place.path()});
  BOOST_TEST(ran.code == 0);
  BOOST_TEST(contains(ran.err, "memoria.toml, line 1: sync = 5"));
}

BOOST_AUTO_TEST_CASE(settings_of_a_snapshot_are_not_saved) {
  const SampleStore place(false);
  BOOST_TEST(run_ctl({"snapshot", "create", place.path(), "then"}).code == 0);
  const auto ran =
      run_ctl({"config", "set", place.path() + "/snapshots/then", "file_cache", "10", "--save"});
  BOOST_TEST(ran.code == 8);
  BOOST_TEST(contains(ran.err, "is only read"));
}

BOOST_DATA_TEST_CASE(config_refuses_what_makes_no_sense, kBothWays, served) {
  const SampleStore place(served);
  const auto refused = [&](const std::string& key, const std::string& value) {
    const auto ran = run_ctl({"config", "set", place.path(), key, value});
    BOOST_TEST(ran.code == 2);
    return ran.err;
  };
  BOOST_TEST(
      refused("fragmentation_threshold", "2") ==
      "memoria-ctl: config set: fragmentation_threshold=2: the value of "
      "'fragmentation_threshold' must be 0.01 to 1, written as a number without a unit, as 0.5\n");
  // In the range, and yet not as it is written.
  for (const char* rate : {"1.5M", "10MB", "10MiB"}) {
    BOOST_TEST(contains(refused("merge_rate", rate), "a whole number, with K, M, G or T"));
  }
  BOOST_TEST(contains(refused("file_cache", "1.5"), "a whole number"));
  BOOST_TEST(contains(refused("sync_interval", "5s"), "without a unit"));
  BOOST_TEST(contains(refused("merge_hours", "24-0"), "0 to 23 and 1 to 24"));
  BOOST_TEST(contains(refused("merge_hours", "5-5"), "two different hours"));
  BOOST_TEST(contains(refused("memory_limit", "1"), "0, or 1M to 1024T"));
  BOOST_TEST(contains(refused("sync_interval", "never"), "0.01 to 3600 seconds"));
  BOOST_TEST(contains(refused("merge_hours", "5"), "FROM-UNTIL"));
  BOOST_TEST(contains(refused("merge_ratte", "5"), "no setting 'merge_ratte'"));
  for (const char* key : {"merge-rate", "Merge_rate", "MERGE-RATE", "mergerate"}) {
    BOOST_TEST(contains(refused(key, "5"), "did you mean 'merge_rate'"), key);
  }
  const auto all = refused("nonsense", "5");
  for (const char* key : {"merge_rate", "at a mount", "sync,", "segment_size", "verify_reads"}) {
    BOOST_TEST(contains(all, key), all);
  }
  BOOST_TEST(contains(refused("segment_size", "16M"), "only be given when the store is mounted"));
  // What cannot be right at a mount, either, is not recommended for one.
  for (const auto& [key, value] :
       {std::pair{"sync", "foo"}, {"segment_size", "5G"}, {"verify_reads", "maybe"}}) {
    const auto said = refused(key, value);
    BOOST_TEST(contains(said, "must be"), said);
    BOOST_TEST(!contains(said, "-o "), said);
  }
  // What would be right has nobody to take it.
  const auto ran = run_ctl({"config", "set", place.path(), "file_cache", "10"});
  BOOST_TEST(ran.code == (served ? 0 : 2));
  if (!served) BOOST_TEST(contains(ran.err, "is not mounted"));
  BOOST_TEST(run_ctl({"config", "show", place.path()}).code == 0);
}

BOOST_AUTO_TEST_SUITE_END()
