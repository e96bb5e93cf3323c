// SPDX-License-Identifier: MIT
// Group `big`: what disk images and media files get.
#include <fmt/format.h>

#include <memory>

#include "tools/bench/directories/big_file.hpp"
#include "tools/bench/directories/fresh_directory.hpp"

namespace memoria::bench {
namespace {

Result<Figures> run(const std::string& directory, const DirectorySizes& sizes,
                    const Contents& contents) {
  BigFile file(directory + "/big", sizes.big_mib, contents);
  MEMORIA_TRY(auto figures, file.write());
  const auto add = [&](Result<Figure> figure) -> Status {
    MEMORIA_TRY(auto measured, std::move(figure));
    figures.push_back(std::move(measured));
    return ok();
  };
  MEMORIA_TRY(add(file.read_in_order()));
  MEMORIA_TRY(add(file.read_at_random(sizes.random_calls)));
  MEMORIA_TRY(add(file.overwrite_at_random(sizes.random_calls)));
  MEMORIA_TRY(add(file.overwrite_durably(sizes.synced_overwrites)));
  MEMORIA_TRY(file.read_in_order());  // all overwrites arrived where they should, and only there
  return figures;
}

}  // namespace

std::vector<Contest> big_contests(const DirectoryOptions& options) {
  const auto contents = std::make_shared<Contents>(BigFile::kChunkSize);
  const auto work = [contents, sizes = options.sizes](const std::string& directory) {
    return run(directory, sizes, *contents);
  };
  return {contest_of(fmt::format("big: a file of {} MiB", options.sizes.big_mib), options.places,
                     work)};
}

}  // namespace memoria::bench
