// SPDX-License-Identifier: MIT
// Runs a fuzz target over a corpus directory and over seeded mutations of each file.
#include <algorithm>
#include <boost/filesystem.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/support/random.hpp"
#include "tests/support/temporary_directory.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace memoria::test {
namespace {

void run(const std::string& input) {
  // A copy of the exact size, so that the address sanitizer sees a read past the end.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::string mutate(std::string input, Random& random) {
  for (uint64_t n = random.between(1, 4); n > 0; --n) {
    const uint64_t at = random.below(input.size() + 1);
    switch (random.below(6)) {
      case 0:
        input.resize(at);
        break;
      case 1:
        input.insert(at, random.bytes(random.between(1, 8)));
        break;
      case 2:
        input.erase(at, random.between(1, 8));
        break;
      case 3:
        for (size_t i = at; i < std::min<size_t>(input.size(), at + 8); ++i) input[i] = char(0xff);
        break;
      case 4:
        if (at < input.size()) input[at] = char(random.next());
        break;
      default:
        if (at < input.size()) input[at] = char(input[at] ^ (1 << random.below(8)));
    }
  }
  return input;
}

int replay(const std::string& directory) {
  std::vector<std::string> files;
  for (const auto& entry : boost::filesystem::directory_iterator(directory)) {
    files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  Random random(base_seed());
  uint64_t runs = 0;
  run("");
  for (const auto& file : files) {
    const auto input = read_whole_file(file);
    run(input);
    for (uint64_t i = 0; i < rounds(150); ++i, ++runs) run(mutate(input, random));
  }
  std::printf("%zu files, %llu mutations, MEMORIA_TEST_SEED=%llu\n", files.size(),
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(base_seed()));
  return files.empty() ? 1 : 0;
}

}  // namespace
}  // namespace memoria::test

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
    return 2;
  }
  return memoria::test::replay(argv[1]);
}
