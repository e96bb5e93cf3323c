// SPDX-License-Identifier: MIT
// Every feature of the original engine, by its name there. Each has deeper tests in its own file;
// this one is the list.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "core/base/coding.hpp"
#include "core/base/crc32c.hpp"
#include "tests/core/store_helpers.hpp"
#include "tests/support/temporary_directory.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(original_engine)

struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  Options options = quiet_options(8 << 10);
  StorePtr store = open_store(environment, options);
  Contents expected;

  void fill(int keys, int versions, size_t size = 300) {
    for (int v = 0; v < versions; ++v) {
      for (int k = 0; k < keys; ++k) {
        const auto key = numbered("key", k);
        expected[key] = std::string(size, char('a' + (v + k) % 26));
        REQUIRE_OK(store->put(key, expected[key]));
      }
    }
  }
  Image killed() const {
    Random random(base_seed());
    return environment->after_crash(Loss::kNothing, random);
  }
};

BOOST_AUTO_TEST_CASE(concurrent_safe_get_set_and_delete) {
  const auto store = open_store(SimulatedEnvironment::make(), quiet_options(64 << 10));
  std::atomic<int> errors{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      const auto key = numbered("key", uint64_t(t));
      for (int i = 0; i < 100; ++i) {
        if (!store->put(key, std::to_string(i))) ++errors;
        const auto got = store->get(key);
        if (!got || got.value() != std::to_string(i)) ++errors;
        if (!store->erase(key) || store->contains(key)) ++errors;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  BOOST_TEST(errors == 0);
  BOOST_TEST(store->count() == 0u);
}

BOOST_FIXTURE_TEST_CASE(log_with_crc32_and_fsync, Fixture) {
  REQUIRE_OK(store->put("key", "value"));
  REQUIRE_OK(store->sync());
  Random random(base_seed());
  auto image = environment->after_crash(Loss::kUnsynced, random);
  BOOST_TEST(unwrap(open_store(SimulatedEnvironment::make(image))->get("key")) == "value");
  // Any changed byte of the record is noticed.
  auto& bytes = image.begin()->second;
  bytes[read_segment(bytes).records.front().at + 30] ^= 4;
  BOOST_TEST(!open_store(SimulatedEnvironment::make(image))->get("key").has_value());
}

BOOST_FIXTURE_TEST_CASE(recovery_that_resists_corruption, Fixture) {
  fill(30, 2);
  REQUIRE_OK(store->close());
  for (const auto& name : environment->files(".data")) {
    auto image = environment->image();
    std::erase_if(image, [](const auto& file) { return file.first.ends_with(".hint"); });
    image[name].replace(500, 600, std::string(600, '\x5a'));
    const auto survivor = open_store(SimulatedEnvironment::make(image), options);
    int readable = 0;
    for (const auto& [key, value] : expected) {
      const auto got = survivor->get(key);
      if (!got) continue;
      ++readable;
      BOOST_TEST(got.value().size() == value.size());
    }
    BOOST_TEST(readable >= 26);
  }
}

BOOST_FIXTURE_TEST_CASE(key_directory_with_one_disk_read_per_get, Fixture) {
  fill(20, 1);
  for (const auto& [key, value] : expected) {
    const auto reads = environment->calls(kCallRead);
    BOOST_TEST(unwrap(store->get(key)) == value);
    BOOST_TEST(environment->calls(kCallRead) - reads == 1u);
  }
  const auto reads = environment->calls(kCallRead);
  BOOST_TEST(!store->contains("missing"));
  BOOST_TEST(store->contains("key00003"));
  BOOST_TEST(environment->calls(kCallRead) == reads);
}

BOOST_FIXTURE_TEST_CASE(positional_reads, Fixture) {
  REQUIRE_OK(store->put("key", "0123456789"));
  BOOST_TEST(read_range(*store, "key", 3, 4) == "3456");
  BOOST_TEST(read_range(*store, "key", 8, 4) == "89");
}

BOOST_FIXTURE_TEST_CASE(rotation_at_the_maximum_size, Fixture) {
  fill(100, 1);
  BOOST_TEST(store->stats().segments.size() >= 4u);
  for (const auto& s : store->stats().segments) BOOST_TEST(s.file_bytes <= (8u << 10) + 100);
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(segment_statistics_of_live_and_dead_bytes_and_keys, Fixture) {
  REQUIRE_OK(store->put("a", "1"));
  REQUIRE_OK(store->put("b", "2"));
  REQUIRE_OK(store->put("a", "3"));
  const auto s = store->stats().segments.back();
  BOOST_TEST(s.live_records == 2u);
  BOOST_TEST(s.dead_records == 1u);
  BOOST_TEST(s.live_bytes == 2 * record_size(Kind::kPut, 1, 1));
  BOOST_TEST(s.dead_bytes == record_size(Kind::kPut, 1, 1));
}

BOOST_FIXTURE_TEST_CASE(background_streaming_merge_with_a_fragmentation_trigger, Fixture) {
  options.segment.merge_check_interval = std::chrono::milliseconds(10);
  reopen(store, environment, options);
  fill(10, 20);
  for (int i = 0; i < 1000 && store->stats().merges == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  BOOST_TEST(store->stats().merges > 0u);
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(background_streaming_merge_with_a_dead_bytes_trigger, Fixture) {
  options.segment.merge_check_interval = std::chrono::milliseconds(10);
  options.segment.fragmentation_threshold = 1.0;
  options.segment.dead_bytes_threshold = 20'000;
  reopen(store, environment, options);
  fill(10, 20);
  for (int i = 0; i < 1000 && store->stats().merges == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  BOOST_TEST(store->stats().merges > 0u);
  check_contents(*store, expected);
}

// Theirs have a checksum for each entry; ours has one for some hundred entries that are in order.
BOOST_FIXTURE_TEST_CASE(hint_files_with_magic_version_and_checksums, Fixture) {
  fill(5, 1);
  REQUIRE_OK(store->close());
  const auto hint = environment->contents(environment->files(".hint").front());
  BOOST_TEST(hint.substr(0, 8) == "MEMOHNT1");
  BOOST_TEST(load_le<uint32_t>(hint.data() + 8) == 4u);
  const auto trailer = hint.size() - 32;
  const auto index_size = load_le<uint64_t>(hint.data() + trailer + 16);
  Decoder index(std::string_view(hint).substr(trailer - index_size, index_size));
  const auto block = hint.substr(32, index.varint());
  BOOST_TEST(index.varint() == block.size());  // so few are not compressed
  BOOST_TEST(index.varint() == 5u);
  BOOST_TEST(index.le<uint32_t>() == crc32c(block));
  BOOST_TEST(block.substr(0, 10) == std::string_view("\0\x08key00000", 10));
}

BOOST_FIXTURE_TEST_CASE(truncation_of_the_active_segment_after_a_crash, Fixture) {
  REQUIRE_OK(store->put("a", "1"));
  auto image = killed();
  const auto name = image.begin()->first;
  const auto end = read_segment(image[name]).end;
  image[name] = image[name].substr(0, end) + "half a record";
  const auto copy = SimulatedEnvironment::make(image);
  auto survivor = open_store(copy);
  check_contents(*survivor, {{"a", "1"}});
  const auto segment = read_segment(copy->contents(name));
  BOOST_TEST(segment.sealed);
  BOOST_TEST(segment.end == segment.file_size);
}

BOOST_FIXTURE_TEST_CASE(record_sizes_tracked_for_the_choice_of_the_merge, Fixture) {
  fill(20, 1, 350);
  reopen(store, environment, options);
  for (int i = 0; i < 30; ++i) REQUIRE_OK(store->put("hot", std::string(350, 'h')));
  expected["hot"] = std::string(350, 'h');
  const auto before = store->stats();
  const auto report = unwrap(store->merge({.min_dead = 0.9}));
  BOOST_TEST(!report.inputs.empty());
  for (const auto id : report.inputs) {
    const auto s = std::ranges::find(before.segments, id, &SegmentStats::id);
    BOOST_TEST(double(s->dead_bytes) >= 0.9 * double(s->dead_bytes + s->live_bytes));
  }
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(old_segments_deleted_after_a_merge, Fixture) {
  fill(10, 10);
  const auto before = environment->files(".data");
  const auto report = unwrap(store->merge({.all = true}));
  for (const auto id : report.inputs)
    BOOST_TEST(!environment->exists(segment_file(id, kDataSuffix)));
  BOOST_TEST(report.inputs.size() >= before.size() - 1);
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(lru_cache_of_open_segment_files_also_at_size_one, Fixture) {
  for (const size_t size : {1, 10}) {
    options.file_cache.max_size = size;
    reopen(store, environment, options);
    fill(60, 1);
    check_contents(*store, expected);
  }
}

BOOST_FIXTURE_TEST_CASE(removal_of_orphaned_hint_and_merge_files, Fixture) {
  fill(3, 1);
  auto image = killed();
  image["1500000000000000000.hint"] = "x";
  image["1500000000000000001.merge"] = "x";
  const auto copy = SimulatedEnvironment::make(image);
  const auto survivor = open_store(copy);
  check_contents(*survivor, expected);
  BOOST_TEST(!copy->exists("1500000000000000000.hint"));
  BOOST_TEST(!copy->exists("1500000000000000001.merge"));
}

BOOST_FIXTURE_TEST_CASE(protection_against_changes_that_race_with_a_merge, Fixture) {
  fill(20, 5);
  bool changed = false;
  unwrap(store->merge({.all = true}, [&](const Progress&) {
    if (!changed) REQUIRE_OK(store->put("key00007", "newer than the copy"));
    if (!changed) REQUIRE_OK(store->erase("key00008"));
    return changed = true;
  }));
  BOOST_REQUIRE(changed);
  expected["key00007"] = "newer than the copy";
  expected.erase("key00008");
  check_contents(*store, expected);
  reopen(store, environment, options);
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(write_batches, Fixture) {
  Batch batch;
  batch.put("a", "1");
  batch.put("b", "2");
  batch.erase("a");
  REQUIRE_OK(store->apply(batch));
  check_contents(*store, {{"b", "2"}});
  reopen(store, environment, options);
  check_contents(*store, {{"b", "2"}});
}

BOOST_FIXTURE_TEST_CASE(input_validation_of_empty_keys_and_the_meaning_of_empty_values, Fixture) {
  CHECK_FAILS(Errc::kInvalidArgument, store->put("", "value"));
  // Unlike there, an empty value is a value: a filesystem has empty files.
  REQUIRE_OK(store->put("key", ""));
  BOOST_TEST(unwrap(store->get("key")).empty());
  BOOST_TEST(store->count() == 1u);
}

BOOST_FIXTURE_TEST_CASE(count_and_view_of_all_keys, Fixture) {
  fill(25, 2);
  BOOST_TEST(store->count() == 25u);
  std::vector<std::string> keys;
  REQUIRE_OK(store->scan("", "", [&](const KeyInfo& info) {
    keys.emplace_back(info.key);
    return true;
  }));
  BOOST_TEST(keys.size() == 25u);
  BOOST_TEST(std::ranges::is_sorted(keys));
}

BOOST_FIXTURE_TEST_CASE(values_of_one_mebibyte_and_more, Fixture) {
  Random random(base_seed());
  for (const size_t size : {1u << 20, 3u << 20}) {
    expected[std::to_string(size)] = random.bytes(size);
    REQUIRE_OK(store->put(std::to_string(size), expected[std::to_string(size)]));
  }
  reopen(store, environment, options);
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(emoji_and_binary_keys, Fixture) {
  expected["\xf0\x9f\x90\xb9"] = "gopher";
  expected[std::string("\x00\x01\xff\x00", 4)] = std::string("\0\0", 2);
  for (const auto& [key, value] : expected) REQUIRE_OK(store->put(key, value));
  reopen(store, environment, options);
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(zero_length_segments, Fixture) {
  fill(3, 1);
  auto image = killed();
  image["1999999999999999999.data"] = "";
  const auto copy = SimulatedEnvironment::make(image);
  auto survivor = open_store(copy);
  check_contents(*survivor, expected);
  REQUIRE_OK(survivor->put("new", "value"));
  reopen(survivor, copy);
  BOOST_TEST(unwrap(survivor->get("new")) == "value");
}

BOOST_AUTO_TEST_CASE(a_hundred_and_more_concurrent_threads) {
  const TemporaryDirectory directory;
  const auto store =
      open_store(unwrap(open_directory(directory.path(), false)), quiet_options(256 << 10));
  std::atomic<int> errors{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 128; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const auto key = numbered("key", uint64_t(t * 20 + i));
        if (!store->put(key, key) || store->get(key).value() != key) ++errors;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  BOOST_TEST(errors == 0);
  BOOST_TEST(store->count() == 128u * 20);
}

BOOST_AUTO_TEST_CASE(options_carry_the_names_and_where_they_make_sense_the_defaults) {
  const Options options;
  BOOST_TEST(options.segment.fragmentation_threshold == 0.6);
  BOOST_TEST(options.segment.dead_bytes_threshold == 512u << 20);
  BOOST_TEST((options.segment.merge_check_interval == std::chrono::minutes(1)));
  // These two differ: see the README.
  BOOST_TEST(options.segment.max_size == 64u << 20);
  BOOST_TEST(options.file_cache.max_size == 256u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
