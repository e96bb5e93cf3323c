// SPDX-License-Identifier: MIT
// Bytes as text: hexadecimal digits, JSON, what a terminal may see, keys in words.
#include "core/base/coding.hpp"
#include "fs/control/byte_text.hpp"
#include "fs/control/key_text.hpp"
#include "tests/support/check.hpp"

using namespace memoria;

namespace {

std::string numbered(char table, uint64_t inode, const std::string& name = "") {
  std::string key(1, table);
  append_be64(key, inode);
  return key + name;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(byte_text)

BOOST_AUTO_TEST_CASE(hexadecimal_digits_go_both_ways) {
  BOOST_TEST(to_hex(std::string("\x00\xff\x1a", 3)) == "00ff1a");
  BOOST_TEST(from_hex("00FF1a").value() == std::string("\x00\xff\x1a", 3));
  BOOST_TEST(from_hex("").value() == "");
  for (const char* wrong : {"0", "0g", "0x00", " 00", "abc"}) BOOST_TEST(!from_hex(wrong));
}

BOOST_AUTO_TEST_CASE(utf8_is_told_from_other_bytes) {
  for (const char* text : {"", "plain", "gr\xc3\xbc\xc3\x9f", "\xf0\x9f\x98\x80", "\xef\xbf\xbd"}) {
    BOOST_TEST(is_utf8(text));
  }
  for (const char* text : {"\xff", "a\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf8\x88\x80\x80\x80"}) {
    BOOST_TEST(!is_utf8(text));
  }
}

BOOST_AUTO_TEST_CASE(any_bytes_survive_json) {
  for (const auto& bytes : {std::string("plain"), std::string("a\0b", 3), std::string("\xff\xfe"),
                            std::string("tab\t\"quote\""), std::string()}) {
    Json object;
    set_bytes(object, "name", bytes);
    const auto back = Json::parse(to_text(object));
    BOOST_TEST(get_bytes(back, "name").value() == bytes);
    BOOST_TEST(back.contains("name_hex") == !is_utf8(bytes));
  }
}

BOOST_AUTO_TEST_CASE(missing_or_wrong_fields_give_nothing) {
  BOOST_TEST(!get_bytes(Json::object(), "name"));
  BOOST_TEST(!get_bytes(Json{{"name", 3}}, "name"));
  BOOST_TEST(!get_bytes(Json{{"name_hex", "0g"}}, "name"));
}

BOOST_AUTO_TEST_CASE(time_keeps_all_its_digits) {
  BOOST_TEST(iso_time(0) == "1970-01-01T00:00:00.000000000Z");
  BOOST_TEST(iso_time(1763844611123456789) == "2025-11-22T20:50:11.123456789Z");
  BOOST_TEST(iso_time(-1) == "1969-12-31T23:59:59.999999999Z");
}

BOOST_AUTO_TEST_CASE(nothing_that_steers_a_terminal_is_printed) {
  BOOST_TEST(printable("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
  BOOST_TEST(printable("a\nb\tc\\") == "a\\nb\\tc\\\\");
  BOOST_TEST(printable("\x1b[2J\x7f") == "\\x1b[2J\\x7f");
  BOOST_TEST(printable("\xc2\x9b"
                       "2J") == "\\xc2\\x9b2J");
  BOOST_TEST(printable("\xc2\xa9") == "\xc2\xa9");
  BOOST_TEST(printable("a\xff\xc3\xbc") == "a\\xff\\xc3\\xbc");
}

BOOST_AUTO_TEST_CASE(keys_of_a_volume_are_put_in_words) {
  BOOST_TEST(describe_volume_key("S") == "superblock");
  BOOST_TEST(describe_volume_key(numbered('I', 12)) == "inode 12");
  BOOST_TEST(describe_volume_key(numbered('C', 12)) == "contents of inode 12");
  BOOST_TEST(describe_volume_key(numbered('O', 12)) == "orphan 12");
  BOOST_TEST(describe_volume_key(numbered('G', 12)) == "unfinished tree 12");
  BOOST_TEST(describe_volume_key(numbered('N', 1, "a.txt")) == "name \"a.txt\" in directory 1");
  BOOST_TEST(describe_volume_key(numbered('X', 7, "user.a")) == "attribute user.a of inode 7");
}

BOOST_AUTO_TEST_CASE(keys_of_no_known_form_are_shown_as_they_are) {
  BOOST_TEST(describe_volume_key("plain") == "plain");
  BOOST_TEST(describe_volume_key("") == "");
  BOOST_TEST(describe_volume_key(numbered('C', 0, "x")) ==
             "C\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00x");
}

BOOST_AUTO_TEST_SUITE_END()
