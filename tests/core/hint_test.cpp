// SPDX-License-Identifier: MIT
// Hints through the store and by themselves: never trusted, never fatal.
#include "core/log/hint.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "core/log/scan.hpp"
#include "core/store/entries.hpp"
#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(hint)

Options hint_options() {
  auto options = quiet_options(4 << 10);
  options.inline_limit = 50;
  return options;
}

/// A closed store of several segments with every kind of record.
struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  Contents expected;

  Fixture() {
    auto store = open_store(environment, hint_options());
    Random random(base_seed());
    for (int i = 0; i < 60; ++i) {
      const auto key = numbered("key", random.below(30));
      switch (random.below(6)) {
        case 0:
          REQUIRE_OK(store->erase(key));
          break;
        case 1:
          REQUIRE_OK(store->truncate(key, random.below(300)));
          break;
        case 2:
          REQUIRE_OK(store->write_at(key, random.below(500), random.bytes(300)));
          break;
        case 3:
          if (store->contains(key)) REQUIRE_OK(store->punch(key, 10, 40));
          break;
        default:
          REQUIRE_OK(store->put(key, random.bytes(random.below(700))));
          break;
      }
    }
    expected = contents_of(*store);
    REQUIRE_OK(store->close());
  }

  /// Opens a copy with this image; contents must be right, and all hints there in the end.
  void check_image(const Image& image) const {
    const auto copy = SimulatedEnvironment::make(image);
    auto store = open_store(copy, hint_options());
    check_contents(*store, expected);
    REQUIRE_OK(store->close());
    BOOST_REQUIRE_EQUAL(copy->files(".hint").size(), copy->files(".data").size());
    store = open_store(copy, hint_options());
    check_contents(*store, expected);
    BOOST_REQUIRE(unwrap(store->verify()).clean());
  }
};

BOOST_FIXTURE_TEST_CASE(every_sealed_segment_has_a_hint_after_close, Fixture) {
  BOOST_TEST(environment->files(".data").size() > 2u);
  BOOST_TEST(environment->files(".hint").size() == environment->files(".data").size());
  const auto store = open_store(environment, hint_options());
  for (const auto& s : store->stats().segments) BOOST_TEST((!s.sealed || s.has_hint));
  check_contents(*store, expected);
}

/// The background thread reads the heads of records only.
BOOST_AUTO_TEST_CASE(a_hint_made_of_heads_is_that_made_of_whole_records) {
  const auto environment = SimulatedEnvironment::make();
  auto options = quiet_options(128 << 10);
  options.inline_limit = 50;
  auto store = open_store(environment, options);
  Random random(base_seed());
  std::deque<std::string> values;  // a batch has views of them
  const auto some_bytes = [&] {
    constexpr std::array<uint64_t, 4> kMost = {40, 257, 5'000, 40'000};
    const auto most = kMost[random.below(kMost.size())];
    return std::string_view(values.emplace_back(random.bytes(random.below(most))));
  };
  WITH_SEED(base_seed()) {
    for (int i = 0; i < 200; ++i) {
      const auto key = [&] { return numbered("key", random.below(40)); };
      Batch batch;
      for (auto left = random.below(4); left > 0; --left) batch.put(key(), some_bytes());
      if (random.below(2) == 0) batch.write_at(key(), random.below(9'000), some_bytes());
      if (random.below(3) == 0) batch.truncate(key(), random.below(9'000));
      if (random.below(4) == 0) batch.erase(key());
      if (!batch.empty()) REQUIRE_OK(store->apply(batch));
    }
    REQUIRE_OK(store->close());
    const auto names = environment->files(".hint");
    BOOST_TEST(names.size() > 5u);
    const auto of_heads = environment->image();
    store = open_store(environment, options);
    const auto report = unwrap(store->rebuild_hints(true));
    BOOST_TEST(report.written == names.size());
    BOOST_TEST(report.kept == 0u);
    BOOST_TEST(report.damaged == 0u);
    for (const auto& name : names) {
      BOOST_TEST((of_heads.at(name) == environment->contents(name)), name);
    }
  }
}

/// What a scan in this mode finds, as a hint; nothing: the segment is damaged.
std::optional<std::string> hint_of(SimulatedEnvironment& environment, const std::string& name,
                                   SegmentScanner::Mode mode) {
  const auto file = unwrap(environment.open(name, Environment::Access::kRead));
  std::string head(kSegmentHeaderSize, 0);
  unwrap(file->read(0, head));
  const auto header = unwrap(decode_segment_header(head, name));
  SegmentScanner scanner(*file, header.seed(), kSegmentHeaderSize, unwrap(file->size()), mode);
  HintWriter hint(header.id);
  while (const auto* scanned = unwrap(scanner.next())) {
    if (describes_a_key(scanned->record.kind)) hint.add(entry_of(*scanned, 50));
  }
  if (!scanner.damages().empty() || !scanner.sealed()) return std::nullopt;
  return std::string(std::move(hint).finish(1));
}

BOOST_FIXTURE_TEST_CASE(heads_of_a_damaged_segment_make_the_right_hint_or_none, Fixture) {
  using enum SegmentScanner::Mode;
  std::map<std::string, std::string> intact;
  for (const auto& name : environment->files(".data")) {
    intact[name] = hint_of(*environment, name, kSealed).value();
    BOOST_TEST((hint_of(*environment, name, kHeads) == intact[name]));
  }
  Random random(base_seed());
  int none = 0, only_values = 0;
  WITH_SEED(base_seed()) {
    for (int i = 0; i < 2000; ++i) {
      auto image = environment->image();
      const auto& name = std::next(intact.begin(), long(random.below(intact.size())))->first;
      auto& bytes = image[name];
      const auto at = kSegmentHeaderSize + random.below(bytes.size() - kSegmentHeaderSize);
      if (random.below(4) == 0) {
        bytes.resize(at);
      } else {
        bytes[at] = char(bytes[at] ^ 1 << random.below(8));
      }
      const auto copy = SimulatedEnvironment::make(image);
      const auto hint = hint_of(*copy, name, kHeads);
      BOOST_REQUIRE((!hint || *hint == intact[name]));
      BOOST_REQUIRE((!hint_of(*copy, name, kSealed) || hint));
      ++(hint ? only_values : none);
    }
  }
  BOOST_TEST(none > 100);
  BOOST_TEST(only_values > 100);
}

BOOST_FIXTURE_TEST_CASE(opening_with_hints_reads_no_records, Fixture) {
  uint64_t data_bytes = 0;
  for (const auto& name : environment->files(".data")) {
    data_bytes += environment->contents(name).size();
    // Everything behind the header is unreadable now, and nobody notices.
    environment->zero(name, kSegmentHeaderSize, environment->contents(name).size() - 44 - 33);
  }
  BOOST_TEST(data_bytes > 10000u);
  const auto store = open_store(environment, hint_options());
  BOOST_TEST(store->count() == expected.size());
  for (const auto& [key, value] : expected) BOOST_TEST(*store->size(key) == value.size());
}

BOOST_FIXTURE_TEST_CASE(deleted_hints_are_rebuilt, Fixture) {
  auto image = environment->image();
  std::erase_if(image, [](const auto& file) { return file.first.ends_with(".hint"); });
  check_image(image);
  image = environment->image();
  image.erase(environment->files(".hint").front());
  check_image(image);
}

BOOST_FIXTURE_TEST_CASE(a_hint_damaged_at_any_byte_is_ignored_and_rebuilt, Fixture) {
  const auto name = environment->files(".hint").front();
  const auto size = environment->contents(name).size();
  for (uint64_t byte = 0; byte < size; byte += byte < 80 || byte + 40 > size ? 1 : 7) {
    BOOST_TEST_CONTEXT("byte " << byte) {
      auto image = environment->image();
      image[name][byte] = char(image[name][byte] ^ (1 << byte % 8));
      check_image(image);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_hint_cut_at_any_byte_is_ignored_and_rebuilt, Fixture) {
  const auto name = environment->files(".hint").front();
  const auto size = environment->contents(name).size();
  for (uint64_t cut = 0; cut < size; cut += cut < 80 || cut + 40 > size ? 1 : 11) {
    auto image = environment->image();
    image[name].resize(cut);
    check_image(image);
  }
  auto image = environment->image();
  image[name] += "trailing garbage";
  check_image(image);
}

BOOST_FIXTURE_TEST_CASE(the_hint_of_another_segment_is_ignored, Fixture) {
  auto image = environment->image();
  const auto hints = environment->files(".hint");
  image[hints[0]] = image[hints[1]];
  check_image(image);
}

BOOST_FIXTURE_TEST_CASE(an_empty_hint_is_ignored, Fixture) {
  auto image = environment->image();
  image[environment->files(".hint").front()] = "";
  check_image(image);
}

BOOST_AUTO_TEST_CASE(a_hint_of_another_length_of_its_segment_is_stale_and_ignored) {
  // Two stores that lived through the same moments: same segment id, different contents.
  const auto make = [](int keys) {
    const auto environment = SimulatedEnvironment::make();
    const auto store = open_store(environment, quiet_options());
    for (int i = 0; i < keys; ++i) REQUIRE_OK(store->put(numbered("key", i), "value"));
    REQUIRE_OK(store->close());
    return environment;
  };
  const auto three = make(3), five = make(5);
  BOOST_REQUIRE((three->files(".hint") == five->files(".hint")));
  const auto name = three->files(".hint").front();
  five->set_contents(name, three->contents(name));
  const auto store = open_store(five);
  BOOST_TEST(store->count() == 5u);
}

BOOST_FIXTURE_TEST_CASE(rebuild_writes_what_is_missing_and_with_all_everything, Fixture) {
  const auto hints = environment->files(".hint");
  const auto intact = environment->image();
  const auto store = open_store(environment, hint_options());
  environment->delete_file(hints.front());
  auto report = unwrap(store->rebuild_hints(false));
  BOOST_TEST(report.written <= 1u);
  report = unwrap(store->rebuild_hints(true));
  BOOST_TEST(report.written == hints.size());
  BOOST_TEST(report.kept == 0u);
  for (const auto& name : hints) {
    BOOST_TEST((environment->contents(name) == intact.at(name)), name << " differs");
  }
  report = unwrap(store->rebuild_hints(false));
  BOOST_TEST(report.written == 0u);
  BOOST_TEST(report.kept == hints.size());
}

BOOST_FIXTURE_TEST_CASE(hints_requested_while_the_background_writes_them_are_whole, Fixture) {
  for (int round = 0; round < 50; ++round) {
    for (const auto& name : environment->files(".hint")) environment->delete_file(name);
    const auto store =
        open_store(environment, hint_options());  // the background begins to write them
    REQUIRE_OK(store->rebuild_hints(false));
    BOOST_REQUIRE_EQUAL(unwrap(store->verify()).bad_hints, 0u);
    REQUIRE_OK(store->close());
  }
}

BOOST_FIXTURE_TEST_CASE(verify_counts_damaged_hints, Fixture) {
  const auto store = open_store(environment, hint_options());
  BOOST_TEST(unwrap(store->verify()).bad_hints == 0u);
  environment->flip_bit(environment->files(".hint").front(), 500);
  const auto report = unwrap(store->verify());
  BOOST_TEST(report.bad_hints == 1u);
  BOOST_TEST(!report.clean());
}

BOOST_AUTO_TEST_CASE(the_hint_of_a_segment_that_is_merged_while_it_is_verified_is_not_damaged) {
  const auto store = open_store(SimulatedEnvironment::make(), quiet_options(4 << 20));
  Random random(base_seed());
  for (int i = 0; i < 8; ++i) {
    REQUIRE_OK(store->put(numbered("key", uint64_t(i)), random.bytes(2 << 20)));
  }
  REQUIRE_OK(store->rebuild_hints(false));
  bool merged = false;
  const auto report = unwrap(store->verify([&](const Progress&) {
    if (!std::exchange(merged, true)) REQUIRE_OK(store->merge({.all = true}));
    return true;
  }));
  BOOST_TEST(merged);
  BOOST_TEST(report.bad_hints == 0u);
  BOOST_TEST(report.clean());
}

BOOST_AUTO_TEST_CASE(a_segment_that_is_sealed_while_it_is_verified_has_not_lost_its_end) {
  const auto store = open_store(SimulatedEnvironment::make(), quiet_options(4 << 20));
  Random random(base_seed());
  REQUIRE_OK(store->put("first", random.bytes(3 << 20)));
  bool sealed = false;
  const auto report = unwrap(store->verify([&](const Progress&) {
    if (!std::exchange(sealed, true)) REQUIRE_OK(store->put("second", random.bytes(3 << 20)));
    return true;
  }));
  BOOST_TEST(sealed);
  BOOST_TEST(report.clean());
}

BOOST_FIXTURE_TEST_CASE(a_failure_to_write_a_hint_loses_nothing, Fixture) {
  auto image = environment->image();
  std::erase_if(image, [](const auto& file) { return file.first.ends_with(".hint"); });
  const auto copy = SimulatedEnvironment::make(image);
  copy->inject({.calls = kCallsThatChange, .times = 0, .name_part = ".hint"});
  auto store = open_store(copy, hint_options());
  check_contents(*store, expected);
  REQUIRE_OK(store->put("new", "value"));
  (void)store->close();
  store.reset();
  copy->clear_faults();
  store = open_store(copy, hint_options());
  BOOST_TEST(unwrap(store->get("new")) == "value");
}

Entry entry(Kind kind, std::string_view key, uint64_t timestamp) {
  Entry e;
  e.record.kind = kind;
  e.record.key = key;
  e.record.timestamp = timestamp;
  e.record_offset = uint32_t(timestamp * 100);
  if (arguments_size(kind) >= 16) {
    e.record.generation = 7;
    e.record.offset = uint64_t{1} << 62;
  }
  if (kind == Kind::kPunch) e.record.length = uint64_t{1} << 61;
  return e;
}

std::string sample_hint() {
  HintWriter writer(42);
  uint64_t t = 1;
  for (const Kind kind : {Kind::kPut, Kind::kErase, Kind::kPiece, Kind::kTruncate, Kind::kPunch}) {
    writer.add(entry(kind, "key" + std::to_string(t), t));
    ++t;
  }
  auto with_value = entry(Kind::kPut, "inline", t);
  with_value.is_inline = true;
  with_value.value = "hello";
  with_value.record.value_size = 5;
  writer.add(with_value);
  return std::string(std::move(writer).finish(123456));
}

BOOST_AUTO_TEST_CASE(entries_round_trip_and_come_in_the_order_of_their_keys) {
  const auto bytes = sample_hint();
  auto reader = HintReader::open(bytes, 42, 123456);
  BOOST_REQUIRE(reader.has_value());
  BOOST_TEST(reader->entries() == 6u);
  Entry e;
  BOOST_REQUIRE(reader->next(e));
  BOOST_TEST(e.record.key == "inline");
  BOOST_TEST(e.is_inline);
  BOOST_TEST(e.value == "hello");
  uint64_t t = 1;
  for (const Kind kind : {Kind::kPut, Kind::kErase, Kind::kPiece, Kind::kTruncate, Kind::kPunch}) {
    BOOST_REQUIRE(reader->next(e));
    const auto key = "key" + std::to_string(t);
    const auto expected = entry(kind, key, t++);
    BOOST_TEST(int(e.record.kind) == int(kind));
    BOOST_TEST(e.record.key == key);
    BOOST_TEST(e.record.timestamp == expected.record.timestamp);
    BOOST_TEST(e.record_offset == expected.record_offset);
    BOOST_TEST(e.record.generation == expected.record.generation);
    BOOST_TEST(e.record.offset == expected.record.offset);
    BOOST_TEST(e.record.length == expected.record.length);
    BOOST_TEST(!e.is_inline);
  }
  BOOST_TEST(!reader->next(e));
}

/// Keys that share long beginnings, some of them many times, in a random order.
std::vector<std::pair<std::string, uint32_t>> many_entries(HintWriter& writer) {
  Random random(base_seed());
  std::vector<std::pair<std::string, uint32_t>> expected;
  for (uint32_t i = 0; i < 20'000; ++i) {
    const auto key = random.one_in(10) ? std::string("often")
                                       : std::string(random.below(20), 'k') + random.bytes(2);
    auto e = entry(Kind::kPiece, key, 42 + i);  // puts might be left out
    e.record_offset = i * 50;
    expected.emplace_back(key, e.record_offset);
    writer.add(e);
  }
  std::sort(expected.begin(), expected.end());
  return expected;
}

BOOST_AUTO_TEST_CASE(entries_of_one_key_keep_the_order_of_the_segment) {
  HintWriter writer(42);
  const auto expected = many_entries(writer);
  const auto bytes = std::move(writer).finish(1'000'000);
  auto reader = HintReader::open(bytes, 42, 1'000'000);
  BOOST_REQUIRE(reader.has_value());
  Entry e;
  for (const auto& [key, offset] : expected) {
    BOOST_REQUIRE(reader->next(e));
    BOOST_REQUIRE(e.record.key == key);
    BOOST_REQUIRE(e.record_offset == offset);
  }
  BOOST_TEST(!reader->next(e));
}

BOOST_AUTO_TEST_CASE(puts_between_the_oldest_and_the_newest_of_a_key_are_left_out) {
  HintWriter writer(42);
  uint32_t offset = 0;
  const auto add = [&](Kind kind, std::string_view key, uint64_t timestamp) {
    auto e = entry(kind, key, timestamp);
    e.record_offset = ++offset;
    writer.add(e);
  };
  for (const uint64_t t : {1, 2, 3}) add(Kind::kPut, "two", t);
  for (const uint64_t t : {11, 12}) add(Kind::kPut, "both", t);
  // As a merge could write them.
  for (const uint64_t t : {22, 24, 21, 23}) add(Kind::kPut, "in disorder", t);
  for (const uint64_t t : {31, 33, 35, 37}) add(Kind::kPut, "mixed", t);
  add(Kind::kErase, "mixed", 32);
  add(Kind::kPiece, "mixed", 34);
  add(Kind::kTruncate, "mixed", 36);
  for (const uint64_t t : {41, 41, 41}) add(Kind::kPut, "copies", t);
  const auto bytes = std::move(writer).finish(123456);
  auto reader = HintReader::open(bytes, 42, 123456);
  BOOST_REQUIRE(reader.has_value());
  std::map<std::string, std::vector<uint64_t>> times;
  for (Entry e; reader->next(e);) times[std::string(e.record.key)].push_back(e.record.timestamp);
  using Times = std::vector<uint64_t>;
  BOOST_TEST(times["two"] == (Times{1, 3}), boost::test_tools::per_element());
  BOOST_TEST(times["both"] == (Times{11, 12}), boost::test_tools::per_element());
  BOOST_TEST(times["in disorder"] == (Times{24, 21}), boost::test_tools::per_element());
  BOOST_TEST(times["mixed"] == (Times{31, 37, 32, 34, 36}), boost::test_tools::per_element());
  BOOST_TEST(times["copies"] == (Times{41, 41, 41}), boost::test_tools::per_element());
  BOOST_TEST(reader->entries() == 14u);
}

BOOST_AUTO_TEST_CASE(a_key_that_is_put_again_and_again_takes_two_entries) {
  auto environment = SimulatedEnvironment::make();
  auto store = open_store(environment, hint_options());
  for (int i = 0; i < 500; ++i) REQUIRE_OK(store->put("counter", numbered("value", i)));
  const auto counts = store->stats().segments;
  REQUIRE_OK(store->close());
  uint64_t hints = 0;
  for (const auto& [name, bytes] : environment->image()) {
    if (name.ends_with(kHintSuffix)) hints += bytes.size();
  }
  BOOST_TEST(hints / counts.size() < 200u);

  for (const bool damage_a_block : {false, true}) {
    auto image = environment->image();
    if (damage_a_block) image[environment->files(kHintSuffix).front()][40] ^= 1;
    store = open_store(SimulatedEnvironment::make(image), hint_options());
    BOOST_TEST(unwrap(store->get("counter")) == numbered("value", 499));
    const auto reopened = store->stats().segments;
    BOOST_REQUIRE(reopened.size() == counts.size());
    for (size_t i = 0; i < counts.size(); ++i) {
      BOOST_TEST(reopened[i].live_records == counts[i].live_records);
      BOOST_TEST(reopened[i].dead_records == counts[i].dead_records);
      BOOST_TEST(reopened[i].dead_bytes == counts[i].dead_bytes);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_cursor_finds_every_key_from_which_it_is_to_go_on) {
  HintWriter writer(42);
  const auto expected = many_entries(writer);
  const auto bytes = std::move(writer).finish(1'000'000);
  const auto read = read_from(bytes);
  const auto index = HintIndex::read(read, bytes.size(), 42, 1'000'000);
  BOOST_REQUIRE(index.has_value());
  BOOST_TEST(index->blocks().size() > 10u);
  Random random(base_seed());
  for (int i = 0; i < 200; ++i) {
    const auto from = random.one_in(20) ? "often" : expected[random.below(expected.size())].first;
    HintCursor cursor(*index, read, 1);
    cursor.seek(from);
    Entry e;
    do {
      BOOST_REQUIRE(unwrap(cursor.next(e)));
    } while (e.record.key < from);
    const auto first = std::lower_bound(expected.begin(), expected.end(), std::pair(from, 0u));
    BOOST_TEST(e.record.key == first->first);
    BOOST_TEST(e.record_offset == first->second);
  }
}

BOOST_AUTO_TEST_CASE(every_flipped_bit_and_every_cut_of_a_hint_is_refused) {
  const auto intact = sample_hint();
  auto bytes = intact;
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] = char(bytes[bit / 8] ^ (1 << bit % 8));
    BOOST_TEST(!HintReader::open(bytes, 42, 123456).has_value(), "bit " << bit);
    bytes[bit / 8] = char(bytes[bit / 8] ^ (1 << bit % 8));
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    BOOST_TEST(!HintReader::open(intact.substr(0, size), 42, 123456).has_value());
  }
  BOOST_TEST(!HintReader::open(intact, 43, 123456).has_value());
  BOOST_TEST(!HintReader::open(intact, 42, 123457).has_value());
}

size_t bytes_for_each(const std::function<std::string(uint64_t)>& key) {
  constexpr uint64_t kKeys = 5000;
  HintWriter writer(42);
  std::vector<std::string> keys;
  for (uint64_t i = 0; i < kKeys; ++i) {
    keys.push_back(key(i));
    writer.add(entry(Kind::kPut, keys.back(), i + 1));
  }
  const auto bytes = std::move(writer).finish(1'000'000);
  auto reader = HintReader::open(bytes, 42, 1'000'000);
  BOOST_REQUIRE(reader.has_value());
  std::sort(keys.begin(), keys.end());
  Entry e;
  for (const auto& expected : keys) {
    BOOST_REQUIRE(reader->next(e));
    BOOST_REQUIRE(e.record.key == expected);
  }
  return bytes.size() / kKeys;
}

BOOST_AUTO_TEST_CASE(what_keys_have_in_common_takes_little) {
  Random random(base_seed());
  const auto path = [&](uint64_t i) {
    return std::to_string(random.below(1'000'000)) + "/usr/share/memoria/" + std::to_string(i);
  };
  const auto number = [&](uint64_t) {
    std::string key;
    for (int i = 0; i < 30; ++i) key.push_back(char(random.below(256)));
    return key;
  };
  BOOST_TEST(bytes_for_each(path) < 20u);
  BOOST_TEST(bytes_for_each(number) < 30u + 10);
}

BOOST_AUTO_TEST_CASE(a_hint_without_entries_is_a_hint) {
  const auto bytes = HintWriter(1).finish(2);
  auto reader = HintReader::open(bytes, 1, 2);
  BOOST_REQUIRE(reader.has_value());
  Entry e;
  BOOST_TEST(reader->entries() == 0u);
  BOOST_TEST(!reader->next(e));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
