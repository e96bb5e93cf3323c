// SPDX-License-Identifier: MIT
// The record: the unit of everything on disk. Layout: core/FORMAT.md, "Record".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace memoria {

enum class Kind : uint8_t {
  kPut = 1,
  kErase = 2,
  kPiece = 3,
  kTruncate = 4,
  kPunch = 5,
  kBatch = 6,
  kSeal = 7,
  kReplaces = 8,
  kEnd = 9,
};

inline constexpr uint8_t kKindMask = 0x0f;
inline constexpr uint8_t kFlagBlocks = 0x10;
inline constexpr uint8_t kFlagCompressed = 0x20;
inline constexpr uint8_t kFlagEncrypted = 0x40;
inline constexpr uint8_t kFlagIgnorable = 0x80;

inline constexpr size_t kHeadSize = 25;
inline constexpr size_t kBlockSize = 16 << 10;
inline constexpr size_t kWholeChecksumLimit = 256;  ///< longer values get a block table
inline constexpr size_t kMaxKeySize = 65535;
inline constexpr uint64_t kLatestTimestamp = INT64_MAX;  ///< the year 2262
inline constexpr uint64_t kMaxValueSize = 64 << 20;      ///< of one record
/// Of a record of any kind, later ones included: what claims to be longer is none.
inline constexpr uint64_t kMaxRecordSize = 2 * kMaxValueSize + (1 << 20);
inline constexpr uint64_t kMaxSize = (uint64_t{1} << 63) - 1;  ///< of a value built by write_at
inline constexpr size_t kMaxBatchCount = 1'000'000;
inline constexpr size_t kMaxArguments = 24;

/// Bytes of arguments that a kind has; 0 for kinds without and for unknown ones.
constexpr size_t arguments_size(Kind kind) {
  switch (kind) {
    case Kind::kPiece:
    case Kind::kTruncate:
      return 16;
    case Kind::kPunch:
      return 24;
    case Kind::kBatch:
      return 4;
    case Kind::kSeal:
    case Kind::kEnd:
      return 8;
    case Kind::kPut:
    case Kind::kErase:
    case Kind::kReplaces:
      break;
  }
  return 0;
}

constexpr bool has_blocks(Kind kind, uint64_t value_size) {
  return kind != Kind::kBatch && value_size > kWholeChecksumLimit;
}
constexpr size_t block_count(uint64_t value_size) {
  return size_t((value_size + kBlockSize - 1) / kBlockSize);
}
/// Bytes in front of the value: head, key, arguments, block table.
constexpr size_t prefix_size(Kind kind, size_t key_size, uint64_t value_size) {
  return kHeadSize + key_size + arguments_size(kind) +
         (has_blocks(kind, value_size) ? 4 * block_count(value_size) : 0);
}
constexpr uint64_t record_size(Kind kind, size_t key_size, uint64_t value_size) {
  return prefix_size(kind, key_size, value_size) + value_size;
}

inline constexpr uint64_t kSealSize = record_size(Kind::kSeal, 0, 0);
inline constexpr uint64_t kEndSize = record_size(Kind::kEnd, 0, 0);

/// A decoded record without its value. `key` points into the bytes it was decoded from.
struct Record {
  Kind kind = Kind::kPut;
  uint8_t flags = 0;
  uint64_t timestamp = 0;
  uint64_t generation = 0;  ///< piece, truncate, punch
  uint64_t offset =
      0;  ///< piece, punch: in the value. truncate: the size. batch, seal, end: the count
  uint64_t length = 0;  ///< punch
  std::string_view key;
  uint32_t value_size = 0;

  size_t prefix() const { return prefix_size(kind, key.size(), value_size); }
  uint64_t size() const { return prefix() + value_size; }
  /// The number of the value's generation that this record belongs to.
  uint64_t own_generation() const {
    return kind == Kind::kPut || kind == Kind::kErase ? timestamp : generation;
  }
};

/// Where a record's checksum starts from, so that a record counts only in its own place: bytes of
/// another segment, of another store or from inside a file's contents never pass for one.
struct Place {
  uint32_t segment_seed = 0;  ///< SegmentHeader's seed()
  uint64_t offset = 0;        ///< of the record in the segment
};

/// Appends head, key, arguments and block table of `r` to `out` (not the value) and checksums them
/// together with `value`. r.value_size must be value.size(); for a batch `value` is empty and
/// r.value_size the size of the records in it.
void encode_prefix(const Record& r, std::string_view value, Place place, std::string& out);

/// An end or a seal, of a segment with so many records.
std::string encode_closing(Kind kind, uint64_t records, uint64_t timestamp, Place place);

/// What the first kHeadSize bytes say, unverified: how many bytes there must be to go on.
struct RecordHead {
  uint64_t size = 0;  ///< of the whole record
  size_t prefix = 0;  ///< bytes in front of the value
  /// Bytes needed to verify the head: `prefix`, or `size` for whole checksums.
  size_t verified = 0;
};
/// Nothing when the head cannot be a record's (lengths out of range or not adding up).
/// kUnsupported: it is one of a kind or with a flag that this version does not know.
Result<RecordHead> decode_head(std::string_view first_bytes);

/// Decodes and verifies; `bytes` starts with the record and has at least RecordHead::verified
/// bytes. A whole-checksum value is then verified, too; one with blocks is not. kCorrupt.
Result<Record> decode_record(std::string_view bytes, Place place);

/// An intact record of a later version: of a kind or with a flag that this one does not know.
struct UnknownRecord {
  uint64_t size = 0;
  bool ignorable = false;  ///< kFlagIgnorable: skip it
};
/// For what decode_head() called kUnsupported; `bytes` holds the whole record. Nothing: its
/// checksum is wrong, so it is no record at all.
std::optional<UnknownRecord> decode_unknown_record(std::string_view bytes, Place place);

/// Verifies the blocks that `part` covers. `prefix` is the record's verified prefix; `part` starts
/// at block `first_block` of the value, and ends at a block's end or the value's. False: damaged.
bool verify_blocks(const Record& r, std::string_view prefix, size_t first_block,
                   std::string_view part);

/// decode_record() and all blocks: `bytes` holds the whole record.
Result<Record> decode_whole_record(std::string_view bytes, Place place);

}  // namespace memoria
