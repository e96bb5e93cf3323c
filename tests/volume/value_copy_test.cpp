// SPDX-License-Identifier: MIT
#include "fs/volume/value_copy.hpp"

#include "core/log/segment.hpp"
#include "tests/support/simulated_environment.hpp"
#include "tests/volume/fixture.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(value_copies)

BOOST_AUTO_TEST_CASE(what_lies_between_two_damages_is_saved) {
  Random random(base_seed());
  const auto options = volume_options();
  const auto place = SimulatedEnvironment::make();
  std::string expected = random.bytes(10'000);
  std::vector<Extent> extents;
  {
    const auto store = unwrap(Store::open(place, options));
    REQUIRE_OK(store->put("k", expected));
    for (const uint64_t offset : {1000, 1300, 1600}) {
      const auto bytes = random.bytes(300);
      REQUIRE_OK(store->write_at("k", offset, bytes));
      expected.replace(offset, bytes.size(), bytes);
    }
    extents = unwrap(store->locate("k"));
    REQUIRE_OK(store->close());
  }
  for (const auto& extent : extents) {
    if (extent.offset != 1000 && extent.offset != 1600) continue;
    const auto end = extent.record_offset + extent.record_length;
    place->flip_bit(segment_file(extent.segment, kDataSuffix), end * 8 - 1);
    expected.replace(extent.offset, 300, 300, '\0');
  }
  const auto from = unwrap(Store::open(place, options));
  const auto to = unwrap(Store::open(SimulatedEnvironment::make(), options));
  const auto lost = unwrap(copy_value(*from, *to, "k", [](uint64_t) { return true; }));
  BOOST_REQUIRE_EQUAL(lost.size(), 2u);
  BOOST_TEST(lost[0].offset == 1000u);
  BOOST_TEST(lost[0].length == 300u);
  BOOST_TEST(lost[1].offset == 1600u);
  BOOST_TEST(lost[1].length == 300u);
  BOOST_TEST((unwrap(to->get("k")) == expected));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
