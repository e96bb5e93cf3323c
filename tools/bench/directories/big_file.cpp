// SPDX-License-Identifier: MIT
#include "tools/bench/directories/big_file.hpp"

#include <fcntl.h>

#include "tools/bench/directories/open_file.hpp"
#include "tools/bench/directories/timing.hpp"

namespace memoria::bench {
namespace {

double megabytes(uint64_t blocks) {
  return double(blocks * BigFile::kBlockSize) / 1e6;
}

/// Apart from the numbers of chunks.
constexpr uint64_t kOverwritten = uint64_t(1) << 63;

}  // namespace

BigFile::BigFile(std::string path, uint64_t mib, const Contents& contents)
    : path_(std::move(path)), contents_(contents), versions_(mib * kBlocksPerChunk) {}

std::string_view BigFile::expected(uint64_t block) const {
  if (versions_[block] != 0) return contents_.piece(kOverwritten | versions_[block], kBlockSize);
  const auto chunk = contents_.piece(block / kBlocksPerChunk, kChunkSize);
  return chunk.substr(block % kBlocksPerChunk * kBlockSize, kBlockSize);
}

Result<std::vector<Figure>> BigFile::write() {
  const uint64_t chunks = versions_.size() / kBlocksPerChunk;
  MEMORIA_TRY(auto file, OpenFile::open(path_, O_WRONLY | O_CREAT | O_EXCL));
  MEMORIA_TRY(const double writing, seconds_of([&]() -> Status {
                for (uint64_t chunk = 0; chunk < chunks; ++chunk) {
                  MEMORIA_TRY(file.write(contents_.piece(chunk, kChunkSize)));
                }
                return ok();
              }));
  MEMORIA_TRY(const double syncing, seconds_of([&] { return file.sync(); }));
  MEMORIA_TRY(file.close());
  const double size = megabytes(versions_.size());
  return std::vector<Figure>{{"write in order", "MB/s", size / writing, true},
                             {"write in order, fsync", "MB/s", size / (writing + syncing), true}};
}

Result<Figure> BigFile::read_in_order() {
  std::string buffer(kChunkSize, '\0');
  MEMORIA_TRY(auto file, OpenFile::open(path_, O_RDONLY));
  Stopwatch watch;
  for (uint64_t block = 0; block < versions_.size(); block += kBlocksPerChunk) {
    watch.start();
    MEMORIA_TRY(const auto read, file.read(buffer));
    watch.stop();
    for (uint64_t i = 0; i < kBlocksPerChunk; ++i) {
      const auto offset = std::min(i * kBlockSize, read.size());
      MEMORIA_TRY(expect_bytes(read.substr(offset, kBlockSize), expected(block + i), path_,
                               (block + i) * kBlockSize));
    }
  }
  return Figure{"read in order", "MB/s", megabytes(versions_.size()) / watch.seconds(), true};
}

Result<Figure> BigFile::read_at_random(uint64_t calls) {
  std::string buffer(kBlockSize, '\0');
  MEMORIA_TRY(auto file, OpenFile::open(path_, O_RDONLY));
  Stopwatch watch;
  for (uint64_t i = 0; i < calls; ++i) {
    const uint64_t block = any_block();
    watch.start();
    MEMORIA_TRY(const auto read, file.read_at(block * kBlockSize, buffer));
    watch.stop();
    MEMORIA_TRY(expect_bytes(read, expected(block), path_, block * kBlockSize));
  }
  return Figure{"read 4 KiB at random", "op/s", double(calls) / watch.seconds(), true};
}

Result<double> BigFile::overwrite(uint64_t calls, bool durably) {
  MEMORIA_TRY(auto file, OpenFile::open(path_, O_WRONLY));
  Stopwatch watch;
  for (uint64_t i = 0; i < calls; ++i) {
    const uint64_t block = any_block();
    versions_[block] = ++overwrites_;
    const auto bytes = expected(block);
    watch.start();
    MEMORIA_TRY(file.write_at(block * kBlockSize, bytes));
    if (durably) MEMORIA_TRY(file.sync_data());
    watch.stop();
  }
  MEMORIA_TRY(file.close());
  return double(calls) / watch.seconds();
}

Result<Figure> BigFile::overwrite_at_random(uint64_t calls) {
  MEMORIA_TRY(const double speed, overwrite(calls, false));
  return Figure{"overwrite 4 KiB at random", "op/s", speed, true};
}

Result<Figure> BigFile::overwrite_durably(uint64_t calls) {
  MEMORIA_TRY(const double speed, overwrite(calls, true));
  return Figure{"overwrite 4 KiB, fdatasync", "op/s", speed, true};
}

}  // namespace memoria::bench
