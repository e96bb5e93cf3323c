// SPDX-License-Identifier: MIT
// Group `append`: a log file, one write(2) for each line.
#include <fcntl.h>
#include <fmt/format.h>

#include <memory>

#include "tools/bench/directories/contents.hpp"
#include "tools/bench/directories/fresh_directory.hpp"
#include "tools/bench/directories/open_file.hpp"
#include "tools/bench/directories/timing.hpp"

namespace memoria::bench {
namespace {

constexpr size_t kLineSize = 100;
constexpr size_t kLinesPerRead = 10'000;  // about a MiB

Result<Figure> append_lines(const std::string& path, uint64_t lines, const Contents& contents) {
  MEMORIA_TRY(auto file, OpenFile::open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND));
  MEMORIA_TRY(const double seconds, seconds_of([&]() -> Status {
                for (uint64_t line = 0; line < lines; ++line) {
                  MEMORIA_TRY(file.write(contents.piece(line, kLineSize)));
                }
                return file.close();
              }));
  return Figure{"append 100 B", "op/s", double(lines) / seconds, true};
}

Result<Figure> read_lines(const std::string& path, uint64_t lines, const Contents& contents) {
  std::string buffer(kLineSize * kLinesPerRead, '\0');
  MEMORIA_TRY(auto file, OpenFile::open(path, O_RDONLY));
  Stopwatch watch;
  for (uint64_t line = 0;;) {
    watch.start();
    MEMORIA_TRY(auto read, file.read(buffer));
    watch.stop();
    if (read.empty() && line == lines) break;
    if (read.empty() || read.size() > (lines - line) * kLineSize) {
      return Error(Errc::kCorrupt, fmt::format("{}: not {} bytes long", path, lines * kLineSize));
    }
    for (; !read.empty(); ++line, read.remove_prefix(std::min(kLineSize, read.size()))) {
      MEMORIA_TRY(expect_bytes(read.substr(0, kLineSize), contents.piece(line, kLineSize), path,
                               line * kLineSize));
    }
  }
  return Figure{"read it whole", "MB/s", double(lines * kLineSize) / 1e6 / watch.seconds(), true};
}

}  // namespace

std::vector<Contest> append_contests(const DirectoryOptions& options) {
  const auto contents = std::make_shared<Contents>(kLineSize);
  const auto work =
      [contents, lines = options.sizes.appends](const std::string& directory) -> Result<Figures> {
    const auto path = directory + "/log";
    MEMORIA_TRY(auto appended, append_lines(path, lines, *contents));
    MEMORIA_TRY(auto read, read_lines(path, lines, *contents));
    return Figures{std::move(appended), std::move(read)};
  };
  return {contest_of("append", options.places, work)};
}

}  // namespace memoria::bench
