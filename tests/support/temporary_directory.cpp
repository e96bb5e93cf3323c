// SPDX-License-Identifier: MIT
#include "tests/support/temporary_directory.hpp"

#include <boost/filesystem.hpp>
#include <fstream>
#include <iterator>

namespace memoria::test {

namespace fs = boost::filesystem;

TemporaryDirectory::TemporaryDirectory() {
  const auto path = fs::temp_directory_path() / fs::unique_path("memoria-test-%%%%-%%%%-%%%%");
  fs::create_directory(path);
  path_ = fs::canonical(path).string();
}

TemporaryDirectory::~TemporaryDirectory() {
  boost::system::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string read_whole_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_whole_file(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), std::streamsize(bytes.size()));
  out.close();
  if (!out) throw std::runtime_error("cannot write " + path);
}

}  // namespace memoria::test
