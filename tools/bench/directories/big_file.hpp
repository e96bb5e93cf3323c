// SPDX-License-Identifier: MIT
// One large file that knows what each of its blocks should hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/bench/contest.hpp"
#include "tools/bench/directories/contents.hpp"

namespace memoria::bench {

class BigFile {
 public:
  static constexpr size_t kChunkSize = 1 << 20;  ///< written and read at once, in order
  static constexpr size_t kBlockSize = 4 << 10;  ///< at random

  /// `contents` stays the caller's.
  BigFile(std::string path, uint64_t mib, const Contents& contents);

  /// Writes it in order: the speed without and with the final fsync.
  Result<std::vector<Figure>> write();
  Result<Figure> read_in_order();
  Result<Figure> read_at_random(uint64_t calls);
  Result<Figure> overwrite_at_random(uint64_t calls);
  /// Each overwrite is synced (fdatasync) before the next.
  Result<Figure> overwrite_durably(uint64_t calls);

 private:
  static constexpr uint64_t kBlocksPerChunk = kChunkSize / kBlockSize;

  std::string_view expected(uint64_t block) const;
  uint64_t any_block() { return mixed(++choices_) % versions_.size(); }
  Result<double> overwrite(uint64_t calls, bool durably);

  std::string path_;
  const Contents& contents_;
  std::vector<uint64_t> versions_;  // by block: which overwrite it has seen last; 0: none
  uint64_t choices_ = 0, overwrites_ = 0;
};

}  // namespace memoria::bench
