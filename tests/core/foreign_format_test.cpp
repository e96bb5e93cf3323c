// SPDX-License-Identifier: MIT
// What a record of another program's log is.
#include "core/base/coding.hpp"
#include "core/foreign/bitcask_format.hpp"
#include "core/foreign/dialect.hpp"
#include "tests/support/check.hpp"
#include "tests/support/foreign_records.hpp"
#include "tests/support/memory_source.hpp"

namespace memoria::test {
namespace {

using namespace foreign;
using namespace std::string_literals;

std::optional<Dialect> dialect_of(const std::string& bytes) {
  MemoryFiles files{.files = {{"f", {bytes}}}};
  return unwrap(
      find_dialect(MemorySourceFile(files, "f"), bytes.size(), [](uint64_t) { return ok(); }));
}

BOOST_AUTO_TEST_SUITE(foreign_format)

BOOST_AUTO_TEST_CASE(checksum_is_that_of_zlib) {
  BOOST_TEST(crc32("123456789") == 0xcbf43926u);
  BOOST_TEST(crc32("56789", crc32("1234")) == 0xcbf43926u);
}

/// Written down byte by byte from the paper; the checksum is Python's zlib.crc32 of the rest.
BOOST_AUTO_TEST_CASE(a_bitcask_record_is_read_as_it_is_written_down) {
  const auto bytes = "\x1e\xe4\x3d\xd3\x50\x00\x00\x01\x00\x03\x00\x00\x00\x05keyvalue"s;
  BOOST_TEST((bitcask_record("key", "value", 0x50000001) == bytes));
  const BitcaskFormat format;
  const auto head = format.parse(std::string_view(bytes).substr(0, format.head_size()));
  BOOST_REQUIRE(head.has_value());
  BOOST_TEST(head->key_size == 3u);
  BOOST_TEST(head->value_size == 5u);
  BOOST_TEST(head->time_ns == 0x50000001 * int64_t{1'000'000'000});
  const auto checksum = format.continue_checksum(
      format.begin_checksum(std::string_view(bytes).substr(0, 14)), "keyvalue");
  BOOST_TEST(checksum == head->checksum);
}

BOOST_AUTO_TEST_CASE(data_files_are_known_by_their_names) {
  const BitcaskFormat bitcask;
  const OriginalFormat original;
  BOOST_TEST(bitcask.segment_number("12.bitcask.data").value() == 12u);
  BOOST_TEST(original.segment_number("1700000000000000000.data").value() ==
             1'700'000'000'000'000'000u);
  for (const auto* name :
       {"12.bitcask.hint", ".bitcask.data", "-1.bitcask.data", "1x.bitcask.data", "+1.bitcask.data",
        " 1.bitcask.data", "99999999999999999999.bitcask.data", "bitcask.write.lock", "1.data"}) {
    BOOST_TEST(!bitcask.segment_number(name).has_value(), name);
  }
  for (const auto* name :
       {"1.hint", "1.merge", ".data", "1.bitcask.data", "x.data", "1.data.old"}) {
    BOOST_TEST(!original.segment_number(name).has_value(), name);
  }
}

BOOST_AUTO_TEST_CASE(files_that_a_merge_replaced_are_known_by_their_mode) {
  const BitcaskFormat format;
  BOOST_TEST(!format.is_discarded(0100644));
  BOOST_TEST(!format.is_discarded(0100750));
  BOOST_TEST(format.is_discarded(0104644));
  BOOST_TEST(format.is_discarded(0100645));
}

BOOST_AUTO_TEST_CASE(every_form_of_a_tombstone_erases) {
  const BitcaskFormat bitcask;
  BOOST_TEST((bitcask.meaning({}, "bitcask_tombstone") == Meaning::kErased));
  BOOST_TEST((bitcask.meaning({}, "bitcask_tombstone1\0\0\0\1"s) == Meaning::kErased));
  BOOST_TEST((bitcask.meaning({}, "bitcask_tombston") == Meaning::kValue));
  BOOST_TEST((bitcask.meaning({}, "") == Meaning::kValue));
  const OriginalFormat original;
  BOOST_TEST((original.meaning({.value_size = 0}, "") == Meaning::kErased));
  BOOST_TEST((original.meaning({.value_size = 1}, "x") == Meaning::kValue));
  BOOST_TEST((original.meaning({.value_size = 1, .type = 3}, "x") == Meaning::kUnknown));
}

BOOST_AUTO_TEST_CASE(each_dialect_of_the_original_engine_is_found_out) {
  for (const bool big : {false, true}) {
    for (const bool castagnoli : {false, true}) {
      for (const int covers : {0, 1, 2}) {
        BOOST_TEST_CONTEXT(big << castagnoli << covers) {
          const auto record = original_record({big, castagnoli, covers}, "key", "value", 1);
          for (const auto& before : {""s, "torn or damaged: "s + std::string(300, '\xff')}) {
            const auto found = dialect_of(before + record);
            BOOST_REQUIRE(found.has_value());
            BOOST_TEST(found->big_endian == big);
            BOOST_TEST(found->castagnoli == castagnoli);
            BOOST_TEST(int(found->covers) == covers);
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(where_no_record_is_there_is_no_dialect) {
  BOOST_TEST(!dialect_of("").has_value());
  BOOST_TEST(!dialect_of("x").has_value());
  BOOST_TEST(!dialect_of(std::string(100'000, '\0')).has_value());
  auto damaged = original_record({}, "key", "value", 1);
  damaged.back() ^= 1;
  BOOST_TEST(!dialect_of(damaged).has_value());
}

/// Sizes of 4 GiB, which add up to the length only with more than 32 bits.
BOOST_AUTO_TEST_CASE(sizes_that_contradict_each_other_are_no_record) {
  const OriginalFormat format;
  const auto head = [](uint32_t length, uint32_t key, uint32_t value) {
    std::string out(OriginalFormat::kHeadSize, '\0');
    store_le<uint32_t>(&out[0], length);
    store_le<uint32_t>(&out[17], key);
    store_le<uint32_t>(&out[21], value);
    return out;
  };
  BOOST_TEST(format.parse(head(30, 2, 3)).has_value());
  BOOST_TEST(!format.parse(head(30, 2, 4)).has_value());
  BOOST_TEST(!format.parse(head(25, 0, 0)).has_value());
  BOOST_TEST(!format.parse(head(24, 0xffffffff, 0)).has_value());
  BOOST_TEST(!format.parse(head(23, 0xffffffff, 0xffffffff)).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
