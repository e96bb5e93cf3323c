// SPDX-License-Identifier: MIT
// Group `tree`: a day's work with a source tree, by the programs that do it. What was read before
// has a time of access that the kernel asks for again; `again` is what its caches can answer.
#include <functional>

#include "tools/bench/directories/fresh_directory.hpp"
#include "tools/bench/directories/program.hpp"
#include "tools/bench/directories/timing.hpp"
#include "tools/bench/directories/unpacked_tree.hpp"

namespace memoria::bench {
namespace {

constexpr const char* kAbsentWord = "a-word-that-is-in-no-file-of-the-tree";

/// Times programs one after the other, in the same tree.
class TreeWork {
 public:
  TreeWork(const std::string& directory, std::string tar)
      : directory_(directory),
        tree_(directory + "/tree"),
        copy_(directory + "/copy"),
        tar_(std::move(tar)) {}

  Result<Figures> run() {
    MEMORIA_TRY(make_directory(tree_));
    MEMORIA_TRY(timed("tar -x", [&] { return unpack(tar_, tree_); }));
    MEMORIA_TRY(expect_unpacked(tar_, tree_));
    MEMORIA_TRY(timed("cp -a", [&] { return in_directory({"cp", "-a", "tree", "copy"}); }));
    MEMORIA_TRY(expect_unpacked(tar_, copy_));
    const auto find = [&] { return in_tree({"find", ".", "-name", kAbsentWord}); };
    const auto du = [&] { return in_tree({"du", "-s", "."}); };
    MEMORIA_TRY(timed("find", find));
    MEMORIA_TRY(timed("find again", find));
    MEMORIA_TRY(timed("grep -r", [&] { return in_tree({"grep", "-rF", kAbsentWord, "."}, 1); }));
    MEMORIA_TRY(timed("du -s", du));
    MEMORIA_TRY(timed("du -s again", du));
    MEMORIA_TRY(timed("rm -rf", [&] { return in_directory({"rm", "-rf", "copy"}); }));
    MEMORIA_TRY(work_with_git());
    return std::move(figures_);
  }

 private:
  Status work_with_git() {
    MEMORIA_TRY(timed("git init, add, commit", [&]() -> Status {
      MEMORIA_TRY(in_tree({"git", "init", "-q"}));
      MEMORIA_TRY(in_tree({"git", "add", "-f", "-A"}));
      return in_tree({"git", "commit", "-q", "-m", "all"});
    }));
    const auto status = [&] { return in_tree({"git", "status", "--short"}); };
    MEMORIA_TRY(timed("git status", status));
    MEMORIA_TRY(timed("git status again", status));
    MEMORIA_TRY(remove_half(tree_));
    MEMORIA_TRY(timed("git checkout of half", [&] {
      return in_tree({"git", "checkout", "-q", "--", "."});
    }));
    return expect_unpacked(tar_, tree_);
  }

  Status timed(const char* name, const std::function<Status()>& work) {
    MEMORIA_TRY(const double seconds, seconds_of(work));
    figures_.push_back({name, "s", seconds, false});
    return ok();
  }

  Status in_directory(const std::vector<std::string>& arguments) {
    return run_program(arguments, directory_);
  }
  Status in_tree(const std::vector<std::string>& arguments, int expected_code = 0) {
    return run_program(arguments, tree_, expected_code);
  }

  const std::string directory_, tree_, copy_, tar_;
  Figures figures_;
};

}  // namespace

std::vector<Contest> tree_contests(const DirectoryOptions& options) {
  const auto work = [tar = options.tar](const std::string& directory) {
    return TreeWork(directory, tar).run();
  };
  return {contest_of("tree: programs", options.places, work)};
}

}  // namespace memoria::bench
