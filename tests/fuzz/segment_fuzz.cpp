// SPDX-License-Identifier: MIT
// Any bytes as a segment file of a store.
#include <string>

#include "tests/fuzz/store_exercise.hpp"
#include "tests/support/raw_log.hpp"

namespace memoria::test {
namespace {

/// The first byte chooses what stands beside the file.
void run(std::string_view input) {
  constexpr uint64_t kId = 1'500'000'000'000'000'000;
  const int mode = input.empty() ? 0 : input.front();
  if (!input.empty()) input.remove_prefix(1);
  Image image;
  if ((mode & 1) != 0) {
    RawSegmentWriter other(kId + 1);
    other.put("key", "an older value", 5).put("other", "value", 6).seal(7);
    image[other.file_name()] = other.bytes();
  }
  const RawSegmentWriter header(kId);
  std::string bytes;
  if ((mode & 2) != 0) bytes = header.bytes();
  image[header.file_name()] = bytes + std::string(input);
  if ((mode & 4) != 0) image[segment_file(kId, kHintSuffix)] = std::string(input);
  exercise_store(image);
}

}  // namespace
}  // namespace memoria::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  memoria::test::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
