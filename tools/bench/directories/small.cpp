// SPDX-License-Identifier: MIT
// Group `small`: every step on all files, before the next step; nothing is synced.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "tools/bench/directories/fresh_directory.hpp"
#include "tools/bench/directories/small_files.hpp"
#include "tools/bench/directories/timing.hpp"

namespace memoria::bench {
namespace {

constexpr size_t kLargest = 16 << 10;

struct Step {
  std::string_view name;
  Status (SmallFiles::*run)();
  bool is_timed = true;
};

constexpr Step kSteps[] = {
    {"create", &SmallFiles::create},
    {"stat", &SmallFiles::stat},
    {"open and read", &SmallFiles::read},
    {"rename", &SmallFiles::rename},
    {"overwrite", &SmallFiles::overwrite},
    {"append 100 B", &SmallFiles::append},
    {"verify", &SmallFiles::verify_changed, false},
    {"readdir", &SmallFiles::list},
    {"unlink", &SmallFiles::unlink},
    {"mkdir", &SmallFiles::make_directories},
    {"rmdir", &SmallFiles::remove_directories},
};

struct Shape {
  size_t size;  ///< of a file
  unsigned threads;

  std::string text() const {
    return fmt::format("{} KiB, {} thread{}", size >> 10, threads, threads > 1 ? "s" : "");
  }
};

Result<Figures> run(const std::string& directory, const Shape& shape, uint64_t files,
                    const Contents& contents) {
  const uint64_t files_each = std::max<uint64_t>(files / shape.threads, 1);
  std::vector<SmallFiles> shares;
  for (unsigned thread = 0; thread < shape.threads; ++thread) {
    const auto own = fmt::format("{}/{}", directory, thread);
    MEMORIA_TRY(make_directory(own));
    shares.emplace_back(own, files_each, shape.size, contents);
  }
  Figures figures;
  for (const auto& step : kSteps) {
    const auto work = [&](unsigned thread) { return (shares[thread].*step.run)(); };
    MEMORIA_TRY(const double seconds, seconds_of_threads(shape.threads, work));
    if (!step.is_timed) continue;
    figures.push_back({fmt::format("{}, {}", step.name, shape.text()), "op/s",
                       double(files_each * shape.threads) / seconds, true});
  }
  return figures;
}

}  // namespace

std::vector<Contest> small_contests(const DirectoryOptions& options) {
  const auto contents = std::make_shared<Contents>(kLargest);
  std::vector<Contest> contests;
  for (const size_t size : {size_t(1) << 10, kLargest}) {
    for (const unsigned threads : {1u, 8u}) {
      const Shape shape{size, threads};
      const auto work = [=, files = options.sizes.small_files](const std::string& directory) {
        return run(directory, shape, files, *contents);
      };
      contests.push_back(contest_of("small: " + shape.text(), options.places, work));
    }
  }
  return contests;
}

}  // namespace memoria::bench
