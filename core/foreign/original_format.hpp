// SPDX-License-Identifier: MIT
// The log of the engine in Go that Memoria grew out of, files `<time, ns>.data` of
//
//   [4B record length][4B CRC][8B time, ns][1B type][4B key size][4B value size][key][value]
//
// Only its description survives, so what that leaves open is found out from the files themselves,
// by what makes the first intact record right: the byte order, CRC-32 or CRC-32C, and whether the
// checksum covers what is behind it, or the record length as well, or all with zeros in its place.
// All files of a directory have the same dialect.
//
// - The record length covers the whole record; it must agree with the sizes of key and value.
// - That engine refused empty keys and empty values, so a record without a value erases its key. A
//   type above 2 is none that is known.
// - Its merge copies records into newer files, so the time decides which version is newer, and the
//   place only between equal times.
// - `.hint` and `.merge` files are not read: the former repeat what the data say, the latter are
//   unfinished.
#pragma once

#include <optional>
#include <string>

#include "core/foreign/format.hpp"

namespace memoria::foreign {

/// What the description leaves open.
struct Dialect {
  enum class Covers { kBehindIt, kAllButIt, kAllWithZeros };
  bool big_endian = false;
  bool castagnoli = false;  ///< CRC-32C instead of CRC-32
  Covers covers = Covers::kBehindIt;
  bool operator==(const Dialect&) const = default;
};

class OriginalFormat final : public LogFormat {
 public:
  static constexpr size_t kHeadSize = 25;

  explicit OriginalFormat(const Dialect& dialect = {}) : dialect_(dialect) {}
  const Dialect& dialect() const { return dialect_; }

  std::optional<uint64_t> segment_number(std::string_view file_name) const override;
  bool is_discarded(mode_t) const override { return false; }
  size_t head_size() const override { return kHeadSize; }
  std::optional<RecordHead> parse(std::string_view head) const override;
  std::optional<std::string> with_sizes(std::string_view, uint64_t, uint64_t) const override {
    return std::nullopt;  // the record length tells
  }
  uint32_t begin_checksum(std::string_view head) const override;
  uint32_t continue_checksum(uint32_t checksum, std::string_view bytes) const override;
  Meaning meaning(const RecordHead& head, std::string_view beginning) const override;
  bool orders_by_time() const override { return true; }

 private:
  Dialect dialect_;
};

}  // namespace memoria::foreign
