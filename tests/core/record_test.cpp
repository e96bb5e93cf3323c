// SPDX-License-Identifier: MIT
#include "core/log/record.hpp"

#include "core/base/coding.hpp"
#include "core/base/crc32c.hpp"
#include "tests/support/check.hpp"
#include "tests/support/raw_log.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(record)

Record make(Kind kind, std::string_view key) {
  Record r;
  r.kind = kind;
  r.timestamp = 0x1122334455667788;
  r.key = key;
  if (kind == Kind::kPiece || kind == Kind::kTruncate || kind == Kind::kPunch) {
    r.generation = 0x0102030405060708;
    r.offset = 0x0fffffff00000001;
  }
  if (kind == Kind::kPunch) r.length = 0x1000000000;
  if (kind == Kind::kSeal || kind == Kind::kEnd || kind == Kind::kBatch) r.offset = 77;
  return r;
}

const Place kPlace = {0xfeedbeef, 44};

/// By the letter of FORMAT.md: the place, the record length, everything from the timestamp on.
uint32_t checksum_of(std::string_view bytes, size_t end) {
  std::string covered;
  append_le<uint64_t>(covered, kPlace.offset);
  covered += bytes.substr(0, 4);
  covered += bytes.substr(8, end - 8);
  return crc32c(covered, kPlace.segment_seed);
}

const std::vector<Kind> kKinds = {Kind::kPut,   Kind::kErase, Kind::kPiece,    Kind::kTruncate,
                                  Kind::kPunch, Kind::kSeal,  Kind::kReplaces, Kind::kEnd};

bool carries_value(Kind kind) {
  return kind == Kind::kPut || kind == Kind::kPiece || kind == Kind::kReplaces;
}

void check_round_trip(const Record& r, const std::string& value) {
  const auto bytes = encode(r, value, kPlace);
  BOOST_REQUIRE_EQUAL(bytes.size(), record_size(r.kind, r.key.size(), value.size()));
  const auto head = unwrap(decode_head(bytes));
  BOOST_REQUIRE_EQUAL(head.size, bytes.size());
  const auto back = unwrap(decode_whole_record(bytes, kPlace));
  BOOST_TEST(int(back.kind) == int(r.kind));
  BOOST_TEST(back.timestamp == r.timestamp);
  BOOST_TEST(back.generation == r.generation);
  BOOST_TEST(back.offset == r.offset);
  BOOST_TEST(back.length == r.length);
  BOOST_TEST(back.key == r.key);
  BOOST_TEST(back.value_size == value.size());
  BOOST_TEST(int(back.flags) == 0);
  // Decoding needs no more than the verified bytes.
  REQUIRE_OK(decode_record(std::string_view(bytes).substr(0, head.verified), kPlace));
}

BOOST_AUTO_TEST_CASE(every_kind_and_size_class_round_trips) {
  Random random(base_seed());
  for (const Kind kind : kKinds) {
    for (const size_t key_size : {size_t{0}, size_t{1}, size_t{17}, kMaxKeySize}) {
      const auto key = random.bytes(key_size);
      check_round_trip(make(kind, key), "");
      if (!carries_value(kind)) continue;
      for (const size_t size :
           {1, 255, 256, 257, (16 << 10) - 1, 16 << 10, (16 << 10) + 1, 1 << 20}) {
        check_round_trip(make(kind, key), random.bytes(size));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_largest_value_round_trips) {
  const std::string value(kMaxValueSize, 'x');
  check_round_trip(make(Kind::kPut, "k"), value);
}

BOOST_AUTO_TEST_CASE(bytes_lie_where_the_format_says) {
  const auto bytes = encode(make(Kind::kPiece, "key"), "value", kPlace);
  const char* p = bytes.data();
  BOOST_TEST(load_le<uint32_t>(p) == 25u + 3 + 16 + 5);
  BOOST_TEST(load_le<uint32_t>(p + 4) == checksum_of(bytes, bytes.size()));
  BOOST_TEST(load_le<uint64_t>(p + 8) == 0x1122334455667788u);
  BOOST_TEST(int(p[16]) == 3);
  BOOST_TEST(load_le<uint32_t>(p + 17) == 3u);
  BOOST_TEST(load_le<uint32_t>(p + 21) == 5u);
  BOOST_TEST(bytes.substr(25, 3) == "key");
  BOOST_TEST(load_le<uint64_t>(p + 28) == 0x0102030405060708u);
  BOOST_TEST(load_le<uint64_t>(p + 36) == 0x0fffffff00000001u);
  BOOST_TEST(bytes.substr(44) == "value");
}

BOOST_AUTO_TEST_CASE(block_checksums_lie_in_front_of_the_value) {
  Random random(base_seed());
  const auto value = random.bytes((16 << 10) + 10);
  const auto bytes = encode(make(Kind::kPut, "key"), value, kPlace);
  const char* table = bytes.data() + 28;
  BOOST_TEST(int(uint8_t(bytes[16])) == 0x11);
  BOOST_TEST(load_le<uint32_t>(table) == crc32c(std::string_view(value).substr(0, 16 << 10)));
  BOOST_TEST(load_le<uint32_t>(table + 4) == crc32c(std::string_view(value).substr(16 << 10)));
  BOOST_TEST(bytes.substr(36) == value);
  // The record's checksum covers everything before the value and not the value.
  BOOST_TEST(load_le<uint32_t>(bytes.data() + 4) == checksum_of(bytes, 36));
}

BOOST_AUTO_TEST_CASE(every_truncation_is_refused) {
  Random random(base_seed());
  for (const size_t value_size : {0, 5, 256, 257, 20000}) {
    const auto bytes = encode(make(Kind::kPut, "some key"), random.bytes(value_size), kPlace);
    for (size_t size = 0; size < bytes.size(); size += size < 300 ? 1 : 97) {
      CHECK_FAILS(Errc::kCorrupt,
                  decode_whole_record(std::string_view(bytes).substr(0, size), kPlace));
    }
    REQUIRE_OK(decode_whole_record(bytes, kPlace));
  }
}

BOOST_AUTO_TEST_CASE(every_single_flipped_bit_is_refused) {
  Random random(base_seed());
  for (const Kind kind : kKinds) {
    auto bytes =
        encode(make(kind, "some key"), carries_value(kind) ? random.bytes(300) : "", kPlace);
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      bytes[bit / 8] = char(bytes[bit / 8] ^ (1 << bit % 8));
      BOOST_REQUIRE_MESSAGE(!decode_whole_record(bytes, kPlace).has_value(),
                            "kind " << int(kind) << " with bit " << bit << " flipped is accepted");
      bytes[bit / 8] = char(bytes[bit / 8] ^ (1 << bit % 8));
    }
  }
}

BOOST_AUTO_TEST_CASE(bytes_behind_the_record_do_not_matter) {
  const auto bytes = encode(make(Kind::kPut, "key"), "value", kPlace) + "garbage";
  BOOST_TEST(unwrap(decode_whole_record(bytes, kPlace)).key == "key");
}

std::string forged(uint8_t type, uint32_t size, uint32_t key_size, uint32_t value_size) {
  return forge(type, size, key_size, value_size, kPlace);
}

BOOST_AUTO_TEST_CASE(a_record_in_another_place_is_refused) {
  const auto bytes = encode(make(Kind::kPut, "key"), "value", kPlace);
  auto place = kPlace;
  ++place.offset;
  CHECK_FAILS(Errc::kCorrupt, decode_whole_record(bytes, place));
  place = kPlace;
  ++place.segment_seed;
  CHECK_FAILS(Errc::kCorrupt, decode_whole_record(bytes, place));
}

BOOST_AUTO_TEST_CASE(the_place_depends_on_segment_and_store) {
  SegmentHeader a, other_segment, other_store;
  a.id = other_store.id = 5;
  other_segment.id = 6;
  other_store.uuid[3] = 1;
  BOOST_TEST(a.seed() != other_segment.seed());
  BOOST_TEST(a.seed() != other_store.seed());
}

BOOST_AUTO_TEST_CASE(lengths_that_do_not_add_up_are_refused_even_under_a_right_checksum) {
  REQUIRE_OK(decode_whole_record(forged(1, 35, 3, 7), kPlace));
  for (const auto& bytes : {forged(1, 34, 3, 7), forged(1, 36, 3, 7), forged(1, 24, 0, 0),
                            forged(1, 0, 0, 0), forged(3, 35, 3, 7), forged(1, 35, 7, 4),
                            forged(1, 25 + 65536, 65536, 0), forged(1, 35, 0xffffffff, 11),
                            forged(1, 35, 11, 0xffffffff), forged(1, 0xffffffff, 3, 0xffffffe3)}) {
    CHECK_FAILS(Errc::kCorrupt, decode_head(bytes));
    CHECK_FAILS(Errc::kCorrupt, decode_whole_record(bytes, kPlace));
  }
}

BOOST_AUTO_TEST_CASE(block_flag_on_a_short_value_and_none_on_a_long_one_are_refused) {
  CHECK_FAILS(Errc::kCorrupt, decode_head(forged(0x11, 25 + 1 + 4 + 10, 1, 10)));
  CHECK_FAILS(Errc::kCorrupt, decode_head(forged(0x01, 25 + 1 + 300, 1, 300)));
}

BOOST_AUTO_TEST_CASE(unknown_kinds_and_reserved_flags_are_unsupported_not_corrupt) {
  for (const int type : {0x00, 0x0a, 0x0f, 0x21, 0x41, 0x61, 0x8a}) {
    CHECK_FAILS(Errc::kUnsupported, decode_head(forged(uint8_t(type), 35, 3, 7)));
  }
}

BOOST_AUTO_TEST_CASE(blocks_are_verified_one_by_one) {
  Random random(base_seed());
  auto value = random.bytes(3 * kBlockSize + 100);
  const auto bytes = encode(make(Kind::kPut, "k"), value, kPlace);
  const auto r = unwrap(decode_record(bytes, kPlace));
  const auto prefix = std::string_view(bytes).substr(0, r.prefix());
  const std::string_view view = value;
  BOOST_TEST(verify_blocks(r, prefix, 0, view));
  BOOST_TEST(verify_blocks(r, prefix, 1, view.substr(kBlockSize, kBlockSize)));
  BOOST_TEST(verify_blocks(r, prefix, 3, view.substr(3 * kBlockSize)));
  BOOST_TEST(!verify_blocks(r, prefix, 1, view.substr(0, kBlockSize)));
  BOOST_TEST(!verify_blocks(r, prefix, 4, view.substr(0, kBlockSize)));
  value[kBlockSize + 5] = char(value[kBlockSize + 5] ^ 1);
  BOOST_TEST(verify_blocks(r, prefix, 0, view.substr(0, kBlockSize)));
  BOOST_TEST(!verify_blocks(r, prefix, 1, view.substr(kBlockSize, kBlockSize)));
  BOOST_TEST(verify_blocks(r, prefix, 2, view.substr(2 * kBlockSize)));
}

BOOST_AUTO_TEST_CASE(a_batch_is_bound_by_its_head_and_its_inner_records) {
  const auto bytes =
      encode_batch(5, {{make(Kind::kPut, "a"), "1"}, {make(Kind::kErase, "b"), ""}}, kPlace);
  const auto head = unwrap(decode_head(bytes));
  BOOST_TEST(head.size == bytes.size());
  BOOST_TEST(head.verified == head.prefix);
  const auto batch = unwrap(decode_record(bytes, kPlace));
  BOOST_TEST(int(batch.kind) == int(Kind::kBatch));
  BOOST_TEST(batch.offset == 2u);
  BOOST_TEST(batch.value_size == record_size(Kind::kPut, 1, 1) + record_size(Kind::kErase, 1, 0));
  const auto first = unwrap(decode_record(std::string_view(bytes).substr(head.prefix),
                                          {kPlace.segment_seed, kPlace.offset + head.prefix}));
  BOOST_TEST(first.key == "a");
  BOOST_TEST(first.timestamp == 6u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
