// SPDX-License-Identifier: MIT
// Segments read and written straight from core/FORMAT.md, without the store: what the store does is
// compared with what the format says.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/log/record.hpp"
#include "core/log/segment.hpp"
#include "tests/support/simulated_disk.hpp"

namespace memoria::test {

using Contents = std::map<std::string, std::string>;

struct RawRecord {
  Kind kind;
  uint64_t timestamp, generation, offset, length;
  std::string key, value;
  uint64_t at, size;  ///< in the file
};

struct RawSegment {
  uint64_t id = 0;
  uint32_t version = 0;
  uint8_t origin = 0;
  bool sealed = false;
  uint64_t seal_count = 0;
  uint64_t end = 0;       ///< where intact records end
  uint64_t keys_end = 0;  ///< where those of keys end
  uint64_t file_size = 0;
  std::vector<RawRecord> records;  ///< of keys, batches dissolved; no seal, end or replaces
  std::vector<uint64_t> replaces;
  std::vector<std::pair<uint64_t, uint64_t>> top_level;  ///< offset and size of each record
};

/// Reads a segment's bytes up to the first record that is not intact.
RawSegment read_segment(std::string_view bytes);
/// All `.data` files of an image. Segments that a sealed merge output replaces are left out.
std::vector<RawSegment> read_log(const Image& image);
/// The rules of FORMAT.md, "Generations", literally.
Contents replay(const std::vector<RawSegment>& log);

/// Record and value as they lie in the file at `place`.
std::string encode(const Record& record, std::string_view value = {}, Place place = {});
/// A batch of these records, with the timestamps that belong to their places in it.
std::string encode_batch(uint64_t timestamp,
                         const std::vector<std::pair<Record, std::string>>& records,
                         Place place = {});
/// A record with this type byte and these lengths, right or not, under a right checksum.
std::string forge(uint8_t type, uint32_t size, uint32_t key_size, uint32_t value_size,
                  Place place = {}, uint64_t timestamp = 1);

/// Builds a segment file by hand.
class RawSegmentWriter {
 public:
  explicit RawSegmentWriter(uint64_t id, Origin origin = Origin::kLog, uint32_t version = 1);
  RawSegmentWriter& put(std::string_view key, std::string_view value, uint64_t timestamp);
  RawSegmentWriter& erase(std::string_view key, uint64_t timestamp);
  RawSegmentWriter& piece(std::string_view key, uint64_t generation, uint64_t offset,
                          std::string_view bytes, uint64_t timestamp);
  RawSegmentWriter& truncate(std::string_view key, uint64_t generation, uint64_t size,
                             uint64_t timestamp);
  RawSegmentWriter& punch(std::string_view key, uint64_t generation, uint64_t offset,
                          uint64_t length, uint64_t timestamp);
  RawSegmentWriter& batch(uint64_t timestamp,
                          const std::vector<std::pair<Record, std::string>>& records);
  /// Bytes as they are.
  RawSegmentWriter& raw(std::string_view bytes, uint64_t records = 1);
  /// Where the next record will be.
  Place place() const { return {header_.seed(), bytes_.size()}; }
  RawSegmentWriter& replaces(const std::vector<uint64_t>& ids, uint64_t timestamp);
  RawSegmentWriter& end(uint64_t timestamp);
  RawSegmentWriter& seal(uint64_t timestamp);
  /// A key's record with a timestamp, for batch().
  static std::pair<Record, std::string> change(Kind kind, std::string_view key,
                                               std::string_view value = {});

  const std::string& bytes() const { return bytes_; }
  std::string file_name() const;

 private:
  RawSegmentWriter& add(const Record& record, std::string_view value = {});
  RawSegmentWriter& close(Kind kind, uint64_t timestamp);

  SegmentHeader header_;
  uint64_t records_ = 0;
  std::string bytes_;
};

}  // namespace memoria::test
