// SPDX-License-Identifier: MIT
#include <atomic>
#include <cerrno>
#include <thread>

#include "core/store/file_cache.hpp"
#include "tests/core/store_helpers.hpp"
#include "tests/support/temporary_directory.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(file_cache)

BOOST_AUTO_TEST_CASE(every_size_from_one_on_reads_everything) {
  for (const size_t size : {1, 2, 3, 100}) {
    const auto environment = SimulatedEnvironment::make();
    auto options = quiet_options(8 << 10);
    options.file_cache.max_size = size;
    auto store = open_store(environment, options);
    Random random(base_seed());
    Contents expected;
    for (int i = 0; i < 100; ++i) {
      const auto key = numbered("key", i);
      expected[key] = random.bytes(1000);
      REQUIRE_OK(store->put(key, expected[key]));
    }
    check_contents(*store, expected);
    reopen(store, environment, options);
    BOOST_TEST(store->stats().segments.size() > 10u);
    for (int i = 0; i < 200; ++i) {
      const auto key = numbered("key", random.below(100));
      BOOST_REQUIRE(unwrap(store->get(key)) == expected[key]);
    }
    unwrap(store->merge({.all = true}));
    check_contents(*store, expected);
  }
}

BOOST_AUTO_TEST_CASE(a_value_of_pieces_in_many_segments_is_read_through_a_cache_of_one) {
  const auto environment = SimulatedEnvironment::make();
  auto options = quiet_options(8 << 10);
  options.file_cache.max_size = 1;
  auto store = open_store(environment, options);
  Random random(base_seed());
  std::string expected;
  for (int i = 0; i < 60; ++i) {
    const auto piece = random.bytes(1000);
    REQUIRE_OK(store->write_at("key", expected.size(), piece));
    expected += piece;
  }
  BOOST_TEST((unwrap(store->get("key")) == expected));
  reopen(store, environment, options);
  BOOST_TEST((unwrap(store->get("key")) == expected));
  BOOST_TEST((read_range(*store, "key", 500, 50000) == expected.substr(500, 50000)));
}

BOOST_AUTO_TEST_CASE(a_hit_opens_no_file_and_a_miss_opens_one) {
  const auto environment = SimulatedEnvironment::make();
  auto options = quiet_options(4 << 10);
  options.file_cache.max_size = 1;
  auto store = open_store(environment, options);
  for (int i = 0; i < 10; ++i) REQUIRE_OK(store->put(numbered("key", i), std::string(3000, 'x')));
  reopen(store, environment, options);  // so that no hints are left to write beside the measurement
  unwrap(store->get("key00000"));
  const auto before = store->stats();
  const auto opens = environment->calls(kCallOpen);
  for (int i = 0; i < 5; ++i) unwrap(store->get("key00000"));
  BOOST_TEST(environment->calls(kCallOpen) == opens);
  BOOST_TEST(store->stats().file_cache_hits - before.file_cache_hits == 5u);
  BOOST_TEST(store->stats().file_cache_misses == before.file_cache_misses);
  unwrap(store->get("key00003"));
  unwrap(store->get("key00000"));
  BOOST_TEST(environment->calls(kCallOpen) == opens + 2);
  BOOST_TEST(store->stats().file_cache_misses - before.file_cache_misses == 2u);
}

BOOST_AUTO_TEST_CASE(a_failed_open_is_an_error_of_that_read_only) {
  const auto environment = SimulatedEnvironment::make();
  auto options = quiet_options(4 << 10);
  options.file_cache.max_size = 1;
  auto store = open_store(environment, options);
  for (int i = 0; i < 10; ++i) REQUIRE_OK(store->put(numbered("key", i), std::string(3000, 'x')));
  reopen(store, environment, options);  // so that no hint is left to write, which opens files, too
  unwrap(store->get("key00003"));
  environment->inject({.calls = kCallOpen, .error = EACCES});
  CHECK_FAILS(Errc::kIo, store->get("key00000"));
  BOOST_TEST(unwrap(store->get("key00000")).size() == 3000u);
  REQUIRE_OK(store->put("key", "still writable"));
}

BOOST_AUTO_TEST_CASE(without_descriptors_the_cache_gives_way_before_a_read_fails) {
  const auto environment = SimulatedEnvironment::make();
  const auto options = quiet_options(4 << 10);
  auto store = open_store(environment, options);
  for (int i = 0; i < 10; ++i) REQUIRE_OK(store->put(numbered("key", i), std::string(3000, 'x')));
  reopen(store, environment, options);
  for (int i = 0; i < 5; ++i) unwrap(store->get(numbered("key", i)));
  environment->inject({.calls = kCallOpen, .error = EMFILE, .times = 3});  // 5, 2, 1, 0 are open
  BOOST_TEST(unwrap(store->get("key00007")).size() == 3000u);
  environment->inject({.calls = kCallOpen, .error = EMFILE, .times = 0});
  const auto read = store->get("key00008");
  BOOST_REQUIRE(!read.has_value());
  BOOST_TEST(read.error().system == EMFILE);
  environment->clear_faults();
  // What is closed is opened again; until somebody says otherwise, only one file stays open.
  for (int i = 0; i < 10; ++i) BOOST_TEST(unwrap(store->get(numbered("key", i))).size() == 3000u);
  const auto misses = store->stats().file_cache_misses;
  for (int i = 0; i < 10; ++i) unwrap(store->get(numbered("key", i)));
  BOOST_TEST(store->stats().file_cache_misses == misses + 10);
  REQUIRE_OK(store->change_settings(options));
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 10; ++i) unwrap(store->get(numbered("key", i)));
  }
  BOOST_TEST(store->stats().file_cache_misses <= misses + 20);
  REQUIRE_OK(store->put("key", "still writable"));
}

/// Files of segments, each with its segment's id in it, in a real directory: the simulated one has
/// a lock that would hide what the cache lacks.
struct Files {
  explicit Files(size_t count, size_t max_size) : cache(*environment, max_size) {
    for (size_t i = 1; i <= count; ++i) {
      const auto name = segment_file(i, kDataSuffix);
      write_whole_file(directory.path(name), name);
      SegmentHeader header;
      header.id = i;
      segments.push_back(all.add(header));
    }
  }
  /// Whether `file` is that of the segment.
  static bool is_of(const File& file, const Segment& segment) {
    const auto expected = segment_file(segment.id(), kDataSuffix);
    std::string found(expected.size(), 0);
    const auto got = file.read(0, found);
    return got.has_value() && found == expected;
  }
  std::weak_ptr<File> file(size_t i) { return unwrap(cache.open(*segments[i])); }

  TemporaryDirectory directory;
  std::shared_ptr<Environment> environment = unwrap(open_directory(directory.path(), false));
  Segments all;
  std::vector<std::shared_ptr<Segment>> segments;
  FileCache cache;
};

BOOST_AUTO_TEST_CASE(a_file_that_is_read_outlives_its_place_in_the_cache) {
  Files files(3, 2);
  for (const bool removed : {true, false}) {
    const size_t i = removed ? 0 : 1;
    const auto file = files.file(i);
    {
      const auto use = unwrap(files.cache.use(*files.segments[i]));
      BOOST_TEST(files.cache.hits() > 0u);
      if (removed) {
        files.cache.forget(*files.segments[i]);
      } else {
        while (files.cache.give_way()) {
        }
      }
      BOOST_REQUIRE(!file.expired());
      BOOST_TEST(Files::is_of(*use, *files.segments[i]));
    }
    BOOST_TEST(file.expired());
  }
}

BOOST_AUTO_TEST_CASE(a_file_opened_while_its_segment_is_removed_is_not_kept) {
  Files files(1, 2);
  files.cache.forget(*files.segments[0]);
  BOOST_TEST(files.file(0).expired());
  BOOST_TEST(Files::is_of(*unwrap(files.cache.use(*files.segments[0])), *files.segments[0]));
  files.cache.adopt(*files.segments[0], unwrap(files.cache.open(*files.segments[0])));
  BOOST_TEST(files.file(0).expired());
}

BOOST_AUTO_TEST_CASE(what_was_used_since_stays_longer) {
  Files files(4, 3);
  for (const size_t i : {0, 1, 2}) unwrap(files.cache.use(*files.segments[i]));
  const auto used = files.file(0);
  unwrap(files.cache.use(*files.segments[0]));
  unwrap(files.cache.use(*files.segments[3]));  // in the place of 1
  BOOST_TEST(!used.expired());
  const auto misses = files.cache.misses();
  for (const size_t i : {0, 2, 3}) unwrap(files.cache.use(*files.segments[i]));
  BOOST_TEST(files.cache.misses() == misses);
  unwrap(files.cache.use(*files.segments[1]));
  BOOST_TEST(files.cache.misses() == misses + 1);
}

BOOST_AUTO_TEST_CASE(more_uses_at_once_than_there_are_places) {
  Files files(2, 1);
  const auto file = files.file(0);
  {
    std::vector<FileCache::Use> uses;
    uses.reserve(200);
    for (int i = 0; i < 200; ++i) uses.push_back(unwrap(files.cache.use(*files.segments[0])));
    files.cache.forget(*files.segments[0]);
    while (uses.size() > 1) {
      uses.pop_back();
      BOOST_REQUIRE(Files::is_of(*uses.front(), *files.segments[0]));
    }
    BOOST_TEST(!file.expired());
  }
  BOOST_TEST(file.expired());
}

BOOST_AUTO_TEST_CASE(readers_beside_files_that_come_and_go_have_the_right_one) {
  Files files(6, 3);
  std::atomic<bool> end{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (uint64_t t = 0; t < 4; ++t) {
    readers.emplace_back([&, t] {
      Random random(base_seed() + t);
      while (!end) {
        const auto& segment = *files.segments[random.below(6)];
        const auto use = files.cache.use(segment);
        if (!use.has_value() || !Files::is_of(*use.value(), segment)) ++wrong;
      }
    });
  }
  Random random(base_seed());
  for (int i = 0; i < 3000; ++i) {
    files.cache.set_max_size(1 + random.below(6));
    if (random.below(4) == 0) files.cache.give_way();
    if (random.below(4) == 0) {
      const auto& segment = *files.segments[random.below(6)];
      if (!Files::is_of(*unwrap(files.cache.open(segment)), segment)) ++wrong;
    }
  }
  for (const auto& segment : files.segments) files.cache.forget(*segment);
  end = true;
  for (auto& reader : readers) reader.join();
  BOOST_TEST(wrong == 0);
  BOOST_TEST(files.cache.hits() > 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
