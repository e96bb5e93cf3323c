// SPDX-License-Identifier: MIT
// What can be opened, what is refused, and in which words.
#include <chrono>

#include "core/base/coding.hpp"
#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(open)

/// Opening must fail with `code` and a message that contains `word`, and change no file.
void check_refused(const Image& image, Errc code, std::string_view word,
                   const Options& options = quiet_options()) {
  const auto environment = SimulatedEnvironment::make(image);
  const auto opened = Store::open(environment, options);
  CHECK_FAILS(code, opened);
  if (opened) return;
  BOOST_TEST(opened.error().message.find(word) != std::string::npos, opened.error().message);
  BOOST_TEST(opened.error().message.find('\n') == std::string::npos);
  BOOST_TEST((environment->image() == image));
  // The refusal let go of the lock.
  BOOST_TEST(environment->lock(LockMode::kExclusive).has_value());
}

BOOST_AUTO_TEST_CASE(an_empty_directory_becomes_a_store) {
  const auto environment = SimulatedEnvironment::make();
  auto store = open_store(environment);
  BOOST_TEST(store->count() == 0u);
  reopen(store, environment);
  BOOST_TEST(store->count() == 0u);
  BOOST_TEST(store->describe() == "simulated");
}

BOOST_AUTO_TEST_CASE(what_every_filesystem_has_does_not_count_as_contents) {
  const auto store = open_store(SimulatedEnvironment::make({{"lost+found/", ""},
                                                            {"memoria.toml", "x"},
                                                            {".hidden", "x"},
                                                            {"lock", "12"},
                                                            {"control", ""},
                                                            {"snapshots/", ""}}));
  BOOST_TEST(store->count() == 0u);
}

BOOST_AUTO_TEST_CASE(a_directory_with_other_things_is_not_a_store) {
  check_refused({{"letter.txt", "Dear"}}, Errc::kNotAStore, "letter.txt");
  check_refused({{"photos/", ""}}, Errc::kNotAStore, "photos");
  check_refused({{"short.data", ""}}, Errc::kNotAStore, "short.data");
}

BOOST_AUTO_TEST_CASE(no_store_is_made_where_none_is_to_be) {
  auto options = quiet_options();
  options.create_if_missing = false;
  for (const Image& image : {Image{}, Image{{"lost+found/", ""}, {"snapshots/", ""}},
                             Image{{"lock", "12"}, {"memoria.toml", "x"}}, Image{{"other", "x"}}}) {
    check_refused(image, Errc::kNotAStore, "is the disk mounted", options);
  }
  // What tells that there was one makes it damage.
  check_refused({{"manifest", "x"}}, Errc::kCorrupt, "manifest", options);
  const auto environment = SimulatedEnvironment::make();
  open_store(environment);  // and closes it
  BOOST_TEST(Store::open(environment, options).has_value());
}

BOOST_AUTO_TEST_CASE(a_segment_of_a_newer_format_is_refused_whatever_else_is_there) {
  constexpr uint64_t kId = 1'500'000'000'000'000'000;
  RawSegmentWriter newer(kId, Origin::kLog, 2), ours(kId + 1);
  newer.put("a", "1", 10).seal(11);
  ours.put("b", "2", 20).seal(21);
  check_refused({{newer.file_name(), newer.bytes()}}, Errc::kNewerFormat, "newer");
  check_refused({{newer.file_name(), newer.bytes()}, {ours.file_name(), ours.bytes()}},
                Errc::kNewerFormat, "newer");
  RawSegmentWriter newest(kId + 2, Origin::kLog, 7);
  check_refused({{ours.file_name(), ours.bytes()}, {newest.file_name(), newest.bytes()}},
                Errc::kNewerFormat, "newer");
}

/// A store whose only segment holds a record of an unknown kind between two known ones.
Image with_unknown_record(uint8_t type, bool sealed) {
  RawSegmentWriter writer(1'500'000'000'000'000'000);
  writer.put("a", "1", 10);
  writer.raw(forge(type, 35, 3, 7, writer.place(), 15));
  writer.put("b", "2", 20);
  if (sealed) writer.seal(30);
  return {{writer.file_name(), writer.bytes()}};
}

BOOST_AUTO_TEST_CASE(an_unknown_kind_of_record_is_refused_and_nothing_is_cut) {
  for (const bool sealed : {true, false}) {
    for (const int type : {0x0a, 0x0f, 0x21, 0x41}) {
      BOOST_TEST_CONTEXT("type " << type << ", sealed " << sealed) {
        const auto image = with_unknown_record(uint8_t(type), sealed);
        const auto environment = SimulatedEnvironment::make(image);
        const auto opened = Store::open(environment, quiet_options());
        BOOST_REQUIRE(!opened.has_value());
        const auto code = opened.error().code;
        BOOST_TEST((code == Errc::kNewerFormat || code == Errc::kUnsupported), explain(opened));
        BOOST_TEST((environment->image() == image));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_kind_of_record_that_may_be_ignored_is_skipped) {
  for (const bool sealed : {true, false}) {
    const auto environment = SimulatedEnvironment::make(with_unknown_record(0x8a, sealed));
    auto store = open_store(environment);
    check_contents(*store, {{"a", "1"}, {"b", "2"}});
    reopen(store, environment);
    check_contents(*store, {{"a", "1"}, {"b", "2"}});
  }
}

/// The same in a batch.
Image with_unknown_record_in_batch(uint8_t flags, bool sealed) {
  RawSegmentWriter writer(1'500'000'000'000'000'000);
  auto unknown = RawSegmentWriter::change(Kind(10), "x", "y");
  unknown.first.flags = flags;
  writer.put("a", "1", 10);
  writer.batch(20, {RawSegmentWriter::change(Kind::kPut, "b", "2"), unknown,
                    RawSegmentWriter::change(Kind::kPut, "c", "3")});
  writer.put("d", "4", 30);
  if (sealed) writer.seal(40);
  return {{writer.file_name(), writer.bytes()}};
}

BOOST_AUTO_TEST_CASE(an_unknown_kind_of_record_in_a_batch_is_refused_and_nothing_is_cut) {
  for (const bool sealed : {true, false}) {
    const auto image = with_unknown_record_in_batch(0, sealed);
    const auto environment = SimulatedEnvironment::make(image);
    CHECK_FAILS(Errc::kNewerFormat, Store::open(environment, quiet_options()));
    BOOST_TEST((environment->image() == image));
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_kind_of_record_in_a_batch_that_may_be_ignored_is_skipped) {
  for (const bool sealed : {true, false}) {
    const auto environment =
        SimulatedEnvironment::make(with_unknown_record_in_batch(kFlagIgnorable, sealed));
    auto store = open_store(environment);
    const Contents expected{{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}};
    check_contents(*store, expected);
    reopen(store, environment);
    check_contents(*store, expected);
  }
}

/// Else what is written next would be older than everything.
BOOST_AUTO_TEST_CASE(a_time_at_the_end_of_all_numbers_is_not_believed) {
  for (const bool sealed : {true, false}) {
    for (const uint64_t late : {UINT64_MAX, UINT64_MAX - 1, kLatestTimestamp + 1}) {
      RawSegmentWriter writer(1'500'000'000'000'000'000);
      writer.put("a", "1", 10).put("b", "crafted", late);
      if (sealed) writer.seal(30);
      const auto environment = SimulatedEnvironment::make({{writer.file_name(), writer.bytes()}});
      auto store = open_store(environment);
      REQUIRE_OK(store->put("a", "2"));
      REQUIRE_OK(store->put("b", "3"));
      reopen(store, environment);
      check_contents(*store, {{"a", "2"}, {"b", "3"}});
    }
  }
}

/// One that is believed, behind which there is no room for what is written next.
BOOST_AUTO_TEST_CASE(nothing_is_written_behind_a_time_near_the_end_of_all_numbers) {
  for (const bool sealed : {true, false}) {
    for (const uint64_t late : {kLatestTimestamp, kLatestTimestamp - 1'000'000}) {
      RawSegmentWriter writer(1'500'000'000'000'000'000);
      writer.put("a", "1", 10).put("b", "crafted", late - 1);
      if (sealed) writer.seal(late);
      const Image image{{writer.file_name(), writer.bytes()}};
      auto environment = SimulatedEnvironment::make(image);
      CHECK_FAILS(Errc::kCorrupt, Store::open(environment, quiet_options()));
      BOOST_TEST((environment->contents(writer.file_name()) == writer.bytes()));
      auto options = quiet_options();
      options.read_only = true;
      check_contents(*open_store(environment, options), {{"a", "1"}, {"b", "crafted"}});
    }
  }
  RawSegmentWriter named(kLatestTimestamp);
  named.put("a", "1", 10).seal(20);
  CHECK_FAILS(Errc::kCorrupt,
              Store::open(SimulatedEnvironment::make({{named.file_name(), named.bytes()}}),
                          quiet_options()));
}

BOOST_AUTO_TEST_CASE(a_damaged_last_record_of_a_time_that_cannot_be_is_damage) {
  RawSegmentWriter writer(1'500'000'000'000'000'000, Origin::kMerge);
  writer.put("a", "1", 10);
  const auto begin = writer.bytes().size();
  writer.put("b", "damaged", kLatestTimestamp + 5);
  auto bytes = writer.bytes();
  bytes[begin + 4] ^= 1;  // its checksum
  const auto environment = SimulatedEnvironment::make({{writer.file_name(), bytes}});
  const auto store = open_store(environment);
  check_contents(*store, {{"a", "1"}});
  BOOST_TEST(!unwrap(store->verify()).clean());
}

/// Heads of a kind that is not known, each of which claims all that is behind it.
BOOST_AUTO_TEST_CASE(a_store_that_was_made_to_take_long_opens) {
  constexpr uint64_t kHeads = 100'000;
  RawSegmentWriter writer(1'500'000'000'000'000'000);
  Contents expected;
  for (uint64_t i = 0; i < kHeads; ++i) {
    const auto key = numbered("key", i);
    writer.put(key, "value", i + 1);
    expected[key] = "value";
    std::string head;
    append_le<uint32_t>(head, uint32_t(60 * (kHeads - i)));  // nearly all of the rest
    head.append(kHeadSize - head.size(), '\0');
    head[16] = char(kFlagIgnorable | 15);
    writer.raw(head);
  }
  writer.seal(kHeads + 1);
  const auto begin = std::chrono::steady_clock::now();
  const auto store = open_store(SimulatedEnvironment::make({{writer.file_name(), writer.bytes()}}));
  BOOST_TEST(store->count() == expected.size());
  BOOST_TEST(unwrap(store->get(numbered("key", kHeads - 1))) == "value");
  BOOST_TEST((std::chrono::steady_clock::now() - begin < std::chrono::seconds(30)));
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_refused_and_named) {
  const auto check = [](const std::function<void(Options&)>& spoil, std::string_view word) {
    auto options = quiet_options();
    spoil(options);
    const auto environment = SimulatedEnvironment::make();
    const auto opened = Store::open(environment, options);
    CHECK_FAILS(Errc::kInvalidArgument, opened);
    if (opened) return;
    BOOST_TEST(opened.error().message.find(word) != std::string::npos, opened.error().message);
    BOOST_TEST(environment->files("").empty());
  };
  using std::chrono::milliseconds;
  check([](Options& o) { o.segment.max_size = 0; }, "max_size");
  check([](Options& o) { o.segment.max_size = uint64_t{1} << 32; }, "max_size");
  check([](Options& o) { o.segment.fragmentation_threshold = -0.1; }, "fragmentation_threshold");
  check([](Options& o) { o.segment.fragmentation_threshold = 1.1; }, "fragmentation_threshold");
  check([](Options& o) { o.segment.merge_check_interval = milliseconds(-1); },
        "merge_check_interval");
  check([](Options& o) { o.segment.max_records = 0; }, "max_records");
  check([](Options& o) { o.file_cache.max_size = 0; }, "file_cache");
  check([](Options& o) { o.merge.from_hour = -1; }, "from_hour");
  check([](Options& o) { o.merge.until_hour = 25; }, "until_hour");
  check(
      [](Options& o) {
        o.sync_policy = SyncPolicy::kInterval;
        o.sync_interval = milliseconds(-1);
      },
      "sync_interval");
}

BOOST_AUTO_TEST_CASE(a_store_reports_the_options_it_was_opened_with) {
  auto options = quiet_options(123456);
  options.inline_limit = 77;
  const auto store = open_store(SimulatedEnvironment::make(), options);
  BOOST_TEST(store->options().segment.max_size == 123456u);
  BOOST_TEST(store->options().inline_limit == 77u);
}

BOOST_AUTO_TEST_CASE(a_store_written_with_other_options_opens) {
  const auto environment = SimulatedEnvironment::make();
  Random random(base_seed());
  Contents expected;
  for (int round = 0; round < 8; ++round) {
    auto options = quiet_options(random.between(4 << 10, 1 << 20));
    options.inline_limit = random.below(3) * 100;
    options.prefix_bytes = random.below(5);
    options.file_cache.max_size = random.between(1, 10);
    options.verify_reads = random.one_in(2);
    const auto store = open_store(environment, options);
    check_contents(*store, expected);
    for (int i = 0; i < 20; ++i) {
      const auto key = numbered("key", random.below(50));
      expected[key] = random.bytes(random.below(400));
      REQUIRE_OK(store->put(key, expected[key]));
    }
    check_contents(*store, expected);
    REQUIRE_OK(store->close());
  }
}

BOOST_AUTO_TEST_CASE(opening_tells_how_far_it_is_and_can_be_stopped) {
  const auto environment = SimulatedEnvironment::make();
  constexpr uint64_t kKeys = 60'000;  // more than are told of at once
  {
    const auto store = open_store(environment, quiet_options(256 << 10));
    Batch batch;
    for (uint64_t i = 0; i < kKeys; ++i) batch.put(numbered("key", int(i)), "");
    REQUIRE_OK(store->apply(batch));
    for (int i = 0; i < 10; ++i) REQUIRE_OK(store->put(numbered("k", i), std::string(90'000, 'x')));
  }
  auto options = quiet_options();
  std::vector<Progress> told;
  options.on_opening = [&](const Progress& progress) {
    told.push_back(progress);
    return true;
  };
  {
    const auto store = open_store(environment, options);
    BOOST_TEST(store->count() == kKeys + 10);
  }
  uint64_t done = 0;
  std::string_view phase;
  for (const auto& progress : told) {
    BOOST_TEST(progress.done >= (progress.phase == phase ? done : 0));
    BOOST_TEST(progress.done <= progress.total);
    phase = progress.phase;
    done = progress.done;
  }
  BOOST_TEST(told.front().phase == "open");
  BOOST_TEST((told.front().unit == Progress::Unit::kBytes));
  BOOST_TEST(told.back().phase == "index");
  BOOST_TEST(told.back().done == told.back().total);
  BOOST_TEST(told.back().total >= kKeys + 10);

  for (size_t last = 1; last <= told.size(); ++last) {
    size_t calls = 0;
    options.on_opening = [&](const Progress&) { return ++calls < last; };
    CHECK_FAILS(Errc::kCancelled, Store::open(environment, options));
  }
  BOOST_TEST(open_store(environment)->count() == kKeys + 10);
}

BOOST_AUTO_TEST_CASE(every_call_that_fails_while_opening_is_reported_and_harmless) {
  const auto prepared = SimulatedEnvironment::make();
  {
    const auto store = open_store(prepared, quiet_options(4 << 10));
    for (int i = 0; i < 10; ++i) REQUIRE_OK(store->put(numbered("key", i), std::string(900, 'x')));
  }
  Random random(base_seed());
  auto image = prepared->after_crash(Loss::kNothing, random);
  image.erase(prepared->files(".hint").front());
  image["1500000000000000001.merge"] = "x";
  int failures = 0;
  for (uint64_t n = 1;; ++n) {
    const auto environment = SimulatedEnvironment::make(image);
    environment->inject({.calls = kAllCalls, .nth = n});
    {
      const auto opened = Store::open(environment, quiet_options());
      if (!opened) ++failures;
      if (!opened) BOOST_TEST(!opened.error().message.empty());
    }
    if (environment->faults_hit() == 0) break;
    environment->clear_faults();
    const auto store = open_store(environment);  // also: the lock was let go
    BOOST_REQUIRE_EQUAL(store->count(), 10u);
    for (int i = 0; i < 10; ++i)
      BOOST_REQUIRE_EQUAL(unwrap(store->get(numbered("key", i))).size(), 900u);
  }
  BOOST_TEST(failures > 3);
}

BOOST_AUTO_TEST_CASE(whoever_only_reads_makes_no_store) {
  auto options = quiet_options();
  options.read_only = true;
  const auto environment = SimulatedEnvironment::make();
  CHECK_FAILS(Errc::kNotAStore, Store::open(environment, options));
  BOOST_TEST(environment->image().empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
