// SPDX-License-Identifier: MIT
// Group `durable`: what a mail server or a build cache does, file after file.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "tools/bench/directories/contents.hpp"
#include "tools/bench/directories/fresh_directory.hpp"
#include "tools/bench/directories/open_file.hpp"
#include "tools/bench/directories/timing.hpp"
#include "tools/bench/statistics.hpp"

namespace memoria::bench {
namespace {

constexpr size_t kFileSize = 1024;

/// What one thread does in its own directory.
struct Share {
  std::vector<std::string> paths;
  std::vector<double> microseconds;  ///< each file took
};

Status write_durably(Share& share, const Contents& contents) {
  for (const auto& path : share.paths) {
    Stopwatch watch;
    watch.start();
    MEMORIA_TRY(auto file, OpenFile::open(path, O_WRONLY | O_CREAT | O_EXCL));
    MEMORIA_TRY(file.write(contents.piece(share.microseconds.size(), kFileSize)));
    MEMORIA_TRY(file.sync());
    MEMORIA_TRY(file.close());
    watch.stop();
    share.microseconds.push_back(watch.seconds() * 1e6);
  }
  return ok();
}

Status verify(const Share& share, const Contents& contents) {
  std::array<char, kFileSize + 1> buffer;
  for (size_t i = 0; i < share.paths.size(); ++i) {
    MEMORIA_TRY(auto file, OpenFile::open(share.paths[i], O_RDONLY));
    MEMORIA_TRY(const auto read, file.read(buffer));
    MEMORIA_TRY(expect_bytes(read, contents.piece(i, kFileSize), share.paths[i]));
  }
  return ok();
}

Result<Figures> run(const std::string& directory, unsigned threads, uint64_t files,
                    const Contents& contents) {
  const uint64_t files_each = std::max<uint64_t>(files / threads, 1);
  std::vector<Share> shares(threads);
  for (unsigned thread = 0; thread < threads; ++thread) {
    const auto own = fmt::format("{}/{}", directory, thread);
    MEMORIA_TRY(make_directory(own));
    for (uint64_t i = 0; i < files_each; ++i) {
      shares[thread].paths.push_back(fmt::format("{}/{:06}", own, i));
    }
    shares[thread].microseconds.reserve(files_each);
  }
  const auto work = [&](unsigned thread) { return write_durably(shares[thread], contents); };
  MEMORIA_TRY(const double seconds, seconds_of_threads(threads, work));
  std::vector<double> all;
  for (const auto& share : shares) {
    MEMORIA_TRY(verify(share, contents));
    all.insert(all.end(), share.microseconds.begin(), share.microseconds.end());
  }
  const auto name =
      fmt::format("create, 1 KiB, fsync, {} thread{}", threads, threads > 1 ? "s" : "");
  return Figures{{name, "op/s", double(all.size()) / seconds, true},
                 {name + ", p99", "us", percentile(all, 0.99), false}};
}

}  // namespace

std::vector<Contest> durable_contests(const DirectoryOptions& options) {
  const auto contents = std::make_shared<Contents>(kFileSize);
  std::vector<Contest> contests;
  for (const unsigned threads : {1u, 8u, 32u}) {
    const auto work = [=, files = options.sizes.durable_files](const std::string& directory) {
      return run(directory, threads, files, *contents);
    };
    const auto title = fmt::format("durable: {} thread{}", threads, threads > 1 ? "s" : "");
    contests.push_back(contest_of(title, options.places, work, Removal::kWithTheContest));
  }
  return contests;
}

}  // namespace memoria::bench
