// SPDX-License-Identifier: MIT
#include "fs/volume/keys.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

#include "fs/volume/volume.hpp"

BOOST_AUTO_TEST_SUITE(keys)

using namespace memoria;

BOOST_AUTO_TEST_CASE(a_key_is_a_letter_a_big_endian_number_and_a_name) {
  BOOST_TEST(std::string_view(Key(Table::kSuperblock)) == "S");
  BOOST_TEST(std::string_view(Key(Table::kInodes, 0x0102030405060708)) ==
             std::string_view("I\1\2\3\4\5\6\7\10", 9));
  BOOST_TEST(std::string_view(Key(Table::kNames, 1, "name")) ==
             std::string_view("N\0\0\0\0\0\0\0\1name", 13));
}

BOOST_AUTO_TEST_CASE(keys_sort_by_number) {
  const uint64_t numbers[] = {1, 2, 255, 256, 65536, uint64_t{1} << 40, ~uint64_t{0}};
  for (size_t i = 1; i < std::size(numbers); ++i) {
    const Key smaller(Table::kInodes, numbers[i - 1]), larger(Table::kInodes, numbers[i]);
    const bool sorted = std::string_view(smaller) < std::string_view(larger);
    BOOST_TEST(sorted, numbers[i - 1] << " before " << numbers[i]);
  }
}

BOOST_AUTO_TEST_CASE(the_parts_of_a_key_come_back) {
  const std::string longest(kMaxName, 'x');
  const Key key(Table::kXattrs, 77, longest);
  BOOST_TEST(inode_in_key(key) == 77u);
  BOOST_TEST(name_in_key(key) == longest);
  BOOST_TEST(inode_in_key("S") == 0u);
  BOOST_TEST(inode_in_key("") == 0u);
  BOOST_TEST(Volume::content_key(77) == std::string_view(Key(Table::kContents, 77)));
}

BOOST_AUTO_TEST_CASE(names_that_no_directory_can_hold_are_not_usable) {
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"),
        std::string("a\0b", 3), std::string(256, 'x')}) {
    BOOST_TEST(!is_usable_name(name), name);
  }
  for (const std::string& name : {std::string("a"), std::string("..."), std::string("\xff\n\1"),
                                  std::string("\xf0\x9f\x98\x80"), std::string(255, 'x')}) {
    BOOST_TEST(is_usable_name(name), name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
