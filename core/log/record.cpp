// SPDX-License-Identifier: MIT
#include "core/log/record.hpp"

#include <algorithm>
#include <cassert>

#include "core/base/coding.hpp"
#include "core/base/crc32c.hpp"

namespace memoria {
namespace {

constexpr size_t kAtCrc = 4, kAtTimestamp = 8, kAtType = 16, kAtKeySize = 17, kAtValueSize = 21;
static_assert(kAtValueSize + 4 == kHeadSize);

constexpr uint64_t kMaxBatchBytes = 2 * kMaxValueSize;

uint8_t type_byte(const Record& r) {
  return uint8_t(uint8_t(r.kind) | r.flags | (has_blocks(r.kind, r.value_size) ? kFlagBlocks : 0));
}

/// The place, the record's length, and everything behind the checksum up to `end`.
uint32_t checksum(std::string_view bytes, size_t end, Place place) {
  char offset_and_length[12];
  store_le<uint64_t>(offset_and_length, place.offset);
  bytes.copy(offset_and_length + 8, kAtCrc);
  const auto crc = crc32c({offset_and_length, sizeof offset_and_length}, place.segment_seed);
  return crc32c(bytes.substr(kAtTimestamp, end - kAtTimestamp), crc);
}

bool known(Kind kind) {
  return kind >= Kind::kPut && kind <= Kind::kEnd;
}

void append_arguments(const Record& r, std::string& out) {
  switch (arguments_size(r.kind)) {
    case 4:
      append_le<uint32_t>(out, uint32_t(r.offset));
      break;
    case 8:
      append_le<uint64_t>(out, r.offset);
      break;
    case 16:
    case 24:
      append_le<uint64_t>(out, r.generation);
      append_le<uint64_t>(out, r.offset);
      if (r.kind == Kind::kPunch) append_le<uint64_t>(out, r.length);
      break;
    default:
      break;
  }
}

/// False when a range or a size lies beyond the largest value: later arithmetic relies on it.
bool arguments_in_range(const Record& r) {
  return r.offset <= kMaxSize && r.length <= kMaxSize && r.offset + r.length <= kMaxSize &&
         r.offset + r.value_size <= kMaxSize;
}

void decode_arguments(Record& r, Decoder in) {
  switch (arguments_size(r.kind)) {
    case 4:
      r.offset = in.le<uint32_t>();
      break;
    case 8:
      r.offset = in.le<uint64_t>();
      break;
    case 16:
    case 24:
      r.generation = in.le<uint64_t>();
      r.offset = in.le<uint64_t>();
      if (r.kind == Kind::kPunch) r.length = in.le<uint64_t>();
      break;
    default:
      break;
  }
}

Error damaged(const char* what) {
  return {Errc::kCorrupt, std::string("record: ") + what};
}

}  // namespace

void encode_prefix(const Record& r, std::string_view value, Place place, std::string& out) {
  assert(r.key.size() <= kMaxKeySize);
  assert(r.kind == Kind::kBatch || r.value_size == value.size());
  const size_t begin = out.size();
  append_le<uint32_t>(out, uint32_t(r.size()));
  append_le<uint32_t>(out, 0);
  append_le<uint64_t>(out, r.timestamp);
  out.push_back(char(type_byte(r)));
  append_le<uint32_t>(out, uint32_t(r.key.size()));
  append_le<uint32_t>(out, r.value_size);
  out.append(r.key);
  append_arguments(r, out);
  const bool blocks = has_blocks(r.kind, r.value_size);
  if (blocks) {
    for (size_t at = 0; at < value.size(); at += kBlockSize) {
      append_le<uint32_t>(out, crc32c(value.substr(at, kBlockSize)));
    }
  }
  const auto prefix = std::string_view(out).substr(begin);
  assert(prefix.size() == r.prefix());
  uint32_t crc = checksum(prefix, prefix.size(), place);
  if (!blocks && r.kind != Kind::kBatch) crc = crc32c(value, crc);
  store_le<uint32_t>(out.data() + begin + kAtCrc, crc);
}

std::string encode_closing(Kind kind, uint64_t records, uint64_t timestamp, Place place) {
  assert(kind == Kind::kEnd || kind == Kind::kSeal);
  Record r;
  r.kind = kind;
  r.timestamp = timestamp;
  r.offset = records;
  std::string bytes;
  encode_prefix(r, {}, place, bytes);
  return bytes;
}

Result<RecordHead> decode_head(std::string_view first_bytes) {
  if (first_bytes.size() < kHeadSize) return damaged("cut off in its head");
  const char* p = first_bytes.data();
  const auto type = uint8_t(p[kAtType]);
  const auto kind = Kind(type & kKindMask);
  const uint64_t size = load_le<uint32_t>(p);
  const uint64_t key_size = load_le<uint32_t>(p + kAtKeySize);
  const uint64_t value_size = load_le<uint32_t>(p + kAtValueSize);
  if (size < kHeadSize) return damaged("impossible length");
  if (!known(kind) || (type & (kFlagCompressed | kFlagEncrypted)) != 0) {
    return Error{Errc::kUnsupported, "record: of a kind that this version does not know"};
  }
  const uint64_t limit = kind == Kind::kBatch ? kMaxBatchBytes : kMaxValueSize;
  if (key_size > kMaxKeySize || value_size > limit) return damaged("impossible lengths");
  if (has_blocks(kind, value_size) != ((type & kFlagBlocks) != 0)) return damaged("wrong flags");
  if (size != record_size(kind, key_size, value_size)) return damaged("lengths do not add up");
  RecordHead head;
  head.size = size;
  head.prefix = prefix_size(kind, key_size, value_size);
  const bool whole = !has_blocks(kind, value_size) && kind != Kind::kBatch;
  head.verified = whole ? size_t(size) : head.prefix;
  return head;
}

Result<Record> decode_record(std::string_view bytes, Place place) {
  MEMORIA_TRY(const auto head, decode_head(bytes));
  if (bytes.size() < head.verified) return damaged("cut off");
  const char* p = bytes.data();
  if (load_le<uint32_t>(p + kAtCrc) != checksum(bytes, head.verified, place)) {
    return damaged("checksum does not match");
  }
  Record r;
  const auto type = uint8_t(p[kAtType]);
  r.kind = Kind(type & kKindMask);
  r.flags = type & ~kKindMask & ~kFlagBlocks;
  r.timestamp = load_le<uint64_t>(p + kAtTimestamp);
  if (r.timestamp > kLatestTimestamp) return damaged("a time after 2262");
  r.value_size = load_le<uint32_t>(p + kAtValueSize);
  r.key = bytes.substr(kHeadSize, load_le<uint32_t>(p + kAtKeySize));
  decode_arguments(r, Decoder(bytes.substr(kHeadSize + r.key.size())));
  if (!arguments_in_range(r)) return damaged("a range beyond the largest value");
  return r;
}

std::optional<UnknownRecord> decode_unknown_record(std::string_view bytes, Place place) {
  if (bytes.size() < kHeadSize) return std::nullopt;
  const char* p = bytes.data();
  const auto type = uint8_t(p[kAtType]);
  const uint64_t size = load_le<uint32_t>(p);
  const uint64_t value_size = load_le<uint32_t>(p + kAtValueSize);
  const uint64_t least = kHeadSize + load_le<uint32_t>(p + kAtKeySize) + value_size;
  if (size < least || size > std::min<uint64_t>(bytes.size(), kMaxRecordSize)) return std::nullopt;
  const bool whole = (type & kFlagBlocks) == 0;
  const auto covered = size_t(whole ? size : size - value_size);
  if (load_le<uint32_t>(p + kAtCrc) != checksum(bytes, covered, place)) return std::nullopt;
  return UnknownRecord{size, (type & kFlagIgnorable) != 0};
}

bool verify_blocks(const Record& r, std::string_view prefix, size_t first_block,
                   std::string_view part) {
  if (!has_blocks(r.kind, r.value_size)) return true;
  assert(prefix.size() >= r.prefix());
  const char* table = prefix.data() + kHeadSize + r.key.size() + arguments_size(r.kind);
  for (size_t at = 0, block = first_block; at < part.size(); at += kBlockSize, ++block) {
    if (block >= block_count(r.value_size)) return false;
    if (load_le<uint32_t>(table + 4 * block) != crc32c(part.substr(at, kBlockSize))) return false;
  }
  return true;
}

Result<Record> decode_whole_record(std::string_view bytes, Place place) {
  MEMORIA_TRY(auto r, decode_record(bytes, place));
  if (bytes.size() < r.size()) return damaged("cut off in its value");
  if (!verify_blocks(r, bytes, 0, bytes.substr(r.prefix(), r.value_size))) {
    return damaged("checksum of its value does not match");
  }
  return r;
}

}  // namespace memoria
