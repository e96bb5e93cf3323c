// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace memoria::test {

/// A new directory, removed with all it holds at the end of the scope. It lies in $TMPDIR.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// The file's bytes; an empty string when it cannot be read.
std::string read_whole_file(const std::string& path);
void write_whole_file(const std::string& path, const std::string& bytes);

}  // namespace memoria::test
