// SPDX-License-Identifier: MIT
#include "core/base/crc32c.hpp"

#include <isa-l/crc.h>

#include <algorithm>

#include "core/base/vector_registers.hpp"

namespace memoria {

uint32_t crc32c(std::string_view data, uint32_t previous) {
  // ISA-L's crc32_iscsi is the bare register: the usual inversion before and after is ours to do.
  // It takes a non-const pointer and an int length, and reads only.
  auto crc = ~previous;
  while (!data.empty()) {
    const auto n = std::min<size_t>(data.size(), 1u << 30);
    crc =
        crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<char*>(data.data())), int(n), crc);
    data.remove_prefix(n);
  }
  leave_vector_registers();
  return ~crc;
}

}  // namespace memoria
