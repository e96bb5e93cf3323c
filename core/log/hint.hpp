// SPDX-License-Identifier: MIT
// A hint: what opening needs to know of a sealed segment, without its values. Never trusted, never
// fatal: one that does not check out is as good as none. Layout: core/FORMAT.md, "Hint".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/log/entry.hpp"

namespace memoria {

/// Builds the contents of a hint file in memory (about 40 bytes and the key for each record).
class HintWriter {
 public:
  explicit HintWriter(uint64_t segment_id);
  /// Entries in the order of the segment.
  void add(const Entry& entry);
  /// The whole file, for a segment file of `data_length` bytes. The writer is spent.
  std::string finish(uint64_t data_length) &&;

 private:
  const uint64_t segment_id_;
  std::string out_;
  uint64_t entries_ = 0;
  uint32_t crc_of_crcs_ = 0;
};

/// Reads a hint. The bytes must outlive it and the entries.
class HintReader {
 public:
  /// Checks header, trailer and every entry. Nothing: it is not the hint of this segment at this
  /// length, or it is damaged.
  static std::optional<HintReader> open(std::string_view bytes, uint64_t segment_id,
                                        uint64_t data_length);

  uint64_t entries() const { return entries_; }
  /// The next entry; false at the end.
  bool next(Entry& entry);

 private:
  HintReader(std::string_view body, uint64_t entries) : rest_(body), entries_(entries) {}

  std::string_view rest_;
  uint64_t entries_;
};

}  // namespace memoria
