// SPDX-License-Identifier: MIT
// Any bytes as a superblock, an inode or a directory entry (the first byte chooses): a refusal with
// a reason, or a value that encodes to the same meaning again, and within its limits.
#include <string_view>

#include "fs/volume/dentry.hpp"
#include "fs/volume/inode.hpp"
#include "fs/volume/superblock.hpp"
#include "tests/fuzz/require.hpp"

namespace memoria {
namespace {

template <class T>
bool refused(const Result<T>& decoded) {
  if (decoded.has_value()) return false;
  FUZZ_REQUIRE(!decoded.error().describe().empty());
  return true;
}

void superblock(std::string_view bytes) {
  const auto decoded = decode_superblock(bytes);
  if (refused(decoded)) return;
  const auto again = decode_superblock(encode(decoded.value()));
  FUZZ_REQUIRE(again.has_value() && again.value() == decoded.value());
}

void inode(std::string_view bytes) {
  const auto decoded = decode_inode(bytes);
  if (refused(decoded)) return;
  const auto once = encode(decoded.value());
  const auto again = decode_inode(once);
  FUZZ_REQUIRE(again.has_value() && encode(again.value()) == once);
}

void dentry(std::string_view bytes) {
  const auto decoded = decode_dentry(bytes);
  if (refused(decoded)) return;
  const auto once = encode(decoded.value());
  FUZZ_REQUIRE(once.size() <= kMaxDentrySize);
  const auto again = decode_dentry(once);
  FUZZ_REQUIRE(again.has_value() && again.value() == decoded.value());
}

}  // namespace
}  // namespace memoria

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      memoria::superblock(bytes);
      break;
    case 1:
      memoria::inode(bytes);
      break;
    default:
      memoria::dentry(bytes);
  }
  return 0;
}
