// SPDX-License-Identifier: MIT
// Chooses how the active segment gets its space: microseconds for an append of 1 KiB and an
// fdatasync, into a file that grows, one that was fallocated, one with zeros written ahead, and one
// recycled.
//
//   sync_bench DIRECTORY [APPENDS] [ROUNDS]
//
// The ways take turns within each round; the table shows medians over all appends.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace {

constexpr size_t kRecord = 1024;
constexpr size_t kAhead = 512 << 10;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

class Log {
 public:
  explicit Log(const std::string& path) : path_(path) {
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd_ < 0) fail("open");
  }
  ~Log() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  void write(size_t offset, size_t size, char fill) {
    const std::string bytes(size, fill);
    if (::pwrite(fd_, bytes.data(), size, off_t(offset)) != ssize_t(size)) fail("pwrite");
  }
  void sync() {
    if (::fdatasync(fd_) != 0) fail("fdatasync");
  }
  void allocate(size_t size) {
    if (::fallocate(fd_, 0, 0, off_t(size)) != 0) fail("fallocate");
  }

 private:
  std::string path_;
  int fd_;
};

using Prepare = std::function<void(Log&, size_t appends)>;
using BeforeAppend = std::function<void(Log&, size_t offset)>;

struct Way {
  const char* name;
  Prepare prepare;
  BeforeAppend before;
  std::vector<double> us;
};

void run(Way& way, const std::string& directory, size_t appends) {
  Log log(directory + "/sync_bench.log");
  way.prepare(log, appends);
  log.sync();
  for (size_t i = 0; i < appends; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    way.before(log, i * kRecord);
    log.write(i * kRecord, kRecord, 'x');
    log.sync();
    way.us.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
            .count());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: sync_bench DIRECTORY [APPENDS] [ROUNDS]\n");
    return 2;
  }
  const size_t appends = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1000;
  const size_t rounds = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 5;
  const auto nothing = [](Log&, size_t) {};
  std::vector<Way> ways = {
      {"growing", nothing, nothing, {}},
      {"fallocated", [](Log& log, size_t n) { log.allocate(n * kRecord); }, nothing, {}},
      {"zeros 512 KiB ahead",
       nothing,
       [](Log& log, size_t offset) {
         if (offset % kAhead == 0) log.write(offset, kAhead, '\0');
       },
       {}},
      {"recycled", [](Log& log, size_t n) { log.write(0, n * kRecord, 'o'); }, nothing, {}},
  };
  for (size_t round = 0; round < rounds; ++round) {
    for (auto& way : ways) run(way, argv[1], appends);
  }
  fmt::print("append 1 KiB + fdatasync, {} rounds of {}\n", rounds, appends);
  for (auto& way : ways) {
    std::sort(way.us.begin(), way.us.end());
    fmt::print("{:<22} median {:7.0f} us   p99 {:7.0f} us\n", way.name, way.us[way.us.size() / 2],
               way.us[way.us.size() * 99 / 100]);
  }
}
