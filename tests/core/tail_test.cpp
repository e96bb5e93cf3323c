// SPDX-License-Identifier: MIT
// Segments at the end of the log that a crash left without a seal.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "core/log/manifest.hpp"
#include "core/store/sealer.hpp"
#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(tail)

constexpr uint64_t kFirst = 1'500'000'000'000'000'000;

/// One put each: "1" in the segment kFirst, and so on.
RawSegmentWriter segment(int number) {
  RawSegmentWriter writer(kFirst + uint64_t(number) * 1000);
  writer.put(fmt::format("{}", number), "value", kFirst + uint64_t(number) * 1000 + 1);
  return writer;
}

RawSegmentWriter ended_segment(int number) {
  auto writer = segment(number);
  writer.end(kFirst + uint64_t(number) * 1000 + 2);
  return writer;
}

/// With a manifest that names the first of them, by default all, and knows of no length.
Image image_of(const std::vector<RawSegmentWriter>& segments, size_t listed = SIZE_MAX) {
  Image image;
  Manifest manifest;
  for (const auto& s : segments) {
    image[s.file_name()] = s.bytes();
    const auto header = unwrap(decode_segment_header(s.bytes(), s.file_name()));
    manifest.uuid = header.uuid;
    if (manifest.segments.size() < listed) manifest.segments.push_back({header.id, 0});
  }
  image[std::string(kManifestFile)] = encode_manifest(manifest);
  return image;
}

/// Read-only, and then for good, and once more.
void check_opens_as(const Image& image, const Contents& expected) {
  const auto environment = SimulatedEnvironment::make(image);
  auto options = quiet_options();
  options.read_only = true;
  check_contents(*open_store(environment, options), expected);
  BOOST_TEST((environment->image() == image));
  auto store = open_store(environment);
  check_contents(*store, expected);
  REQUIRE_OK(store->put("new", "value"));
  reopen(store, environment);
  auto with_new = expected;
  with_new["new"] = "value";
  check_contents(*store, with_new);
  BOOST_TEST(unwrap(store->verify()).clean());
  BOOST_TEST((replay(read_log(environment->image())) == with_new));
}

BOOST_AUTO_TEST_CASE(several_that_are_complete_count) {
  const auto image = image_of({ended_segment(1), ended_segment(2), segment(3)});
  check_opens_as(image, {{"1", "value"}, {"2", "value"}, {"3", "value"}});
}

BOOST_AUTO_TEST_CASE(nothing_counts_behind_one_that_lacks_its_end) {
  check_opens_as(image_of({ended_segment(1), segment(2), ended_segment(3), segment(4)}, 2),
                 {{"1", "value"}, {"2", "value"}});
}

BOOST_AUTO_TEST_CASE(nothing_counts_behind_one_that_is_torn) {
  auto image = image_of({ended_segment(1), ended_segment(2), ended_segment(3)}, 1);
  auto& torn = image[segment(2).file_name()];
  torn.back() = char(torn.back() ^ 1);
  check_opens_as(image, {{"1", "value"}, {"2", "value"}});
  torn.resize(kSegmentHeaderSize + 3);
  check_opens_as(image, {{"1", "value"}});
  torn.resize(kSegmentHeaderSize);
  check_opens_as(image, {{"1", "value"}});
}

BOOST_AUTO_TEST_CASE(a_seal_whose_place_was_not_durable_is_an_end_as_well) {
  auto first = ended_segment(1);
  first.seal(kFirst + 1003);
  first.raw(std::string(5000, '\0'), 0);
  check_opens_as(image_of({first, segment(2)}), {{"1", "value"}, {"2", "value"}});
}

/// One that lacks its end may have been sealed and be damaged since: what is behind it stays.
BOOST_AUTO_TEST_CASE(nothing_is_dropped_when_the_manifest_is_lost) {
  auto image = image_of({segment(1), ended_segment(2), segment(3)});
  image.erase(std::string(kManifestFile));
  const auto environment = SimulatedEnvironment::make(image);
  const auto store = open_store(environment);
  check_contents(*store, {{"1", "value"}, {"2", "value"}, {"3", "value"}});
  BOOST_TEST(!unwrap(store->verify()).clean());
}

/// The newest segment's header is not durable before its first sync, but records behind it may be.
BOOST_AUTO_TEST_CASE(a_new_segment_without_its_header_counts) {
  const auto newest = segment(2);
  auto image = image_of({ended_segment(1)});
  image[newest.file_name()] = newest.bytes();
  image[newest.file_name()].replace(0, kSegmentHeaderSize, kSegmentHeaderSize, '\0');
  int errors = 0;
  auto options = quiet_options();
  options.logger = [&](Severity severity, std::string_view) {
    errors += severity >= Severity::kWarning;
  };
  const auto environment = SimulatedEnvironment::make(image);
  REQUIRE_OK(open_store(environment, options)->close());
  BOOST_TEST(errors == 0);
  BOOST_TEST(environment->contents(newest.file_name()).substr(0, kSegmentHeaderSize) ==
             newest.bytes().substr(0, kSegmentHeaderSize));
  check_opens_as(image, {{"1", "value"}, {"2", "value"}});
  image[newest.file_name()].resize(kSegmentHeaderSize - 1);
  check_opens_as(image, {{"1", "value"}});
}

/// A segment of which nothing but the name was durable ends the log as every other that lacks its
/// end.
BOOST_AUTO_TEST_CASE(nothing_counts_behind_a_name_without_a_file) {
  auto image = image_of({ended_segment(1)});
  image[segment(2).file_name()] = "";
  image[segment(3).file_name()] = segment(3).bytes();
  check_opens_as(image, {{"1", "value"}});
  image[segment(2).file_name()] = std::string(kSegmentHeaderSize, '\0');
  check_opens_as(image, {{"1", "value"}});
}

/// A segment without records, which the recovery cannot remove while there is no room for a
/// manifest without it, must not end the log in front of what comes later.
void check_what_comes_behind_a_leftover(Image image, bool listed) {
  const auto leftover = segment(2);
  auto bytes = leftover.bytes().substr(0, kSegmentHeaderSize);
  if (listed) {
    image = image_of({ended_segment(1), leftover});
  } else {
    bytes.clear();
  }
  image[leftover.file_name()] = bytes;
  const auto environment = SimulatedEnvironment::make(image);
  environment->inject({.calls = kCallCreate, .error = ENOSPC, .times = 0, .name_part = "manifest"});
  const auto store = open_store(environment);
  Contents expected{{"1", "value"}};
  check_contents(*store, expected);
  if (listed) {
    CHECK_FAILS(Errc::kNoSpace, store->put("new", "value"));
    environment->clear_faults();
  }
  REQUIRE_OK(store->put("new", "value"));
  REQUIRE_OK(store->sync());
  expected["new"] = "value";
  Random random(base_seed());
  for (const auto loss : {Loss::kNothing, Loss::kUnsynced, Loss::kRandom}) {
    check_opens_as(environment->after_crash(loss, random), expected);
  }
}

BOOST_AUTO_TEST_CASE(what_comes_behind_a_leftover_counts) {
  check_what_comes_behind_a_leftover(image_of({ended_segment(1)}), false);
  check_what_comes_behind_a_leftover({}, true);
}

/// The manifest names a segment when it and all in front of it were durable: what is missing there
/// is damage, and must not take with it what was told to be durable.
BOOST_AUTO_TEST_CASE(damage_in_front_of_what_was_durable_drops_nothing) {
  auto damaged = segment(2);
  damaged.put("also", "value", kFirst + 2003);
  damaged.end(kFirst + 2004);
  for (const bool cut : {false, true}) {
    auto image = image_of({ended_segment(1), damaged, ended_segment(3), segment(4)}, 3);
    auto& bytes = image[damaged.file_name()];
    if (cut) bytes.resize(bytes.size() - 1);
    if (!cut) bytes[kSegmentHeaderSize + kHeadSize + 2] = 'x';
    const auto environment = SimulatedEnvironment::make(image);
    for (int opening = 0; opening < 3; ++opening) {
      const auto store = open_store(environment);
      for (const auto* const key : {"1", "also", "3", "4"}) BOOST_TEST(store->get(key).has_value());
      BOOST_TEST(store->get("2").has_value() == cut);
      BOOST_TEST(!unwrap(store->verify()).clean());
      REQUIRE_OK(store->put(fmt::format("new{}", opening), "value"));
    }
  }
}

/// What was dropped does not come back when the power goes while it is dropped.
BOOST_AUTO_TEST_CASE(a_crash_while_it_is_dropped_brings_nothing_back) {
  const auto image = image_of({segment(1), ended_segment(2), segment(3)}, 1);
  const auto environment = SimulatedEnvironment::make(image);
  environment->start_trace();
  REQUIRE_OK(open_store(environment)->close());
  const auto trace = environment->trace();
  Random random(base_seed());
  for (size_t done = 0; done <= trace.size(); ++done) {
    for (const auto loss : {Loss::kNothing, Loss::kUnsynced, Loss::kLatestOnly, Loss::kRandom}) {
      SimulatedDisk disk(environment->trace_begin());
      for (size_t i = 0; i < done; ++i) disk.apply(trace[i]);
      const auto after = SimulatedEnvironment::make(disk.after_crash(loss, random));
      check_contents(*open_store(after), {{"1", "value"}});
    }
  }
}

struct Slow {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  StorePtr store = open_store(environment, quiet_options(4 << 10));
  Contents expected;

  ~Slow() { environment->release_syncs(); }
  /// From one thread at a time.
  Status try_put(int number) {
    const auto key = numbered("key", number);
    expected[key] = std::string(1000, char('a' + number % 26));
    return store->put(key, expected[key]);
  }
  void put(int number) { REQUIRE_OK(try_put(number)); }
  /// The first segment gets no seal, and those behind it wait.
  void hold() {
    put(0);
    environment->hold_syncs(environment->files(".data").front());
  }
  StorePtr after_crash(Loss loss) const {
    Random random(base_seed());
    return open_store(SimulatedEnvironment::make(environment->after_crash(loss, random)));
  }
};

BOOST_FIXTURE_TEST_CASE(writers_go_on_while_a_segment_is_sealed, Slow) {
  hold();
  for (int i = 1; i < 14; ++i) put(i);  // four segments
  BOOST_TEST(environment->files(".data").size() >= 4u);
  check_contents(*store, expected);
  check_contents(*after_crash(Loss::kNothing), expected);
  BOOST_TEST(after_crash(Loss::kUnsynced)->count() == 0u);
  environment->release_syncs();
  REQUIRE_OK(store->sync());
  check_contents(*after_crash(Loss::kUnsynced), expected);
  REQUIRE_OK(store->close());
  check_contents(*open_store(environment), expected);
}

BOOST_FIXTURE_TEST_CASE(a_sync_waits_for_all_that_is_not_sealed, Slow) {
  hold();
  for (int i = 1; i < 14; ++i) put(i);
  std::atomic<bool> synced{false};
  std::thread thread([&] { synced = store->sync().has_value(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  BOOST_TEST(!synced);
  environment->release_syncs();
  thread.join();
  BOOST_TEST(synced);
  check_contents(*after_crash(Loss::kUnsynced), expected);
}

BOOST_FIXTURE_TEST_CASE(writers_wait_when_the_disk_is_too_far_behind, Slow) {
  hold();
  std::atomic<int> done{0};
  constexpr int kPuts = 3 * int(Sealer::kMost + 6);
  std::thread thread([&] {
    for (int i = 1; i < kPuts; ++i, ++done) {
      if (!try_put(i).has_value()) std::abort();
    }
  });
  const auto segments = [&] { return environment->files(".data").size(); };
  for (int i = 0; i < 3000 && segments() < Sealer::kMost + 1; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  BOOST_TEST(segments() == Sealer::kMost + 1);
  BOOST_TEST(done < kPuts - 1);
  environment->release_syncs();
  thread.join();
  REQUIRE_OK(store->close());
  check_contents(*open_store(environment), expected);
}

/// The next segment is not waited for, but the one behind it is not made before its name is
/// durable: a crash would leave a gap.
BOOST_FIXTURE_TEST_CASE(a_crash_leaves_no_gap_between_segments, Slow) {
  put(0);
  REQUIRE_OK(store->sync());
  environment->hold_syncs(std::string(SimulatedEnvironment::kDirectory));
  std::atomic<int> done{0};
  std::thread thread([&] {
    for (int i = 1; i < 12; ++i, ++done) {
      if (!try_put(i).has_value()) std::abort();
    }
  });
  while (done < 5) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // in the second
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  BOOST_TEST(environment->files(".data").size() == 2u);
  BOOST_TEST(done < 8);
  Random random(base_seed());
  for (int i = 0; i < 50; ++i) {
    const auto found =
        open_store(SimulatedEnvironment::make(environment->after_crash(Loss::kRandom, random)));
    BOOST_TEST(found->get(numbered("key", 0)).has_value());
    for (int k = 0; k < int(found->count()); ++k)
      BOOST_TEST(found->get(numbered("key", k)).has_value());
  }
  environment->release_syncs();
  thread.join();
  REQUIRE_OK(store->close());
  check_contents(*open_store(environment), expected);
}

/// Here it may be the writer that syncs the names, since the sealer has other work.
BOOST_FIXTURE_TEST_CASE(no_segment_is_made_behind_a_name_that_may_not_be_durable, Slow) {
  hold();
  environment->inject({.calls = kCallSyncDirectory, .times = 0});
  bool failed = false;
  for (int i = 1; i < 120 && !failed; ++i) failed = !try_put(i).has_value();
  BOOST_TEST(failed);
  BOOST_TEST(store->stats().read_only);
  BOOST_TEST(environment->files(".data").size() == 2u);
  environment->release_syncs();
}

/// The segment is synced alone when a full disk takes back what was written to it.
BOOST_FIXTURE_TEST_CASE(the_manifest_names_no_segment_before_those_in_front_are_durable, Slow) {
  put(0);
  environment->hold_syncs(environment->files(".data").front(), std::chrono::milliseconds(300));
  for (int i = 1; environment->files(".data").size() < 2; ++i) put(i);
  environment->inject({.calls = kCallWrite,
                       .error = ENOSPC,
                       .times = 2,  // with zeros behind the record and without
                       .name_part = environment->files(".data").back()});
  CHECK_FAILS(Errc::kNoSpace, store->put("refused", "value"));
  const auto after = after_crash(Loss::kUnsynced);
  BOOST_TEST(after->count() + 1 >= expected.size());  // the last put may be in the new segment
  BOOST_TEST(unwrap(after->verify()).clean());
}

/// A call that is still under way when the store is closed writes nothing that is somebody else's
/// by then.
BOOST_FIXTURE_TEST_CASE(a_late_sync_leaves_the_manifest_alone, Slow) {
  put(0);
  REQUIRE_OK(store->sync());
  for (int i = 1; environment->files(".data").size() < 2; ++i) put(i);
  environment->hold_syncs(environment->files(".data").back());
  bool late = true;
  std::thread thread([&] { late = store->sync().has_value(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  environment->inject({.calls = kCallWrite});
  BOOST_TEST(!store->put("key", "value").has_value());
  BOOST_TEST(!store->close().has_value());  // and so it does not wait for the sync
  const auto manifest = environment->contents(kManifestFile);
  environment->release_syncs();
  thread.join();
  BOOST_TEST((environment->contents(kManifestFile) == manifest));
  BOOST_TEST(!late);
}

/// Somebody else's failure ends the wait for a seal.
BOOST_AUTO_TEST_CASE(who_waits_hears_of_a_failure_elsewhere) {
  const auto environment = SimulatedEnvironment::make();
  Timeline timeline(*environment);
  const Logger silent;
  Health health(silent);
  Segments segments;
  Sealer sealer({timeline, health, [](uint64_t) {}, []() -> Result<bool> { return true; },
                 [] { return ok(); }, [](const auto&) {}});
  /// Its write-back takes until it is told to end.
  class Busy final : public File {
   public:
    explicit Busy(std::unique_ptr<File> file) : file_(std::move(file)) {}
    Result<size_t> read(uint64_t offset, std::span<char> out) const override {
      return file_->read(offset, out);
    }
    Status write(uint64_t offset, std::span<const iovec> parts) override {
      return file_->write(offset, parts);
    }
    Status sync() override { return file_->sync(); }
    void start_writeback(uint64_t, uint64_t) override {
      begun = true;
      while (!ended) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    Status truncate(uint64_t size) override { return file_->truncate(size); }
    Result<uint64_t> size() const override { return file_->size(); }
    std::atomic<bool> begun{false}, ended{false};

   private:
    const std::unique_ptr<File> file_;
  };
  const auto busy = std::make_shared<Busy>(unwrap(environment->create("busy")));
  sealer.write_back(busy, {0, 1});
  while (!busy->begun) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  SegmentHeader header;
  header.id = kFirst;
  auto file = unwrap(ActiveSegment::create(*environment, header));
  REQUIRE_OK(file->finish(0, kFirst + 1));
  sealer.take({std::move(file), segments.add(header), 0});
  std::atomic<bool> waits{false};
  std::atomic<bool> failed{false};
  std::thread thread([&] {
    waits = true;
    failed = !sealer.drain().has_value();
  });
  while (!waits) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  (void)health.latch(Error{Errc::kIo}, "a sync failed");
  busy->ended = true;
  thread.join();
  BOOST_TEST(failed);
}

BOOST_FIXTURE_TEST_CASE(a_segment_that_cannot_be_sealed_latches_the_store, Slow) {
  hold();
  for (int i = 1; i < 14; ++i) put(i);
  environment->inject({.calls = kCallSync});
  environment->release_syncs();
  BOOST_TEST(!store->sync().has_value());
  CHECK_FAILS(Errc::kReadOnly, store->put("late", "value"));
  check_contents(*store, expected);
  BOOST_TEST(!store->close().has_value());
  // Nothing was lost by that alone: the process may end, the machine goes on.
  check_contents(*after_crash(Loss::kNothing), expected);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
