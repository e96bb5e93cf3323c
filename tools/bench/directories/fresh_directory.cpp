// SPDX-License-Identifier: MIT
#include "tools/bench/directories/fresh_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <cerrno>
#include <cstdlib>
#include <memory>

namespace memoria::bench {

Status make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) != 0) return Error::from_errno(errno, "mkdir", path);
  return ok();
}

Status remove_tree(const std::string& path) {
  boost::system::error_code error;
  boost::filesystem::remove_all(path, error);
  if (error) return Error::from_errno(error.value(), "remove", path);
  return ok();
}

Leftovers::~Leftovers() {
  for (const auto& directory : directories_) (void)remove_tree(directory);
}

Result<Figures> run_in_fresh_directory(const std::string& parent, const Workload& workload,
                                       Leftovers* leftovers) {
  std::string directory = parent + "/memoria-bench.XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return Error::from_errno(errno, "mkdtemp", directory);
  ::sync();  // so that writing back an earlier run's data does not slow this one
  if (leftovers != nullptr) {
    leftovers->add(directory);
    return workload(directory);
  }
  auto figures = workload(directory);
  const auto removed = remove_tree(directory);
  if (figures && !removed) return removed.error();
  return figures;
}

Contest contest_of(std::string title, const std::vector<Place>& places, const Workload& workload,
                   Removal removal) {
  const auto leftovers =
      removal == Removal::kWithTheContest ? std::make_shared<Leftovers>() : nullptr;
  Contest contest{std::move(title), {}};
  for (const auto& place : places) {
    contest.contestants.push_back({place.name, [path = place.path, workload, leftovers] {
                                     return run_in_fresh_directory(path, workload, leftovers.get());
                                   }});
  }
  return contest;
}

}  // namespace memoria::bench
