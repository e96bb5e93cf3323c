// SPDX-License-Identifier: MIT
#include <algorithm>

#include "tools/bench/directories/contests.hpp"

namespace memoria::bench {
namespace {

std::string needs_places(const DirectoryOptions& options) {
  return options.places.empty() ? "needs --dir" : "";
}

std::string needs_tar(const DirectoryOptions& options) {
  if (options.places.empty()) return "needs --dir";
  return options.tar.empty() ? "needs --tar" : "";
}

std::string needs_cold(const DirectoryOptions& options) {
  if (auto missing = needs_tar(options); !missing.empty()) return missing;
  const auto has_command = [](const Place& place) { return !place.make_cold.empty(); };
  const bool any = std::any_of(options.places.begin(), options.places.end(), has_command);
  return any ? "" : "needs --cold";
}

}  // namespace

const std::vector<DirectoryGroup>& directory_groups() {
  static const std::vector<DirectoryGroup> groups = {
      {"durable", "small files made and synced one by one", durable_contests, needs_places},
      {"small", "many small files: made, read, changed, listed, removed", small_contests,
       needs_places},
      {"big", "one large file, in order and at random", big_contests, needs_places},
      {"append", "a log that grows by small writes", append_contests, needs_places},
      {"tree", "tar, cp, find, grep, du, git and rm on the tree of --tar", tree_contests,
       needs_tar},
      {"cold", "that tree read again after the command of --cold", cold_contests, needs_cold},
  };
  return groups;
}

}  // namespace memoria::bench
