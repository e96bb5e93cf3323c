// SPDX-License-Identifier: MIT
#include "core/base/crc32c.hpp"

#include <isa-l/crc.h>

#include <algorithm>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace memoria {
namespace {

#ifdef __x86_64__
__attribute__((target("avx"))) void clear_upper_halves() {
  _mm256_zeroupper();
}

/// Some of ISA-L's functions leave the upper halves of the vector registers in use, as those for
/// AVX-512 do of version 2.30. Until somebody clears them, each step from an instruction of AVX to
/// one of SSE and back, as in a memcpy of 20 bytes, takes tens of nanoseconds: reading the hints of
/// ten million keys took 0.79 s instead of 0.19. (Intel, "Optimization Reference Manual", "Mixing
/// AVX code with SSE code".)
void leave_vector_registers() {
  static const bool has_upper_halves = __builtin_cpu_supports("avx") != 0;
  if (has_upper_halves) clear_upper_halves();
}
#else
void leave_vector_registers() {}
#endif

}  // namespace

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
