// SPDX-License-Identifier: MIT
#include "core/base/coding.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <string>
#include <vector>

namespace memoria {
namespace {

BOOST_AUTO_TEST_SUITE(coding)

BOOST_AUTO_TEST_CASE(fixed_numbers_are_little_endian) {
  std::string out;
  append_le<uint32_t>(out, 0x01020304);
  append_le<uint16_t>(out, 0xbeef);
  BOOST_TEST(out == std::string("\x04\x03\x02\x01\xef\xbe"));
  BOOST_TEST(load_le<uint32_t>(out.data()) == 0x01020304u);
}

BOOST_AUTO_TEST_CASE(big_endian_keys_sort_by_number) {
  const std::vector<uint64_t> numbers = {0, 1, 255, 256, 1u << 31, uint64_t{1} << 63, ~uint64_t{0}};
  std::string previous;
  for (const uint64_t n : numbers) {
    std::string key;
    append_be64(key, n);
    BOOST_TEST(load_be64(key.data()) == n);
    BOOST_TEST((previous.empty() || previous < key));
    previous = key;
  }
}

BOOST_AUTO_TEST_CASE(varint_round_trips_at_every_length_boundary) {
  for (int bits = 0; bits <= 64; ++bits) {
    const uint64_t limit = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    for (const uint64_t v : {limit, limit == 0 ? 0 : limit - 1, bits == 64 ? limit : limit + 1}) {
      std::string out;
      append_varint(out, v);
      BOOST_TEST(out.size() <= 10u);
      Decoder in(out);
      BOOST_TEST(in.varint() == v);
      BOOST_TEST(in.done());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_varint_is_the_same_whatever_follows_it) {
  for (int bits = 0; bits <= 64; ++bits) {
    const uint64_t v = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    for (const char next : {'\0', '\x7f', '\x80', '\xff'}) {
      for (size_t more = 0; more <= 16; ++more) {
        std::string out;
        append_varint(out, v);
        out.append(more, next);
        Decoder in(out);
        BOOST_TEST(in.varint() == v);
        BOOST_TEST(in.ok());
        BOOST_TEST(in.rest() == std::string(more, next));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_varint_may_be_longer_than_needed) {
  for (size_t zeros = 0; zeros < 8; ++zeros) {
    for (const size_t more : {0, 20}) {
      const std::string behind(more, 'x');
      const std::string bytes = "\x85" + std::string(zeros, '\x80') + '\0' + behind;
      Decoder in(bytes);
      BOOST_TEST(in.varint() == 5u);
      BOOST_TEST(in.rest() == behind);
    }
  }
}

BOOST_AUTO_TEST_CASE(truncated_varint_is_refused) {
  std::string whole;
  append_varint(whole, ~uint64_t{0});
  BOOST_TEST(whole.size() == 10u);
  for (size_t size = 0; size < whole.size(); ++size) {
    Decoder in(std::string_view(whole).substr(0, size));
    BOOST_TEST(in.varint() == 0u);
    BOOST_TEST(!in.ok());
  }
}

BOOST_AUTO_TEST_CASE(varint_above_64_bits_is_refused) {
  const std::string too_big = std::string(9, '\xff') + '\x02';
  const std::string too_long = std::string(10, '\xff') + '\x01';
  for (const auto& bytes : {too_big, too_long}) {
    Decoder in(bytes);
    BOOST_TEST(in.varint() == 0u);
    BOOST_TEST(!in.ok());
  }
}

BOOST_AUTO_TEST_CASE(signed_varint_round_trips_at_the_extremes) {
  using limits = std::numeric_limits<int64_t>;
  for (const int64_t v : {int64_t{0}, int64_t{-1}, int64_t{1}, limits::min(), limits::max()}) {
    std::string out;
    append_varint(out, zigzag(v));
    Decoder in(out);
    BOOST_TEST(in.signed_varint() == v);
    BOOST_TEST(in.done());
  }
}

BOOST_AUTO_TEST_CASE(reading_past_the_end_fails_once_and_for_all) {
  Decoder in("abc");
  BOOST_TEST(in.bytes(2) == "ab");
  BOOST_TEST(in.le<uint32_t>() == 0u);
  BOOST_TEST(!in.ok());
  BOOST_TEST(in.bytes(1).empty());
  BOOST_TEST(in.varint() == 0u);
  BOOST_TEST(!in.done());
}

BOOST_AUTO_TEST_CASE(a_length_near_the_largest_number_does_not_wrap_around) {
  Decoder in("abc");
  BOOST_TEST(in.bytes(~uint64_t{0}).empty());
  BOOST_TEST(!in.ok());
}

BOOST_AUTO_TEST_CASE(trailing_bytes_are_not_done) {
  Decoder in("ab");
  in.bytes(1);
  BOOST_TEST(in.ok());
  BOOST_TEST(!in.done());
  BOOST_TEST(in.rest() == "b");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria
