// SPDX-License-Identifier: MIT
// A foreign log file from its beginning to its end: all that is intact is found, all that is not is
// told, and no size in it is believed.
#include "core/foreign/bitcask_format.hpp"
#include "core/foreign/original_format.hpp"
#include "core/foreign/segment_scan.hpp"
#include "tests/support/check.hpp"
#include "tests/support/foreign_records.hpp"
#include "tests/support/memory_source.hpp"

namespace memoria::test {
namespace {

using namespace foreign;
using namespace std::string_literals;
using Kind = DamagedPlace::Kind;

/// What a scan told, with what must always be so checked.
struct Told final : ScanVisitor {
  struct Damage {
    Kind kind;
    uint64_t offset, size;
    std::string key;
  };
  std::vector<std::string> keys;
  std::vector<Damage> damages;
  uint64_t end = 0;
  uint64_t stop_at = UINT64_MAX;
  size_t largest_read = 0;

  Status record(const IntactRecord& record) override {
    BOOST_REQUIRE_EQUAL(record.offset, end);
    end += record.size;
    keys.emplace_back(record.key);
    return ok();
  }
  Status damage(const DamagedPlace& place) override {
    BOOST_REQUIRE_EQUAL(place.offset, end);
    BOOST_REQUIRE(place.size > 0);
    end += place.size;
    damages.push_back({place.kind, place.offset, place.size, std::string(place.key.value_or(""))});
    return ok();
  }
  Status progress(uint64_t bytes) override {
    return bytes >= stop_at ? Status(Error(Errc::kCancelled)) : Status(ok());
  }
};

Told scan(const std::string& bytes, const LogFormat& format = BitcaskFormat()) {
  MemoryFiles files{.files = {{"f", {bytes}}}};
  Told told;
  REQUIRE_OK(scan_segment(MemorySourceFile(files, "f"), bytes.size(), format, told));
  BOOST_REQUIRE_EQUAL(told.end, bytes.size());
  told.largest_read = files.largest_read;
  return told;
}

std::string records(int first, int count, size_t value_size = 100) {
  std::string out;
  for (int i = first; i < first + count; ++i) {
    out += bitcask_record("key" + std::to_string(i), std::string(value_size, char('a' + i % 26)));
  }
  return out;
}

BOOST_AUTO_TEST_SUITE(foreign_scan)

BOOST_AUTO_TEST_CASE(an_intact_file_is_all_records) {
  BOOST_TEST(scan("").keys.empty());
  const auto told = scan(records(0, 3000) + bitcask_record("large", std::string(1 << 20, 'x')) +
                         bitcask_record("empty", "") + bitcask_record("", "of the empty key"));
  BOOST_TEST(told.keys.size() == 3003u);
  BOOST_TEST(told.damages.empty());
  BOOST_TEST(told.largest_read <= Window::kCapacity);
}

BOOST_AUTO_TEST_CASE(a_file_cut_at_any_byte_ends_in_a_torn_record) {
  const auto before = records(0, 2), last = records(2, 1);
  for (size_t cut = 1; cut < last.size(); ++cut) {
    BOOST_TEST_CONTEXT("cut at " << cut) {
      const auto told = scan(before + last.substr(0, cut));
      BOOST_REQUIRE_EQUAL(told.keys.size(), 2u);
      BOOST_REQUIRE_EQUAL(told.damages.size(), 1u);
      BOOST_REQUIRE((told.damages[0].kind == Kind::kTornTail));
      BOOST_REQUIRE_EQUAL(told.damages[0].key, cut >= 14 + 4 ? "key2" : "");
    }
  }
}

BOOST_AUTO_TEST_CASE(zeros_at_the_end_are_a_torn_tail) {
  const auto told = scan(records(0, 2) + std::string(600'000, '\0'));
  BOOST_REQUIRE(told.damages.size() == 1u);
  BOOST_TEST((told.damages[0].kind == Kind::kTornTail));
  const auto not_only = scan(records(0, 2) + std::string(600'000, '\0') + "x");
  BOOST_REQUIRE(not_only.damages.size() == 1u);
  BOOST_TEST((not_only.damages[0].kind == Kind::kRange));
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_costs_one_record_and_is_told) {
  const auto before = records(0, 3), hit = records(3, 1), behind = records(4, 3);
  for (size_t byte = 0; byte < hit.size(); ++byte) {
    for (const int bit : {0, 3, 7}) {
      BOOST_TEST_CONTEXT("byte " << byte << ", bit " << bit) {
        auto damaged = hit;
        damaged[byte] = char(damaged[byte] ^ (1 << bit));
        const auto told = scan(before + damaged + behind);
        BOOST_REQUIRE_EQUAL(told.keys.size(), 6u);
        BOOST_REQUIRE_EQUAL(told.keys[3], "key4");
        BOOST_REQUIRE_EQUAL(told.damages.size(), 1u);
        BOOST_REQUIRE_EQUAL(told.damages[0].offset, before.size());
        BOOST_REQUIRE_EQUAL(told.damages[0].size, hit.size());
        BOOST_REQUIRE((told.damages[0].kind != Kind::kTornTail));
        if (byte >= 18) BOOST_REQUIRE_EQUAL(told.damages[0].key, "key3");
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(behind_a_damaged_range_the_next_record_is_found) {
  Random random(base_seed());
  for (const size_t garbage : {1, 13, 14, 15, 5000, 400'000}) {
    const auto told = scan(records(0, 2) + random.bytes(garbage) + records(2, 2, 80'000));
    BOOST_TEST(told.keys.size() == 4u);
    BOOST_TEST(told.damages.size() == 1u);
  }
  const auto first = scan(random.bytes(500) + records(0, 2));
  BOOST_TEST(first.keys.size() == 2u);
}

BOOST_AUTO_TEST_CASE(damaged_records_in_a_row_are_told_one_by_one) {
  std::string bytes = records(0, 1);
  for (int i = 1; i < 6; ++i) {
    auto one = records(i, 1);
    one.back() = '?';
    bytes += one;
  }
  const auto told = scan(bytes + records(6, 1));
  BOOST_TEST(told.keys.size() == 2u);
  BOOST_TEST(told.damages.size() == 5u);
  BOOST_TEST(told.damages[2].key == "key3");
}

/// Records of 128 bytes: a flipped bit makes one as long as itself and those behind it.
BOOST_AUTO_TEST_CASE(a_damaged_size_swallows_no_intact_record) {
  const auto before = records(0, 2, 110), hit = records(2, 1, 110), behind = records(3, 5, 110);
  BOOST_REQUIRE(hit.size() == 128u);
  for (const auto& [byte, bit] : {std::pair{13, 7}, {12, 0}, {9, 7}, {8, 0}}) {
    BOOST_TEST_CONTEXT("byte " << byte << ", bit " << bit) {
      auto damaged = hit;
      damaged[size_t(byte)] = char(damaged[size_t(byte)] ^ (1 << bit));
      const auto told = scan(before + damaged + behind);
      BOOST_TEST(told.keys.size() == 7u);
      BOOST_REQUIRE(told.damages.size() == 1u);
      BOOST_TEST(told.damages[0].size == 128u);
    }
  }
}

/// A value may itself be such a file: what is in it are no records, also when it is damaged.
BOOST_AUTO_TEST_CASE(records_in_a_damaged_value_are_not_taken) {
  auto outer = bitcask_record("file", records(0, 10) + "end");
  outer.back() = '?';
  const auto told = scan(outer + records(20, 2));
  BOOST_TEST(told.keys == (std::vector<std::string>{"key20", "key21"}));
  BOOST_TEST(told.damages.size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_last_record_with_a_wrong_checksum_is_damage_no_torn_write) {
  auto bytes = records(0, 2);
  bytes.back() = '?';
  const auto told = scan(bytes);
  BOOST_REQUIRE(told.damages.size() == 1u);
  BOOST_TEST((told.damages[0].kind == Kind::kRecord));
  BOOST_TEST(told.damages[0].key == "key1");
}

/// A value of 4 GiB and a key of 64 KiB are claimed by a few bytes.
BOOST_AUTO_TEST_CASE(no_size_is_believed) {
  for (const char first : {'\x01', '\xff'}) {
    auto claim = bitcask_record("key", "value");
    for (size_t i = 8; i < 14; ++i) claim[i] = '\xff';
    claim[8] = first;
    const auto tail = scan(records(0, 2) + claim);
    BOOST_TEST(tail.keys.size() == 2u);
    BOOST_TEST(tail.damages.size() == 1u);
    const auto middle = scan(records(0, 2) + claim + records(2, 1000));
    BOOST_TEST(middle.keys.size() == 1002u);
    BOOST_TEST(middle.damages.size() == 1u);
    BOOST_TEST(middle.largest_read <= Window::kCapacity);
  }
}

/// One value that is larger than all buffers together, damaged: nothing of it is held.
BOOST_AUTO_TEST_CASE(a_large_damaged_value_is_one_damaged_record) {
  auto large = bitcask_record("large", std::string(40 << 20, 'x'));
  large[large.size() / 2] = 'y';
  const auto told = scan(large + records(0, 2));
  BOOST_TEST(told.keys.size() == 2u);
  BOOST_REQUIRE(told.damages.size() == 1u);
  BOOST_TEST((told.damages[0].kind == Kind::kRecord));
  BOOST_TEST(told.largest_read <= Window::kCapacity);
}

/// Each byte begins a record by its looks: the work stays within bounds all the same.
BOOST_AUTO_TEST_CASE(a_file_that_pretends_to_be_all_heads_ends) {
  std::string bytes;
  while (bytes.size() < (1 << 20)) bytes += "\1\0\0\0\0\1\0\0"s;
  MemoryFiles files{.files = {{"f", {bytes}}}};
  Told told;
  REQUIRE_OK(scan_segment(MemorySourceFile(files, "f"), bytes.size(), BitcaskFormat(), told));
  BOOST_TEST(told.end == bytes.size());
  BOOST_TEST(told.keys.empty());
}

/// Text of two bytes a letter, as some programs write it, is full of sizes of some megabytes.
BOOST_AUTO_TEST_CASE(large_records_behind_a_damaged_value_full_of_heads_are_found) {
  std::string text;
  Random random(base_seed());
  while (text.size() < 5 << 20) {
    text += '\0';
    text += char(random.one_in(6) ? ' ' : 'a' + random.below(26));
  }
  std::string bytes;
  for (const char* key : {"a", "b", "c", "d"}) bytes += bitcask_record(key, text);
  bytes[10] = char(bytes[10] ^ 1);  // of the first one's size
  const auto told = scan(bytes);
  BOOST_TEST((told.keys == std::vector<std::string>{"b", "c", "d"}));
}

BOOST_AUTO_TEST_CASE(a_long_key_is_told_by_its_beginning) {
  const OriginalFormat format;
  const auto told = scan(original_record({}, std::string(1 << 20, 'k'), "value", 1) +
                             original_record({}, "next", "value", 2),
                         format);
  BOOST_REQUIRE(told.keys.size() == 2u);
  BOOST_TEST(told.keys[0].size() == kMostKeyBytes);
  BOOST_TEST(told.damages.empty());
}

BOOST_AUTO_TEST_CASE(the_visitor_can_end_it) {
  const auto bytes = records(0, 100);
  MemoryFiles files{.files = {{"f", {bytes}}}};
  Told told;
  told.stop_at = 1000;
  CHECK_FAILS(Errc::kCancelled,
              scan_segment(MemorySourceFile(files, "f"), bytes.size(), BitcaskFormat(), told));
  BOOST_TEST(told.keys.size() < 20u);
  // In the midst of a search, too.
  const std::string zeros(10 << 20, '\0');
  files.files["f"].bytes = zeros;
  Told searching;
  searching.stop_at = 2 << 20;
  CHECK_FAILS(Errc::kCancelled,
              scan_segment(MemorySourceFile(files, "f"), zeros.size(), BitcaskFormat(), searching));
}

BOOST_AUTO_TEST_CASE(a_file_that_fails_or_shrinks_is_no_surprise) {
  const auto bytes = records(0, 100);
  MemoryFiles files{.files = {{"f", {bytes}}}, .failing = "f"};
  Told failed;
  CHECK_FAILS(Errc::kIo,
              scan_segment(MemorySourceFile(files, "f"), bytes.size(), BitcaskFormat(), failed));
  files.failing.clear();
  files.files["f"].bytes.resize(5000);
  Told shrunk;
  REQUIRE_OK(scan_segment(MemorySourceFile(files, "f"), bytes.size(), BitcaskFormat(), shrunk));
  BOOST_TEST(shrunk.keys.size() < 50u);
  BOOST_TEST(!shrunk.damages.empty());
}

BOOST_AUTO_TEST_CASE(random_damage_never_makes_a_record_up) {
  Random random(base_seed());
  WITH_SEED(base_seed()) {
    for (uint64_t round = 0; round < rounds(300); ++round) {
      std::string bytes;
      std::vector<std::string> written;
      for (int i = 0; i < 20; ++i) {
        written.push_back("key" + std::to_string(i));
        bytes += original_record({true, false, 1}, written.back(), random.bytes(random.below(300)),
                                 uint64_t(i));
      }
      for (uint64_t n = random.between(1, 3); n > 0; --n) {
        const auto at = random.below(bytes.size());
        switch (random.below(3)) {
          case 0:
            bytes.erase(at, random.between(1, 200));
            break;
          case 1:
            bytes.insert(at, random.bytes(random.between(1, 200)));
            break;
          default:
            bytes[at] = char(bytes[at] ^ (1 << random.below(8)));
        }
      }
      const auto told = scan(bytes, OriginalFormat({true, false, Dialect::Covers::kAllButIt}));
      BOOST_REQUIRE(!told.keys.empty());
      BOOST_REQUIRE(std::includes(written.begin(), written.end(), told.keys.begin(),
                                  told.keys.end(), [&](const auto& a, const auto& b) {
                                    return std::stoi(a.substr(3)) < std::stoi(b.substr(3));
                                  }));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
