// SPDX-License-Identifier: MIT
// Tar archives in pax format by hand: written as another program would, and read without
// libarchive.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace memoria::test {

/// One file or directory of an archive.
struct PaxEntry {
  std::string path;  ///< of a directory with "/" at its end
  mode_t mode = 0644;
  std::map<std::string, std::string> records = {};  ///< keyword to value
  std::string contents = {};
};

std::string pax_archive(const std::vector<PaxEntry>& entries);
/// All but the contents. Throws std::runtime_error when a header's checksum is wrong.
std::vector<PaxEntry> pax_entries(const std::string& archive);

}  // namespace memoria::test
