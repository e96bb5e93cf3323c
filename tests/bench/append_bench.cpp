// SPDX-License-Identifier: MIT
// Chooses how far zeros are written behind what is appended: microseconds for an append without any
// sync, when what is written ends at a multiple of so many bytes.
//
//   append_bench DIRECTORY [MEBIBYTES] [ROUNDS]
//
// The ways take turns within each round; the table shows medians of the rounds.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr size_t kRecords[] = {140, 1'200, 4'300, 16'500, 65'700, 262'300};
constexpr size_t kUnits[] = {0, 16 << 10, 64 << 10, 128 << 10, 256 << 10, 1 << 20};
constexpr size_t kHeader = 44;  // of a segment: records do not begin at a page

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// Microseconds for one append of `record` bytes, of as many as make `total` bytes.
double measure(const std::string& path, size_t record, size_t unit, size_t total) {
  static std::string zeros(*std::max_element(std::begin(kUnits), std::end(kUnits)), '\0');
  std::string bytes(record, 'x');
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) fail("open");
  size_t end = kHeader, prepared = 0, count = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (; end + record < total; end += record, ++count) {
    size_t ahead = 0;
    if (unit != 0 && end + record > prepared) {
      prepared = (end + record + unit - 1) / unit * unit;
      ahead = prepared - end - record;
    }
    const iovec parts[] = {{bytes.data(), record}, {zeros.data(), ahead}};
    if (::pwritev(fd, parts, ahead != 0 ? 2 : 1, off_t(end)) < 0) fail("pwritev");
  }
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
  ::close(fd);
  ::unlink(path.c_str());
  return took.count() / double(std::max<size_t>(count, 1));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: append_bench DIRECTORY [MEBIBYTES] [ROUNDS]\n");
    return 2;
  }
  const std::string path = std::string(argv[1]) + "/append_bench.log";
  const size_t total = (argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 64) << 20;
  const size_t rounds = argc > 3 ? std::max(std::strtoull(argv[3], nullptr, 10), 1ULL) : 7;
  fmt::print("{:>8}", "bytes");
  for (const size_t unit : kUnits) fmt::print(" {:>8}K", unit >> 10);
  fmt::print("\n");
  for (const size_t record : kRecords) {
    std::vector<double> us[std::size(kUnits)];
    for (size_t round = 0; round < rounds; ++round) {
      for (size_t i = 0; i < std::size(kUnits); ++i) {
        us[i].push_back(measure(path, record, kUnits[i], total));
      }
    }
    fmt::print("{:>8}", record);
    for (auto& samples : us) {
      std::sort(samples.begin(), samples.end());
      fmt::print(" {:9.2f}", samples[rounds / 2]);
    }
    fmt::print("\n");
  }
}
