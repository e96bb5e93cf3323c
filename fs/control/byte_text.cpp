// SPDX-License-Identifier: MIT
#include "fs/control/byte_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/algorithm/hex.hpp>
#include <iterator>

namespace memoria {

std::string to_hex(std::string_view bytes) {
  std::string digits;
  digits.reserve(2 * bytes.size());
  boost::algorithm::hex_lower(bytes.begin(), bytes.end(), std::back_inserter(digits));
  return digits;
}

std::optional<std::string> from_hex(std::string_view digits) {
  const bool all_digits =
      digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  if (!all_digits || digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  boost::algorithm::unhex(digits.begin(), digits.end(), std::back_inserter(bytes));
  return bytes;
}

bool is_utf8(std::string_view bytes) {
  bool ascii = true;
  for (const char c : bytes) ascii = ascii && uint8_t(c) < 0x80;
  if (ascii) return true;
  // Writing replaces what is not UTF-8, so a string that comes back unchanged had nothing of it.
  const Json string = std::string(bytes);
  return Json::parse(to_text(string), nullptr, false) == string;
}

void set_bytes(Json& object, const std::string& field, std::string_view bytes) {
  if (is_utf8(bytes)) {
    object[field] = bytes;
    return;
  }
  object[field] = Json::parse(to_text(std::string(bytes)));
  object[field + "_hex"] = to_hex(bytes);
}

std::optional<std::string> get_bytes(const Json& object, const std::string& field) {
  const auto hex = object.find(field + "_hex");
  if (hex != object.end() && hex->is_string()) return from_hex(hex->get<std::string>());
  const auto text = object.find(field);
  if (text != object.end() && text->is_string()) return text->get<std::string>();
  return std::nullopt;
}

std::string iso_time(TimeNs time) {
  const auto [seconds, nanoseconds] = to_timespec(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:09}Z", fmt::gmtime(seconds), nanoseconds);
}

}  // namespace memoria
