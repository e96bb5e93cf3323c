// SPDX-License-Identifier: MIT
#include "core/base/crc32c.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

#include "core/foreign/format.hpp"
#include "tests/support/check.hpp"

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(checksum)

/// Bit by bit, from the polynomial alone.
uint32_t slow_crc32c(std::string_view data) {
  uint32_t crc = ~uint32_t{0};
  for (const char c : data) {
    crc ^= uint8_t(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0u);
  }
  return ~crc;
}

BOOST_AUTO_TEST_CASE(known_vectors_of_rfc_3720) {
  std::string ascending, descending;
  for (int i = 0; i < 32; ++i) {
    ascending.push_back(char(i));
    descending.push_back(char(31 - i));
  }
  BOOST_TEST(crc32c("") == 0u);
  BOOST_TEST(crc32c("123456789") == 0xe3069283u);
  BOOST_TEST(crc32c(std::string(32, '\0')) == 0x8a9136aau);
  BOOST_TEST(crc32c(std::string(32, '\xff')) == 0x62a8ab43u);
  BOOST_TEST(crc32c(ascending) == 0x46dd794eu);
  BOOST_TEST(crc32c(descending) == 0x113fdb5cu);
}

BOOST_AUTO_TEST_CASE(every_size_and_alignment_equals_the_definition) {
  Random random(base_seed());
  const auto data = random.bytes(600);
  for (size_t begin = 0; begin < 9; ++begin) {
    for (size_t size = 0; size + begin <= data.size(); size += 1 + size / 16) {
      const auto part = std::string_view(data).substr(begin, size);
      BOOST_REQUIRE_EQUAL(crc32c(part), slow_crc32c(part));
    }
  }
}

BOOST_AUTO_TEST_CASE(checksums_can_be_continued_at_every_cut) {
  Random random(base_seed());
  const auto data = random.bytes(300);
  const auto whole = crc32c(data);
  for (size_t cut = 0; cut <= data.size(); ++cut) {
    const auto view = std::string_view(data);
    BOOST_REQUIRE_EQUAL(crc32c(view.substr(cut), crc32c(view.substr(0, cut))), whole);
  }
}

#ifdef __x86_64__
/// The upper halves of the first 16 vector registers: parts 2 (AVX) and 6 (AVX-512).
__attribute__((target("xsave"))) bool upper_halves_in_use() {
  return (_xgetbv(1) & (1 << 2 | 1 << 6)) != 0;
}

__attribute__((target("avx,xsave"))) bool are_told_to_be_clear() {
  _mm256_zeroupper();
  return !upper_halves_in_use();
}

/// Whether the processor tells which registers are in use (XGETBV with 1), and when they are not.
bool tells_registers_in_use() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kXsaveIsOn = 1 << 27, kTellsInUse = 1 << 2;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kXsaveIsOn) == 0) return false;
  if (__get_cpuid_count(13, 1, &a, &b, &c, &d) == 0 || (a & kTellsInUse) == 0) return false;
  return __builtin_cpu_supports("avx") != 0 && are_told_to_be_clear();
}

BOOST_AUTO_TEST_CASE(no_vector_register_is_left_in_use,
                     *boost::unit_test::precondition([](boost::unit_test::test_unit_id) {
                       return boost::test_tools::assertion_result(tells_registers_in_use());
                     })) {
  const std::string data(4096, 'x');
  for (const size_t size : {10, 100, 1000, 4096}) {
    const auto bytes = std::string_view(data).substr(0, size);
    (void)crc32c(bytes);
    const bool in_use = upper_halves_in_use();
    (void)foreign::crc32(bytes);
    const bool in_use_by_foreign = upper_halves_in_use();
    BOOST_TEST(!in_use, "after " << size << " bytes");
    BOOST_TEST(!in_use_by_foreign, "after " << size << " bytes of another program's");
  }
}
#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
