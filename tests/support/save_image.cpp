// SPDX-License-Identifier: MIT
#include "tests/support/save_image.hpp"

#include <boost/filesystem.hpp>

#include "tests/support/temporary_directory.hpp"

namespace memoria::test {

void save_image(const Image& image, const std::string& directory) {
  for (const auto& [name, bytes] : image) {
    const auto path = boost::filesystem::path(directory) / name;
    if (name.ends_with('/')) {
      boost::filesystem::create_directories(path);
    } else {
      boost::filesystem::create_directories(path.parent_path());
      write_whole_file(path.string(), bytes);
    }
  }
}

}  // namespace memoria::test
