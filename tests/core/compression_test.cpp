// SPDX-License-Identifier: MIT
#include "core/base/compression.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/random.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(compression)

std::string paths() {
  std::string all;
  for (int i = 0; i < 1000; ++i) all += "/usr/share/memoria/" + std::to_string(i * i);
  return all;
}

BOOST_AUTO_TEST_CASE(what_was_compressed_comes_back) {
  Compressor compressor;
  const auto whole = paths();
  for (size_t size = 100; size < whole.size(); size += 997) {
    const auto bytes = whole.substr(0, size);
    const std::string smaller(compressor.compress(bytes));
    BOOST_REQUIRE(!smaller.empty());
    BOOST_REQUIRE(smaller.size() < size);
    std::string back(size, '?');
    BOOST_REQUIRE(decompress(smaller, back));
    BOOST_REQUIRE(back == bytes);
  }
}

BOOST_AUTO_TEST_CASE(what_does_not_get_smaller_is_told) {
  Compressor compressor;
  Random random(base_seed());
  std::string noise;
  for (int i = 0; i < 10'000; ++i) noise.push_back(char(random.below(256)));
  BOOST_TEST(compressor.compress(noise).empty());
  BOOST_TEST(compressor.compress("").empty());
  BOOST_TEST(compressor.compress("a").empty());
  BOOST_TEST(!compressor.compress(paths()).empty());  // and can be used again
}

BOOST_AUTO_TEST_CASE(what_is_not_so_many_bytes_compressed_is_told) {
  Compressor compressor;
  const auto bytes = paths();
  const std::string smaller(compressor.compress(bytes));
  for (const size_t wrong : {size_t{0}, size_t{1}, bytes.size() - 1, bytes.size() + 1}) {
    std::string out(wrong, '?');
    BOOST_TEST(!decompress(smaller, out), wrong);
  }
  std::string out(bytes.size(), '?');
  for (size_t size = 0; size < smaller.size(); size += 13) {
    BOOST_TEST(!decompress(std::string_view(smaller).substr(0, size), out), size);
  }
  BOOST_TEST(!decompress(bytes, out));
  BOOST_TEST(decompress(smaller, out));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
