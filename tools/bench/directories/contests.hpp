// SPDX-License-Identifier: MIT
// Contests between directories: the same work on files in each, with POSIX calls and ordinary
// programs. Everything read is compared with what was written; a wrong byte is an error.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/bench/contest.hpp"

namespace memoria::bench {

/// A directory that takes part, often the root of a filesystem.
struct Place {
  std::string name, path;
  std::string make_cold;  ///< shell command that empties the caches above it; empty: there is none
};

/// How much is done. The defaults are for machines with a disk of their own.
struct DirectorySizes {
  uint64_t durable_files = 2000;     ///< in `durable`, shared by all threads
  uint64_t small_files = 20'000;     ///< in `small`, shared by all threads
  uint64_t big_mib = 256;            ///< of the file in `big`
  uint64_t random_calls = 20'000;    ///< of each kind in `big`
  uint64_t synced_overwrites = 300;  ///< in `big`
  uint64_t appends = 100'000;        ///< in `append`

  /// Enough to see that everything works.
  static DirectorySizes quick() { return {64, 200, 4, 200, 10, 1000}; }
};

struct DirectoryOptions {
  std::vector<Place> places;  ///< the first is what the others are compared with
  std::string tar;            ///< tar file for the groups `tree` and `cold`; empty: none
  DirectorySizes sizes;
};

/// A group of contests, chosen by its name.
struct DirectoryGroup {
  std::string name, description;
  std::vector<Contest> (*contests)(const DirectoryOptions& options);
  /// What is missing in the options to hold them, as a clause; empty: nothing.
  std::string (*missing)(const DirectoryOptions& options);
};

/// All groups, in the order in which they are held.
const std::vector<DirectoryGroup>& directory_groups();

std::vector<Contest> durable_contests(const DirectoryOptions& options);
std::vector<Contest> small_contests(const DirectoryOptions& options);
std::vector<Contest> tree_contests(const DirectoryOptions& options);
std::vector<Contest> big_contests(const DirectoryOptions& options);
std::vector<Contest> append_contests(const DirectoryOptions& options);
/// Of the places that can be made cold; the first of them is what the others are compared with.
std::vector<Contest> cold_contests(const DirectoryOptions& options);

}  // namespace memoria::bench
