// SPDX-License-Identifier: MIT
// Rot in sealed segments: an error for exactly what was hit, never an older or another value.
#include <algorithm>
#include <cerrno>
#include <set>

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(damage)

/// A closed store in which every key had an older value, in another segment.
struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  Contents old_values, expected;
  Options options = quiet_options(16 << 10);

  Fixture() {
    Random random(base_seed());
    auto store = open_store(environment, options);
    for (int i = 0; i < 12; ++i) {
      const auto key = numbered("key", i);
      old_values[key] = random.bytes(300);
      REQUIRE_OK(store->put(key, old_values[key]));
    }
    reopen(store, environment, options);
    for (int i = 0; i < 12; ++i) {
      const auto key = numbered("key", i);
      expected[key] = random.bytes(size_t(40) << (i % 4 * 2));
      REQUIRE_OK(store->put(key, expected[key]));
    }
    REQUIRE_OK(store->erase("key00011"));
    expected.erase("key00011");
    REQUIRE_OK(store->close());
  }

  /// The file that holds the newest values.
  std::string newest() const { return environment->files(".data").back(); }

  /// Reads every key: the right value or an error. Returns how many are wrong or missing.
  static int errors_in(const Store& store, const Contents& right) {
    int errors = 0;
    for (const auto& [key, value] : right) {
      const auto got = store.get(key);
      if (!got) {
        BOOST_REQUIRE_MESSAGE(got.error().code == Errc::kCorrupt || got.error().code == Errc::kIo,
                              key << " is " << explain(got));
        ++errors;
      } else {
        BOOST_REQUIRE_MESSAGE(got.value() == value, key << " has another value");
      }
    }
    return errors;
  }
};

BOOST_FIXTURE_TEST_CASE(any_flipped_bit_under_an_intact_hint_gives_the_value_or_an_error, Fixture) {
  const auto file = newest();
  const auto size = environment->contents(file).size();
  for (uint64_t byte = 0; byte < size; byte += byte < 200 ? 1 : 23) {
    BOOST_TEST_CONTEXT("byte " << byte) {
      auto image = environment->image();
      image[file][byte] = char(image[file][byte] ^ (1 << byte % 8));
      const auto copy = SimulatedEnvironment::make(image);
      const auto opened = Store::open(copy, options);
      if (!opened) {
        BOOST_REQUIRE(byte < kSegmentHeaderSize);
        continue;
      }
      const auto& store = *opened.value();
      BOOST_REQUIRE(errors_in(store, expected) <= 1);
      BOOST_REQUIRE(!store.contains("key00011"));
    }
  }
}

/// Whether the damage leaves the record's head readable. (Without it and without a hint nobody
/// knows whose record this was; verify then tells of the range.)
bool head_is_readable(const RawRecord& r, uint64_t byte) {
  const uint64_t at = byte - r.at;
  return (at >= 4 && at < 8) || at >= kHeadSize + r.key.size();
}

BOOST_FIXTURE_TEST_CASE(any_flipped_bit_without_hints_never_shows_an_older_version, Fixture) {
  const auto file = newest();
  const auto intact = environment->contents(file);
  const auto raw = read_segment(intact);
  for (uint64_t byte = kSegmentHeaderSize; byte < intact.size(); byte += byte < 500 ? 1 : 31) {
    BOOST_TEST_CONTEXT("byte " << byte) {
      auto image = environment->image();
      std::erase_if(image, [](const auto& f) { return f.first.ends_with(".hint"); });
      image[file][byte] = char(image[file][byte] ^ (1 << byte % 8));
      const auto store = open_store(SimulatedEnvironment::make(image), options);
      const auto hit = std::ranges::find_if(
          raw.records, [&](const RawRecord& r) { return r.at <= byte && byte < r.at + r.size; });
      // A hit seal is written anew.
      const bool seal_was_hit = byte >= intact.size() - kSealSize;
      BOOST_REQUIRE(unwrap(store->verify()).clean() == seal_was_hit);
      for (const auto& [key, value] : expected) {
        const auto got = store->get(key);
        const bool was_hit = hit != raw.records.end() && hit->key == key;
        if (!was_hit) {
          BOOST_REQUIRE_MESSAGE(got.has_value() && got.value() == value, key << " was not hit");
        } else if (head_is_readable(*hit, byte)) {
          CHECK_FAILS(Errc::kCorrupt, got);
        }
      }
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_damaged_tombstone_does_not_bring_the_value_back, Fixture) {
  const auto file = newest();
  const auto raw = read_segment(environment->contents(file));
  const auto& tombstone = raw.records.back();
  BOOST_REQUIRE(tombstone.kind == Kind::kErase);
  auto image = environment->image();
  std::erase_if(image, [](const auto& f) { return f.first.ends_with(".hint"); });
  // A bit of the key's checksum: the head's lengths still lead to the seal behind it.
  image[file][tombstone.at + 5] = char(image[file][tombstone.at + 5] ^ 1);
  const auto store = open_store(SimulatedEnvironment::make(image), options);
  const auto got = store->get("key00011");
  BOOST_TEST(!got.has_value());
}

BOOST_FIXTURE_TEST_CASE(verify_names_what_was_hit_and_its_key, Fixture) {
  const auto file = newest();
  const auto raw = read_segment(environment->contents(file));
  const auto record =
      std::ranges::find_if(raw.records, [](const RawRecord& r) { return r.key == "key00002"; });
  BOOST_REQUIRE(record != raw.records.end());
  environment->flip_bit(file, 8 * (record->at + record->size - 5));
  const auto store = open_store(environment, options);
  const auto report = unwrap(store->verify());
  BOOST_REQUIRE_EQUAL(report.damages.size(), 1u);
  BOOST_TEST(!report.clean());
  const auto& d = report.damages.front();
  BOOST_TEST(d.segment == raw.id);
  BOOST_TEST(d.key == "key00002");
  BOOST_TEST(d.live);
  BOOST_TEST(!d.reason.empty());
  BOOST_TEST(d.offset >= record->at);
  BOOST_TEST(d.offset + d.length <= record->at + record->size);
}

BOOST_FIXTURE_TEST_CASE(damage_to_history_only_is_reported_as_not_live, Fixture) {
  const auto file = environment->files(".data").front();
  const auto raw = read_segment(environment->contents(file));
  environment->flip_bit(file, 8 * (raw.records[3].at + raw.records[3].size - 5));
  const auto store = open_store(environment, options);
  BOOST_TEST(errors_in(*store, expected) == 0);
  const auto report = unwrap(store->verify());
  BOOST_REQUIRE_EQUAL(report.damages.size(), 1u);
  BOOST_TEST(!report.damages.front().live);
}

/// A closed store in which one key has many versions: its hint knows the oldest and the newest.
struct ManyVersions {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  std::string newest_value = numbered("value", 9);

  ManyVersions() {
    auto store = open_store(environment, quiet_options());
    REQUIRE_OK(store->put("first", "value"));
    for (int i = 0; i < 10; ++i) REQUIRE_OK(store->put("often", numbered("value", i)));
    REQUIRE_OK(store->put("last", "value"));
    REQUIRE_OK(store->close());
  }
  std::string file() const { return environment->files(".data").back(); }
};

BOOST_FIXTURE_TEST_CASE(damage_over_many_versions_is_named_to_the_last_byte, ManyVersions) {
  const auto raw = read_segment(environment->contents(file()));
  const auto& records = raw.records;
  const uint64_t end = records.back().at + records.back().size;
  for (const bool with_hint : {true, false}) {
    for (uint64_t from = records.front().at; from < end; from += 5) {
      for (uint64_t to = from + 1; to < end; to += 41) {
        auto image = environment->image();
        if (!with_hint)
          std::erase_if(image, [](const auto& f) { return f.first.ends_with(".hint"); });
        for (uint64_t at = from; at < to; ++at) image[file()][at] = char(~image[file()][at]);
        const auto store = open_store(SimulatedEnvironment::make(image), quiet_options());
        const auto report = unwrap(store->verify());
        std::set<uint64_t> named;
        for (const auto& damage : report.damages) {
          for (uint64_t i = 0; i < damage.length; ++i) named.insert(damage.offset + i);
        }
        for (uint64_t at = from; at < to; ++at) {
          BOOST_REQUIRE_MESSAGE(named.contains(at), from << " to " << to << ": byte " << at);
        }
        const auto got = store->get("often");
        const auto& newest = records[records.size() - 2];
        const bool hit = from < newest.at + newest.size && to > newest.at;
        if (with_hint || !hit) BOOST_REQUIRE(got.has_value() == !hit);
        if (got.has_value() && !hit) BOOST_REQUIRE(got.value() == newest_value);
      }
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_damaged_version_that_no_hint_has_is_history_of_its_key, ManyVersions) {
  const auto raw = read_segment(environment->contents(file()));
  constexpr uint64_t kAtCrc = 4;  // of a record
  environment->flip_bit(file(), 8 * (raw.records[5].at + kAtCrc));
  const auto store = open_store(environment, quiet_options());
  BOOST_TEST(unwrap(store->get("often")) == newest_value);
  const auto report = unwrap(store->verify());
  BOOST_REQUIRE_EQUAL(report.damages.size(), 1u);
  BOOST_TEST(report.damages.front().key == "often");
  BOOST_TEST(report.damages.front().offset == raw.records[5].at);
  BOOST_TEST(!report.damages.front().live);
}

/// Whatever a bit in the head of a piece says now, only the piece's range is lost, and what is
/// written to the key afterwards counts.
BOOST_AUTO_TEST_CASE(a_damaged_piece_takes_nothing_else_with_it) {
  const auto environment = SimulatedEnvironment::make();
  auto store = open_store(environment);
  std::string value(3000, 'a');
  REQUIRE_OK(store->put("key", value));
  for (int i = 0; i < 5; ++i) REQUIRE_OK(store->write_at("key", 500 * i, std::string(500, 'b')));
  value.replace(0, 2500, 2500, 'b');
  REQUIRE_OK(store->put("other", "value"));
  REQUIRE_OK(store->close());
  store.reset();
  auto sealed = environment->image();
  std::erase_if(sealed, [](const auto& file) { return file.first.ends_with(".hint"); });
  const auto file = environment->files(".data").front();
  const auto raw = read_segment(sealed.at(file));
  constexpr uint64_t kPiece = 3;  // of the records: the put comes first
  BOOST_REQUIRE(raw.records[kPiece].kind == Kind::kPiece);
  const uint64_t generation_at = raw.records[kPiece].at + kHeadSize + 3;
  for (uint64_t bit = 0; bit < 64; ++bit) {
    BOOST_TEST_CONTEXT("bit " << bit << " of the generation") {
      const auto damaged = SimulatedEnvironment::make(sealed);
      damaged->flip_bit(file, 8 * generation_at + bit);
      auto opened = open_store(damaged);
      std::string got(3000, '?');
      BOOST_TEST(opened->size("key").value_or(0) == 3000u);
      BOOST_TEST(unwrap(opened->read_at("key", 0, std::span(got).first(1000))) == 1000u);
      BOOST_TEST(got.substr(0, 1000) == value.substr(0, 1000));
      CHECK_FAILS(Errc::kCorrupt, opened->read_at("key", 1000, std::span(got).first(500)));
      BOOST_TEST(unwrap(opened->read_at("key", 1500, std::span(got).first(1500))) == 1500u);
      BOOST_TEST(got.substr(0, 1500) == value.substr(1500));
      REQUIRE_OK(opened->put("key", "new"));
      reopen(opened, damaged);
      BOOST_TEST(unwrap(opened->get("key")) == "new");
      REQUIRE_OK(opened->erase("key"));
      reopen(opened, damaged);
      BOOST_TEST(!opened->contains("key"));
    }
  }
}

/// In a merge's output records are in any order of their times.
BOOST_AUTO_TEST_CASE(a_damaged_record_of_a_merge_gives_an_error_whatever_its_time) {
  RawSegmentWriter older(1'500'000'000'000'000'000),
      output(1'600'000'000'000'000'000, Origin::kMerge);
  older.put("a", "an older version", 5).seal(7);
  output.put("b", "newer", 1000);
  const auto at = output.bytes().size();
  output.put("a", "older", 10).put("c", "newest", 2000).seal(3000);
  auto bytes = output.bytes();
  bytes[at + 4] ^= 1;  // the checksum
  const auto environment =
      SimulatedEnvironment::make({{older.file_name(), older.bytes()}, {output.file_name(), bytes}});
  const auto store = open_store(environment);
  CHECK_FAILS(Errc::kCorrupt, store->get("a"));
  BOOST_TEST(unwrap(store->get("b")) == "newer");
  BOOST_TEST(unwrap(store->get("c")) == "newest");
  const auto report = unwrap(store->verify());
  BOOST_REQUIRE(report.damages.size() == 1u);
  BOOST_TEST(report.damages[0].key == "a");
}

BOOST_FIXTURE_TEST_CASE(a_version_that_was_cut_off_gives_an_error_and_not_one_before_it,
                        ManyVersions) {
  const auto raw = read_segment(environment->contents(file()));
  for (size_t left = 0; left + 2 < raw.records.size(); ++left) {
    auto image = environment->image();
    image[file()].resize(raw.records[left].at + raw.records[left].size);
    const auto store = open_store(SimulatedEnvironment::make(image), quiet_options());
    CHECK_FAILS(Errc::kCorrupt, store->get("often"));
    CHECK_FAILS(Errc::kCorrupt, store->get("last"));
    BOOST_TEST(unwrap(store->get("first")) == "value");
    BOOST_TEST(!unwrap(store->verify()).clean());
  }
}

BOOST_FIXTURE_TEST_CASE(a_damaged_key_can_be_written_anew, Fixture) {
  const auto file = newest();
  const auto raw = read_segment(environment->contents(file));
  environment->flip_bit(file, 8 * (raw.records[2].at + raw.records[2].size - 5));
  auto store = open_store(environment, options);
  const auto key = raw.records[2].key;
  CHECK_FAILS(Errc::kCorrupt, store->get(key));
  REQUIRE_OK(store->put(key, "healed"));
  BOOST_TEST(unwrap(store->get(key)) == "healed");
  reopen(store, environment, options);
  BOOST_TEST(unwrap(store->get(key)) == "healed");
}

BOOST_FIXTURE_TEST_CASE(a_merge_neither_hides_nor_spreads_damage, Fixture) {
  const auto file = newest();
  const auto raw = read_segment(environment->contents(file));
  environment->flip_bit(file, 8 * (raw.records[2].at + raw.records[2].size - 5));
  const auto key = raw.records[2].key;
  auto store = open_store(environment, options);
  (void)store->merge({.all = true});
  BOOST_TEST(!store->get(key).has_value());
  BOOST_TEST(errors_in(*store, expected) == 1);
  reopen(store, environment, options);
  BOOST_TEST(!store->get(key).has_value());
  BOOST_TEST(errors_in(*store, expected) == 1);
}

BOOST_FIXTURE_TEST_CASE(zeroed_and_cut_sealed_segments_open_and_lose_only_what_they_held, Fixture) {
  const auto file = newest();
  const auto intact = environment->contents(file);
  for (int kind = 0; kind < 6; ++kind) {
    BOOST_TEST_CONTEXT("kind " << kind) {
      auto image = environment->image();
      if (kind % 2 == 0)
        std::erase_if(image, [](const auto& f) { return f.first.ends_with(".hint"); });
      if (kind < 2) image[file].replace(700, 4096, std::string(4096, '\0'));
      if (kind == 2 || kind == 3) image[file].resize(intact.size() / 2);
      if (kind > 3) image[file].resize(intact.size() - 10);
      // A file cut short looks like a crash's; whatever is shown must be one of the values it had.
      const auto copy = SimulatedEnvironment::make(image);
      auto store = open_store(copy, options);
      for (const auto& [key, value] : expected) {
        const auto got = store->get(key);
        if (!got.has_value()) continue;
        // Where not even a head is left and no hint, nobody knows of the newer version.
        const bool forgotten = kind >= 2 || kind == 0;
        BOOST_TEST((got.value() == value || (forgotten && got.value() == old_values[key])));
      }
      REQUIRE_OK(store->put("new", "value"));
      reopen(store, copy, options);
      BOOST_TEST(unwrap(store->get("new")) == "value");
    }
  }
}

BOOST_FIXTURE_TEST_CASE(reads_that_fail_are_counted, Fixture) {
  const auto store = open_store(environment, options);
  const auto before = store->stats().read_errors;
  environment->inject({.calls = kCallRead, .error = EIO});
  CHECK_FAILS(Errc::kIo, store->get("key00003"));
  BOOST_TEST(store->stats().read_errors == before + 1);
  BOOST_TEST((unwrap(store->get("key00003")) == expected["key00003"]));
  REQUIRE_OK(store->put("a failed read", "does not latch the store"));
}

BOOST_FIXTURE_TEST_CASE(a_segment_deleted_behind_our_back_is_an_error_not_an_older_value, Fixture) {
  auto store = open_store(environment, options);
  for (const auto& [key, value] : expected) unwrap(store->get(key));
  store.reset();
  store = open_store(environment, options);
  environment->delete_file(newest());
  for (const auto& [key, value] : expected) {
    const auto got = store->get(key);
    BOOST_TEST((!got.has_value() || got.value() == value));
  }
}

BOOST_FIXTURE_TEST_CASE(swapped_segments_do_not_pass_for_each_other, Fixture) {
  const auto files = environment->files(".data");
  auto image = environment->image();
  std::swap(image[files.front()], image[files.back()]);
  const auto opened = Store::open(SimulatedEnvironment::make(image), options);
  if (!opened) return;  // refusing is right, too
  BOOST_TEST(errors_in(*opened.value(), expected) <= int(expected.size()));
}

BOOST_FIXTURE_TEST_CASE(a_hit_block_leaves_the_others_of_a_small_record_readable, Fixture) {
  auto store = open_store(environment, quiet_options());
  const auto value = Random(1).bytes(20'000);
  REQUIRE_OK(store->put("blocks", value));
  REQUIRE_OK(store->close());
  const auto file = newest();
  environment->flip_bit(file, 8 * (environment->contents(file).find(value) + 100));
  store = open_store(environment, quiet_options());
  std::string bytes(value.size() - kBlockSize, '\0');
  REQUIRE_OK(store->read_at("blocks", kBlockSize, bytes));
  BOOST_TEST((bytes == value.substr(kBlockSize)));
  CHECK_FAILS(Errc::kCorrupt, store->get("blocks"));
  // And verify names the block, not the record.
  const auto report = unwrap(store->verify());
  BOOST_REQUIRE_EQUAL(report.damages.size(), 1u);
  BOOST_TEST(report.damages.front().value_offset == 0u);
  BOOST_TEST(report.damages.front().value_length == kBlockSize);
}

BOOST_AUTO_TEST_CASE(a_flipped_header_of_the_only_segment_costs_nothing_but_itself) {
  for (uint64_t bit = 0; bit < 8 * kSegmentHeaderSize; ++bit) {
    const auto environment = SimulatedEnvironment::make();
    auto store = open_store(environment);
    REQUIRE_OK(store->put("key", "value"));
    REQUIRE_OK(store->close());
    const auto file = environment->files(".data").front();
    environment->flip_bit(file, bit);
    store = open_store(environment);
    BOOST_TEST(unwrap(store->get("key")) == "value");
    const auto report = unwrap(store->verify());
    BOOST_REQUIRE_EQUAL(report.damages.size(), 1u);
    BOOST_TEST(report.damages.front().length == kSegmentHeaderSize);
  }
}

BOOST_FIXTURE_TEST_CASE(an_intact_hint_tells_what_a_segment_without_header_or_seal_held, Fixture) {
  const auto file = newest();
  const auto size = environment->contents(file).size();
  for (const bool header : {true, false}) {
    auto image = environment->image();
    if (header) {
      image[file].replace(0, size - 100, size - 100, '\0');
    } else {
      image[file].replace(100, size - 100, size - 100, '\0');
      image.erase("manifest");
    }
    const auto store = open_store(SimulatedEnvironment::make(image), options);
    BOOST_TEST(errors_in(*store, expected) >= 10);
    BOOST_TEST(!store->contains("key00011"));
    // Verify knows the keys, too.
    std::set<std::string> named;
    for (const auto& damage : unwrap(store->verify()).damages) {
      if (damage.live) named.insert(damage.key);
    }
    for (const auto& [key, value] : expected) {
      BOOST_TEST(named.contains(key) != store->get(key).has_value());
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_file_in_the_place_of_a_missing_one_does_not_take_its_hint, Fixture) {
  for (const bool has_seal : {true, false}) {
    const auto place = SimulatedEnvironment::make(environment->image());
    const auto files = place->files(".data");
    place->set_contents(files.back(), place->contents(files.front()));
    if (!has_seal) place->flip_bit(files.back(), place->contents(files.back()).size() * 8 - 1);
    place->delete_file(files.front());
    auto store = open_store(place, options);
    BOOST_TEST(errors_in(*store, expected) == int(expected.size()));
    REQUIRE_OK(store->put("new", "value"));
    unwrap(store->rebuild_hints(true));
    reopen(store, place, options);
    BOOST_TEST(errors_in(*store, expected) == int(expected.size()));
    BOOST_TEST(unwrap(store->get("new")) == "value");
  }
}

BOOST_FIXTURE_TEST_CASE(a_merge_of_a_renamed_file_replaces_no_other_segment, Fixture) {
  const auto files = environment->files(".data");
  environment->set_contents(files.back(), environment->contents(files.front()));
  environment->delete_file(files.front());
  const auto store = open_store(environment, options);
  REQUIRE_OK(store->put("new", "value"));
  unwrap(store->merge({.all = true}));
  // The record of what was replaced is still there after a crash.
  Random random(base_seed());
  const auto crashed =
      SimulatedEnvironment::make(environment->after_crash(Loss::kUnsynced, random));
  const auto again = open_store(crashed, options);
  BOOST_TEST(errors_in(*again, expected) == int(expected.size()));
}

BOOST_FIXTURE_TEST_CASE(a_copy_of_a_segment_does_not_outlive_it, Fixture) {
  environment->copy_file(environment->files(".data").front(), "0000000000000001000.data");
  auto store = open_store(environment, options);
  REQUIRE_OK(store->erase("key00002"));
  unwrap(store->merge({.all = true}));
  unwrap(store->merge({.all = true}));
  reopen(store, environment, options);
  BOOST_TEST(!store->contains("key00002"));
  BOOST_TEST(!store->contains("key00011"));
}

BOOST_FIXTURE_TEST_CASE(of_two_files_the_one_whose_header_is_intact_is_the_segment, Fixture) {
  const auto files = environment->files(".data");
  auto image = environment->image();
  std::swap(image[files.front()], image[files.back()]);
  image[files.back()][20] ^= 1;
  const auto place = SimulatedEnvironment::make(image);
  auto store = open_store(place, options);
  BOOST_TEST(errors_in(*store, expected) <= int(expected.size()));
  reopen(store, place, options);
  BOOST_TEST(errors_in(*store, expected) <= int(expected.size()));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
