// SPDX-License-Identifier: MIT
// Reads parts of values from segments and checks every byte on the way.
#pragma once

#include <span>
#include <string_view>

#include "core/store/file_cache.hpp"
#include "core/store/patched_value.hpp"

namespace memoria {

/// Thread-safe.
class RecordReader {
 public:
  RecordReader(Segments& segments, FileCache& files, bool verify)
      : segments_(segments), files_(files), verify_(verify) {}

  /// Fills `out` with the `piece`'s bytes from `piece.skip` on (out.size() == piece.length).
  /// kConflict: the segment is gone, because a merge moved the record: look the key up again.
  /// kCorrupt.
  Status read(std::string_view key, const Piece& piece, std::span<char> out) const;
  /// When the record of a piece was written: of a copy, when the original was. Reads and checks its
  /// head only, or all of a short one. Errors as of read().
  Result<uint64_t> timestamp(std::string_view key, const Piece& piece) const;

 private:
  Result<FileCache::Use> open(const Segment& segment) const;
  Status read_whole(const File& file, uint32_t seed, std::string_view key, const Piece& piece,
                    std::span<char> out) const;
  Status read_blocks(const File& file, uint32_t seed, std::string_view key, const Piece& piece,
                     std::span<char> out) const;

  Segments& segments_;
  FileCache& files_;
  const bool verify_;
};

}  // namespace memoria
