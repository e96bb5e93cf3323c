// SPDX-License-Identifier: MIT
// Group `cold`: the first reading of a tree after the machine was started, as far as a command can
// bring that about: dropping the kernel's caches, mounting again.
#include <unistd.h>

#include "tools/bench/directories/fresh_directory.hpp"
#include "tools/bench/directories/program.hpp"
#include "tools/bench/directories/timing.hpp"
#include "tools/bench/directories/unpacked_tree.hpp"

namespace memoria::bench {
namespace {

Result<Figures> run(const std::string& directory, const std::string& tar,
                    const std::string& make_cold) {
  const auto tree = directory + "/tree";
  MEMORIA_TRY(make_directory(tree));
  MEMORIA_TRY(unpack(tar, tree));
  MEMORIA_TRY(expect_unpacked(tar, tree));
  MEMORIA_TRY(const auto warm, read_tree(tree));
  ::sync();
  MEMORIA_TRY(run_script(make_cold, {}, "/"));  // it may unmount the place: nothing is open in it
  Reading cold;
  MEMORIA_TRY(const double seconds, seconds_of([&]() -> Status {
                MEMORIA_TRY(cold, read_tree(tree));
                return ok();
              }));
  if (cold != warm) {
    return Error(Errc::kCorrupt, tree + ": what is read with cold caches is not what was there");
  }
  return Figures{{"read all files", "s", seconds, false},
                 {"read all files, speed", "MB/s", double(cold.bytes) / 1e6 / seconds, true}};
}

}  // namespace

std::vector<Contest> cold_contests(const DirectoryOptions& options) {
  Contest contest{"cold: the tree read again", {}};
  for (const auto& [name, path, make_cold] : options.places) {
    if (make_cold.empty()) continue;
    const auto work = [tar = options.tar, command = make_cold](const std::string& directory) {
      return run(directory, tar, command);
    };
    contest.contestants.push_back(contest_of("", {{name, path, make_cold}}, work).contestants[0]);
  }
  return {contest};
}

}  // namespace memoria::bench
