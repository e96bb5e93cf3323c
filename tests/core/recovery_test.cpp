// SPDX-License-Identifier: MIT
// What a crash can leave behind, and what opening makes of it.
#include <algorithm>

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(recovery)

/// The image of a store that was killed after these changes (nothing of them is lost).
Image killed_after(const std::function<void(Store&)>& changes,
                   const Options& options = quiet_options()) {
  const auto environment = SimulatedEnvironment::make();
  auto store = open_store(environment, options);
  changes(*store);
  Random random(base_seed());
  return environment->after_crash(Loss::kNothing, random);
}

/// The image of a closed store.
Image closed_after(const std::function<void(Store&)>& changes) {
  const auto environment = SimulatedEnvironment::make();
  auto store = open_store(environment);
  changes(*store);
  REQUIRE_OK(store->close());
  return environment->image();
}

std::string newest_data_file(const Image& image) {
  std::string newest;
  for (const auto& [name, bytes] : image) {
    if (name.ends_with(".data")) newest = std::max(newest, name);
  }
  return newest;
}

/// Opens, checks, goes on writing, reopens, checks again.
void check_recovers(const Image& image, Contents expected) {
  const auto environment = SimulatedEnvironment::make(image);
  auto store = open_store(environment);
  check_contents(*store, expected);
  REQUIRE_OK(store->put("written after recovery", "value"));
  expected["written after recovery"] = "value";
  reopen(store, environment);
  check_contents(*store, expected);
  for (const auto& damage : unwrap(store->verify()).damages) {
    BOOST_ERROR("damage in " << damage.segment << " at " << damage.offset << ": " << damage.reason);
  }
  BOOST_REQUIRE_EQUAL(unwrap(store->verify()).bad_hints, 0u);
  for (const auto& [name, bytes] : environment->image()) {
    BOOST_REQUIRE_MESSAGE(!name.ends_with(".merge") && !name.ends_with(".tmp"), name << " is left");
  }
}

BOOST_AUTO_TEST_CASE(a_killed_store_loses_nothing_that_had_returned) {
  Contents expected;
  const auto image = killed_after([&](Store& store) {
    for (int i = 0; i < 50; ++i) {
      const auto key = numbered("key", i);
      expected[key] = std::string(size_t(i) * 40, 'x');
      REQUIRE_OK(store.put(key, expected[key]));
    }
  });
  check_recovers(image, expected);
}

BOOST_AUTO_TEST_CASE(the_last_record_torn_at_any_byte_is_dropped_and_nothing_else) {
  for (const size_t last_size : {20, 400}) {
    const auto image = killed_after([&](Store& store) {
      REQUIRE_OK(store.put("a", "1"));
      REQUIRE_OK(store.put("b", std::string(300, 'b')));
      REQUIRE_OK(store.put("a", std::string(last_size, 'z')));
    });
    const auto name = newest_data_file(image);
    const auto segment = read_segment(image.at(name));
    const auto [at, size] = segment.top_level.back();
    for (uint64_t cut = at; cut < at + size; ++cut) {
      auto torn = image;
      torn[name].resize(cut);
      check_recovers(torn, {{"a", "1"}, {"b", std::string(300, 'b')}});
      torn[name].resize(at + size + 100, '\0');
      check_recovers(torn, {{"a", "1"}, {"b", std::string(300, 'b')}});
    }
  }
}

BOOST_AUTO_TEST_CASE(garbage_behind_the_last_record_is_cut_off) {
  const auto image = killed_after([](Store& store) { REQUIRE_OK(store.put("a", "1")); });
  const auto name = newest_data_file(image);
  const auto end = read_segment(image.at(name)).end;
  Random random(base_seed());
  for (const size_t size : {1, 24, 25, 26, 511, 4096, 70000}) {
    auto damaged = image;
    damaged[name] = damaged[name].substr(0, end) + random.bytes(size);
    check_recovers(damaged, {{"a", "1"}});
    // As if the sector in front was lost and one behind was not.
    damaged[name] = damaged[name].substr(0, end) + std::string(512, '\0') + random.bytes(size);
    check_recovers(damaged, {{"a", "1"}});
  }
}

BOOST_AUTO_TEST_CASE(an_old_record_that_lies_behind_the_end_again_does_not_come_back) {
  // A recycled block, or a file whose content is itself a segment: the bytes of a valid record.
  const auto image = killed_after([](Store& store) {
    REQUIRE_OK(store.put("a", "old"));
    REQUIRE_OK(store.put("a", "new"));
  });
  const auto name = newest_data_file(image);
  const auto segment = read_segment(image.at(name));
  const auto [at, size] = segment.top_level.front();
  auto damaged = image;
  damaged[name].resize(segment.end);
  damaged[name] += image.at(name).substr(at, size);
  check_recovers(damaged, {{"a", "new"}});
}

BOOST_AUTO_TEST_CASE(a_bad_record_in_front_of_intact_unsynced_ones_ends_the_log) {
  const auto image = killed_after([](Store& store) {
    REQUIRE_OK(store.put("a", "1"));
    REQUIRE_OK(store.sync());
    REQUIRE_OK(store.put("b", "2"));
    REQUIRE_OK(store.put("c", "3"));
  });
  const auto name = newest_data_file(image);
  const auto [at, size] = read_segment(image.at(name)).top_level.at(1);
  auto damaged = image;
  damaged[name].replace(at, size, std::string(size, '\0'));
  check_recovers(damaged, {{"a", "1"}});
}

BOOST_AUTO_TEST_CASE(a_zero_length_newest_file_is_removed_and_blocks_nothing) {
  auto image = closed_after([](Store& store) { REQUIRE_OK(store.put("a", "1")); });
  const auto id = *segment_id(newest_data_file(image), kDataSuffix);
  image[segment_file(id + 1000, kDataSuffix)] = "";
  check_recovers(image, {{"a", "1"}});
}

/// The header that the same store would give to segment `id`.
std::string header_like(const Image& image, uint64_t id) {
  auto header = unwrap(decode_segment_header(image.at(newest_data_file(image)), "model"));
  header.id = id;
  return encode_segment_header(header);
}

BOOST_AUTO_TEST_CASE(a_newest_file_cut_within_its_header_is_removed) {
  const auto image = closed_after([](Store& store) { REQUIRE_OK(store.put("a", "1")); });
  const auto id = *segment_id(newest_data_file(image), kDataSuffix) + 1000;
  for (size_t size = 0; size <= kSegmentHeaderSize; ++size) {
    for (const bool padded : {false, true}) {
      BOOST_TEST_CONTEXT("size " << size << ", padded " << padded) {
        auto damaged = image;
        auto& bytes = damaged[segment_file(id, kDataSuffix)];
        bytes = header_like(image, id).substr(0, size);
        if (padded) bytes.resize(4096, '\0');
        check_recovers(damaged, {{"a", "1"}});
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_store_that_was_killed_while_being_made_opens_empty) {
  for (size_t size = 0; size <= kSegmentHeaderSize; ++size) {
    RawSegmentWriter writer(1'600'000'000'000'000'000);
    check_recovers({{writer.file_name(), writer.bytes().substr(0, size)}}, {});
  }
}

BOOST_AUTO_TEST_CASE(orphaned_merge_hint_and_temporary_files_are_removed) {
  auto image = killed_after([](Store& store) { REQUIRE_OK(store.put("a", "1")); });
  image["1500000000000000001.merge"] = "half a merge";
  image["1500000000000000002.hint"] = "a hint without data";
  image["1500000000000000003.hint.tmp"] = "half a hint";
  const auto environment = SimulatedEnvironment::make(image);
  const auto store = open_store(environment);
  check_contents(*store, {{"a", "1"}});
  for (const auto& name :
       {"1500000000000000001.merge", "1500000000000000002.hint", "1500000000000000003.hint.tmp"}) {
    BOOST_TEST(!environment->exists(name), name << " is still there");
  }
}

BOOST_AUTO_TEST_CASE(files_that_are_not_ours_are_left_alone) {
  auto image = killed_after([](Store& store) { REQUIRE_OK(store.put("a", "1")); });
  for (const auto& name : {"notes.txt", ".hidden", "x.data", "12.hint", "snapshots/"}) {
    image[name] = "";
  }
  const auto environment = SimulatedEnvironment::make(image);
  const auto store = open_store(environment);
  check_contents(*store, {{"a", "1"}});
  for (const auto& name : {"notes.txt", ".hidden", "x.data", "12.hint", "snapshots/"}) {
    BOOST_TEST(environment->exists(name), name << " is gone");
  }
}

BOOST_AUTO_TEST_CASE(a_segment_under_another_name_is_still_what_its_header_says) {
  auto image = closed_after([](Store& store) {
    REQUIRE_OK(store.put("a", "1"));
    REQUIRE_OK(store.put("b", std::string(1000, 'b')));
  });
  const auto name = newest_data_file(image);
  image[segment_file(1'700'000'000'000'000'000, kDataSuffix)] = image[name];
  // A copy beside the original.
  const auto copied = SimulatedEnvironment::make(image);
  auto store = open_store(copied);
  check_contents(*store, {{"a", "1"}, {"b", std::string(1000, 'b')}});
  REQUIRE_OK(store->erase("a"));
  reopen(store, copied);
  check_contents(*store, {{"b", std::string(1000, 'b')}});
  // Only the copy, under its new name.
  image.erase(name);
  const auto renamed = SimulatedEnvironment::make(image);
  store = open_store(renamed);
  check_contents(*store, {{"a", "1"}, {"b", std::string(1000, 'b')}});
  unwrap(store->merge({.all = true}));
  reopen(store, renamed);
  check_contents(*store, {{"a", "1"}, {"b", std::string(1000, 'b')}});
}

BOOST_AUTO_TEST_CASE(segments_of_two_stores_in_one_directory_are_named_and_left_alone) {
  // Taking either for the store would make the other's values disappear.
  const auto image = closed_after([](Store& store) { REQUIRE_OK(store.put("a", "1")); });
  const auto own = newest_data_file(image);
  for (const int64_t distance : {-1000, 1000}) {
    auto mixed = image;
    const auto id = uint64_t(int64_t(*segment_id(own, kDataSuffix)) + distance);
    RawSegmentWriter foreign(id);
    foreign.put("a", "stranger", id + 1).seal(id + 2);
    mixed[foreign.file_name()] = foreign.bytes();
    const auto environment = SimulatedEnvironment::make(mixed);
    const auto opened = Store::open(environment, quiet_options());
    CHECK_FAILS(Errc::kCorrupt, opened);
    if (opened) continue;
    BOOST_TEST(opened.error().message.find(own) != std::string::npos);
    BOOST_TEST(opened.error().message.find(foreign.file_name()) != std::string::npos);
    BOOST_TEST((environment->image() == mixed));
  }
}

BOOST_AUTO_TEST_CASE(the_clock_jumping_backwards_between_opens_changes_nothing) {
  const auto environment = SimulatedEnvironment::make();
  Contents expected;
  for (int round = 0; round < 6; ++round) {
    environment->set_clock(2'000'000'000'000'000'000u - uint64_t(round) * 100'000'000'000'000u);
    auto store = open_store(environment);
    check_contents(*store, expected);
    expected["same"] = std::to_string(round);
    REQUIRE_OK(store->put("same", expected["same"]));
    const auto key = numbered("key", round);
    expected[key] = "v";
    REQUIRE_OK(store->put(key, "v"));
    if (round > 1) {
      REQUIRE_OK(store->erase(numbered("key", round - 2)));
      expected.erase(numbered("key", round - 2));
    }
    if (round % 2 == 0) {
      REQUIRE_OK(store->close());
      continue;
    }
    // Killed: the newest segment by name need not be the unsealed one by time.
    Random random(base_seed());
    const auto image = environment->after_crash(Loss::kNothing, random);
    check_recovers(image, expected);
  }
  check_contents(*open_store(environment), expected);
}

BOOST_AUTO_TEST_CASE(an_older_segment_without_a_seal_is_scanned_and_not_cut) {
  // Cannot happen by a crash (sealing syncs), but by a restored backup.
  constexpr uint64_t kId = 1'500'000'000'000'000'000;
  RawSegmentWriter old_segment(kId), new_segment(kId + 1);
  old_segment.put("a", "1", 10).put("b", "2", 11);
  new_segment.put("a", "3", 20).seal(21);
  const auto environment =
      SimulatedEnvironment::make({{old_segment.file_name(), old_segment.bytes()},
                                  {new_segment.file_name(), new_segment.bytes()}});
  auto store = open_store(environment);
  check_contents(*store, {{"a", "3"}, {"b", "2"}});
  reopen(store, environment);
  check_contents(*store, {{"a", "3"}, {"b", "2"}});
}

BOOST_AUTO_TEST_CASE(a_seal_with_old_bytes_behind_it_is_still_the_end) {
  // The cut of an earlier recovery was lost, its seal was not.
  constexpr uint64_t kId = 1'500'000'000'000'000'000;
  RawSegmentWriter writer(kId);
  writer.put("a", "1", 10);
  const auto cut = writer.bytes().size();
  RawSegmentWriter longer = writer;
  longer.put("b", std::string(200, 'b'), 11);
  writer.seal(50);
  auto bytes = longer.bytes();
  bytes.replace(cut, writer.bytes().size() - cut, writer.bytes().substr(cut));
  const auto environment = SimulatedEnvironment::make({{writer.file_name(), bytes}});
  auto store = open_store(environment);
  check_contents(*store, {{"a", "1"}});
  REQUIRE_OK(store->put("c", "3"));
  reopen(store, environment);
  check_contents(*store, {{"a", "1"}, {"c", "3"}});
}

BOOST_AUTO_TEST_CASE(intact_records_behind_a_seal_do_not_count) {
  // As above, and the seal happens to be as long as the torn record that it took the place of:
  // behind it lies a record that is intact and in its own place.
  constexpr uint64_t kId = 1'500'000'000'000'000'000;
  RawSegmentWriter torn(kId), sealed(kId);
  torn.put("a", "1", 10);
  sealed.put("a", "1", 10);
  const auto cut = torn.bytes().size();
  torn.erase("8 bytes!", 11).put("b", "2", 12);
  sealed.seal(50);
  BOOST_REQUIRE_EQUAL(sealed.bytes().size() - cut, record_size(Kind::kErase, 8, 0));
  auto bytes = torn.bytes();
  bytes.replace(cut, sealed.bytes().size() - cut, sealed.bytes().substr(cut));
  const auto environment = SimulatedEnvironment::make({{sealed.file_name(), bytes}});
  auto store = open_store(environment);
  check_contents(*store, {{"a", "1"}});
  reopen(store, environment);
  check_contents(*store, {{"a", "1"}});
}

BOOST_AUTO_TEST_CASE(recovery_by_several_threads_gives_the_same) {
  const auto environment = SimulatedEnvironment::make();
  auto options = quiet_options(4 << 10);
  auto store = open_store(environment, options);
  Random random(base_seed());
  for (int i = 0; i < 500; ++i) {
    const auto key = numbered("key", random.below(50));
    if (random.one_in(5)) {
      REQUIRE_OK(store->erase(key));
    } else if (random.one_in(2)) {
      REQUIRE_OK(store->write_at(key, random.below(300), random.bytes(50)));
    } else {
      REQUIRE_OK(store->put(key, random.bytes(200)));
    }
  }
  const auto expected = contents_of(*store);
  for (const unsigned threads : {1u, 2u, 7u, 0u}) {
    options.recovery_threads = threads;
    reopen(store, environment, options);
    check_contents(*store, expected);
    for (const auto& hint : environment->files(".hint")) environment->delete_file(hint);
    reopen(store, environment, options);
    check_contents(*store, expected);
  }
}

BOOST_AUTO_TEST_CASE(a_read_only_open_changes_nothing_on_disk_and_takes_no_lock) {
  auto image = killed_after([](Store& store) {
    REQUIRE_OK(store.put("a", "1"));
    REQUIRE_OK(store.put("b", "2"));
  });
  image["1500000000000000001.merge"] = "half a merge";
  const auto name = newest_data_file(image);
  image[name] += "garbage";
  const auto environment = SimulatedEnvironment::make(image);
  auto options = quiet_options();
  options.read_only = true;
  const auto changes = environment->calls(kCallsThatChange);
  const auto store = open_store(environment, options);
  const auto second = open_store(environment, options);
  check_contents(*store, {{"a", "1"}, {"b", "2"}});
  CHECK_FAILS(Errc::kReadOnly, store->put("c", "3"));
  CHECK_FAILS(Errc::kReadOnly, store->erase("a"));
  CHECK_FAILS(Errc::kReadOnly, store->merge({.all = true}));
  REQUIRE_OK(store->close());
  BOOST_TEST(environment->calls(kCallsThatChange) == changes);
  BOOST_TEST(environment->calls(kCallLock) == 0u);
  BOOST_TEST((environment->image() == image));
}

BOOST_AUTO_TEST_CASE(a_hint_that_cannot_be_opened_for_want_of_descriptors_is_not_missing) {
  const auto environment = SimulatedEnvironment::make(
      closed_after([](Store& store) { REQUIRE_OK(store.put("a", "1")); }));
  const auto hint = environment->files(".hint").front();
  // It is opened once more for its entries.
  for (const uint64_t n : {1, 2}) {
    environment->inject({.calls = kCallOpen, .nth = n, .error = EMFILE, .name_part = hint});
    const auto refused = Store::open(environment, quiet_options());
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST(refused.error().lacks_descriptors());
    environment->clear_faults();
  }
  check_contents(*open_store(environment), {{"a", "1"}});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
