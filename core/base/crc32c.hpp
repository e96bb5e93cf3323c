// SPDX-License-Identifier: MIT
// CRC-32C (Castagnoli, RFC 3720 appendix B.4), as iSCSI, ext4 and SSE 4.2 compute it.
#pragma once

#include <cstdint>
#include <string_view>

namespace memoria {

/// The checksum of `data`. `previous` continues the checksum of the bytes before it, so that
/// crc32c(b, crc32c(a)) == crc32c(a + b). crc32c("123456789") == 0xe3069283.
uint32_t crc32c(std::string_view data, uint32_t previous = 0);

}  // namespace memoria
