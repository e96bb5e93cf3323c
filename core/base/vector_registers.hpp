// SPDX-License-Identifier: MIT
// What to do behind a call of ISA-L.
#pragma once

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace memoria {

#ifdef __x86_64__
__attribute__((target("avx"))) inline void clear_upper_halves() {
  _mm256_zeroupper();
}

/// Some of ISA-L's functions leave the upper halves of the vector registers in use, as those for
/// AVX-512 do of version 2.30. Until somebody clears them, each step from an instruction of AVX to
/// one of SSE and back, as in a memcpy of 20 bytes, takes tens of nanoseconds: reading the hints of
/// ten million keys took 0.79 s instead of 0.19. (Intel, "Optimization Reference Manual", "Mixing
/// AVX code with SSE code".)
inline void leave_vector_registers() {
  static const bool has_upper_halves = __builtin_cpu_supports("avx") != 0;
  if (has_upper_halves) clear_upper_halves();
}
#else
inline void leave_vector_registers() {}
#endif

}  // namespace memoria
