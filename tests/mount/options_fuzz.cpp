// SPDX-License-Identifier: MIT
// Any bytes behind -o: options, or a refusal that says something.
#include <string_view>

#include "fs/binding/mount_options.hpp"
#include "tests/fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  memoria::MountOptions options;
  const auto added =
      memoria::add_mount_options({reinterpret_cast<const char*>(data), size}, options);
  if (!added.has_value()) {
    FUZZ_REQUIRE(!added.error().message.empty());
    return 0;
  }
  for (const auto& option : options.kernel) FUZZ_REQUIRE(!option.empty());
  FUZZ_REQUIRE(options.max_threads > 0);
  return 0;
}
