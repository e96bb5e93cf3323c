// SPDX-License-Identifier: MIT
#include "core/foreign/format.hpp"

#include <isa-l/crc.h>

#include <charconv>

#include "core/base/vector_registers.hpp"

namespace memoria::foreign {

std::optional<uint64_t> number_before(std::string_view file_name, std::string_view suffix) {
  if (!file_name.ends_with(suffix)) return std::nullopt;
  file_name.remove_suffix(suffix.size());
  uint64_t number = 0;
  const auto* end = file_name.data() + file_name.size();
  const auto read = std::from_chars(file_name.data(), end, number);
  if (file_name.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

uint32_t crc32(std::string_view data, uint32_t previous) {
  const uint32_t crc =
      crc32_gzip_refl(previous, reinterpret_cast<const unsigned char*>(data.data()), data.size());
  leave_vector_registers();
  return crc;
}

}  // namespace memoria::foreign
