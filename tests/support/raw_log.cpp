// SPDX-License-Identifier: MIT
#include "tests/support/raw_log.hpp"

#include <algorithm>
#include <set>

#include "core/base/coding.hpp"
#include "core/base/crc32c.hpp"

namespace memoria::test {
namespace {

RawRecord raw_record(const Record& r, std::string_view whole, uint64_t at) {
  return {r.kind,
          r.timestamp,
          r.own_generation(),
          r.offset,
          r.length,
          std::string(r.key),
          std::string(whole.substr(r.prefix(), r.value_size)),
          at,
          r.size()};
}

/// The records of a batch; empty when one of them is not intact or they are not as many as
/// promised.
std::vector<RawRecord> dissolve(const Record& batch, std::string_view whole, Place place) {
  std::vector<RawRecord> out;
  const uint64_t at = place.offset;
  size_t inner = batch.prefix();
  while (inner < whole.size()) {
    const auto r = decode_whole_record(whole.substr(inner), {place.segment_seed, at + inner});
    if (!r || r.value().timestamp != batch.timestamp + 1 + out.size()) return {};
    out.push_back(raw_record(r.value(), whole.substr(inner, r.value().size()), at + inner));
    inner += r.value().size();
  }
  if (out.size() != batch.offset) out.clear();
  return out;
}

/// False: the segment ends in front of this record.
bool read_record(std::string_view bytes, uint32_t seed, RawSegment& segment) {
  const auto rest = bytes.substr(segment.end);
  const auto decoded = decode_whole_record(rest, {seed, segment.end});
  if (!decoded) return false;
  const auto& r = decoded.value();
  const auto whole = rest.substr(0, r.size());
  if (r.kind == Kind::kBatch) {
    auto inner = dissolve(r, whole, {seed, segment.end});
    if (inner.empty() && r.offset != 0) return false;
    for (auto& record : inner) segment.records.push_back(std::move(record));
  } else if (r.kind == Kind::kReplaces) {
    for (size_t i = r.prefix(); i + 8 <= whole.size(); i += 8) {
      segment.replaces.push_back(load_le<uint64_t>(whole.data() + i));
    }
  } else if (r.kind == Kind::kSeal) {
    segment.sealed = true;
    segment.seal_count = r.offset;
  } else if (r.kind != Kind::kEnd) {
    segment.records.push_back(raw_record(r, whole, segment.end));
  }
  segment.top_level.emplace_back(segment.end, r.size());
  segment.end += r.size();
  if (r.kind != Kind::kSeal && r.kind != Kind::kEnd) segment.keys_end = segment.end;
  return !segment.sealed;
}

void apply(std::string& value, const RawRecord& r) {
  switch (r.kind) {
    case Kind::kPut:
      value = r.value;
      break;
    case Kind::kPiece:
      if (value.size() < r.offset + r.value.size()) value.resize(r.offset + r.value.size(), '\0');
      value.replace(r.offset, r.value.size(), r.value);
      break;
    case Kind::kTruncate:
      value.resize(r.offset, '\0');
      break;
    case Kind::kPunch:
      for (uint64_t i = r.offset; i < value.size() && i - r.offset < r.length; ++i) value[i] = '\0';
      break;
    default:
      break;
  }
}

}  // namespace

RawSegment read_segment(std::string_view bytes) {
  RawSegment segment;
  segment.file_size = bytes.size();
  if (bytes.size() < kSegmentHeaderSize || bytes.substr(0, 8) != "MEMORIA1") return segment;
  if (load_le<uint32_t>(bytes.data() + 40) != crc32c(bytes.substr(0, 40))) return segment;
  SegmentHeader header;
  segment.version = load_le<uint32_t>(bytes.data() + 8);
  segment.origin = uint8_t(bytes[12]);
  segment.id = header.id = load_le<uint64_t>(bytes.data() + 16);
  bytes.copy(header.uuid.data(), header.uuid.size(), 24);
  segment.end = kSegmentHeaderSize;
  while (read_record(bytes, header.seed(), segment)) {
  }
  return segment;
}

std::vector<RawSegment> read_log(const Image& image) {
  std::vector<RawSegment> log;
  std::set<uint64_t> replaced;
  for (const auto& [name, bytes] : image) {
    if (name.ends_with(".data") && name.find('/') == std::string::npos) {
      log.push_back(read_segment(bytes));
      if (log.back().sealed) {
        replaced.insert(log.back().replaces.begin(), log.back().replaces.end());
      }
    }
  }
  std::erase_if(log, [&](const RawSegment& s) { return replaced.contains(s.id); });
  return log;
}

Contents replay(const std::vector<RawSegment>& log) {
  std::map<std::string, std::vector<RawRecord>> by_key;
  for (const auto& segment : log) {
    for (const auto& r : segment.records) by_key[r.key].push_back(r);
  }
  Contents out;
  for (auto& [key, records] : by_key) {
    uint64_t tombstone = 0, generation = 0;
    for (const auto& r : records) {
      if (r.kind == Kind::kErase) tombstone = std::max(tombstone, r.timestamp);
    }
    for (const auto& r : records) {
      if (r.kind != Kind::kErase && r.generation > tombstone) {
        generation = std::max(generation, r.generation);
      }
    }
    if (generation == 0) continue;
    std::stable_sort(records.begin(), records.end(),
                     [](const auto& a, const auto& b) { return a.timestamp < b.timestamp; });
    auto& value = out[key];
    for (const auto& r : records) {
      if (r.generation == generation && r.kind != Kind::kErase) apply(value, r);
    }
  }
  return out;
}

std::string encode(const Record& record, std::string_view value, Place place) {
  Record r = record;
  r.value_size = uint32_t(value.size());
  std::string out;
  encode_prefix(r, value, place, out);
  return out.append(value);
}

std::string encode_batch(uint64_t timestamp,
                         const std::vector<std::pair<Record, std::string>>& records, Place place) {
  Record batch;
  batch.kind = Kind::kBatch;
  batch.timestamp = timestamp;
  batch.offset = records.size();
  std::string inner;
  const uint64_t begin = place.offset + prefix_size(Kind::kBatch, 0, 0);
  for (auto [record, value] : records) {
    record.timestamp = ++timestamp;
    inner += encode(record, value, {place.segment_seed, begin + inner.size()});
  }
  batch.value_size = uint32_t(inner.size());
  std::string out;
  encode_prefix(batch, {}, place, out);
  return out + inner;
}

std::string forge(uint8_t type, uint32_t size, uint32_t key_size, uint32_t value_size, Place place,
                  uint64_t timestamp) {
  std::string bytes;
  append_le<uint32_t>(bytes, size);
  append_le<uint32_t>(bytes, 0);
  append_le<uint64_t>(bytes, timestamp);
  bytes.push_back(char(type));
  append_le<uint32_t>(bytes, key_size);
  append_le<uint32_t>(bytes, value_size);
  bytes.resize(std::max<size_t>(kHeadSize, std::min<uint32_t>(size, 4096)), 'x');
  std::string covered;
  append_le<uint64_t>(covered, place.offset);
  covered += bytes.substr(0, 4) + bytes.substr(8);
  store_le<uint32_t>(bytes.data() + 4, crc32c(covered, place.segment_seed));
  return bytes;
}

RawSegmentWriter::RawSegmentWriter(uint64_t id, Origin origin, uint32_t version) {
  header_.id = id;
  header_.origin = origin;
  std::string_view("0123456789abcdef").copy(header_.uuid.data(), header_.uuid.size());
  bytes_ = "MEMORIA1";
  append_le<uint32_t>(bytes_, version);
  bytes_.push_back(char(origin));
  bytes_.append(3, '\0');
  append_le<uint64_t>(bytes_, id);
  bytes_ += "0123456789abcdef";
  append_le<uint32_t>(bytes_, crc32c(bytes_));
}

RawSegmentWriter& RawSegmentWriter::add(const Record& record, std::string_view value) {
  return raw(encode(record, value, place()));
}

RawSegmentWriter& RawSegmentWriter::raw(std::string_view bytes, uint64_t records) {
  bytes_ += bytes;
  records_ += records;
  return *this;
}

RawSegmentWriter& RawSegmentWriter::batch(
    uint64_t timestamp, const std::vector<std::pair<Record, std::string>>& records) {
  return raw(encode_batch(timestamp, records, place()), records.size());
}

std::pair<Record, std::string> RawSegmentWriter::change(Kind kind, std::string_view key,
                                                        std::string_view value) {
  Record r;
  r.kind = kind;
  r.key = key;
  return {r, std::string(value)};
}

RawSegmentWriter& RawSegmentWriter::put(std::string_view key, std::string_view value,
                                        uint64_t timestamp) {
  Record r;
  r.kind = Kind::kPut;
  r.timestamp = timestamp;
  r.key = key;
  return add(r, value);
}

RawSegmentWriter& RawSegmentWriter::erase(std::string_view key, uint64_t timestamp) {
  Record r;
  r.kind = Kind::kErase;
  r.timestamp = timestamp;
  r.key = key;
  return add(r);
}

RawSegmentWriter& RawSegmentWriter::piece(std::string_view key, uint64_t generation,
                                          uint64_t offset, std::string_view bytes,
                                          uint64_t timestamp) {
  Record r;
  r.kind = Kind::kPiece;
  r.timestamp = timestamp;
  r.generation = generation;
  r.offset = offset;
  r.key = key;
  return add(r, bytes);
}

RawSegmentWriter& RawSegmentWriter::truncate(std::string_view key, uint64_t generation,
                                             uint64_t size, uint64_t timestamp) {
  Record r;
  r.kind = Kind::kTruncate;
  r.timestamp = timestamp;
  r.generation = generation;
  r.offset = size;
  r.key = key;
  return add(r);
}

RawSegmentWriter& RawSegmentWriter::punch(std::string_view key, uint64_t generation,
                                          uint64_t offset, uint64_t length, uint64_t timestamp) {
  Record r;
  r.kind = Kind::kPunch;
  r.timestamp = timestamp;
  r.generation = generation;
  r.offset = offset;
  r.length = length;
  r.key = key;
  return add(r);
}

RawSegmentWriter& RawSegmentWriter::replaces(const std::vector<uint64_t>& ids, uint64_t timestamp) {
  Record r;
  r.kind = Kind::kReplaces;
  r.timestamp = timestamp;
  std::string value;
  for (const uint64_t id : ids) append_le<uint64_t>(value, id);
  return raw(encode(r, value, place()), 1);
}

RawSegmentWriter& RawSegmentWriter::end(uint64_t timestamp) {
  return close(Kind::kEnd, timestamp);
}

RawSegmentWriter& RawSegmentWriter::seal(uint64_t timestamp) {
  return close(Kind::kSeal, timestamp);
}

RawSegmentWriter& RawSegmentWriter::close(Kind kind, uint64_t timestamp) {
  Record r;
  r.kind = kind;
  r.timestamp = timestamp;
  r.offset = records_;
  bytes_ += encode(r, {}, place());
  return *this;
}

std::string RawSegmentWriter::file_name() const {
  return segment_file(header_.id, kDataSuffix);
}

}  // namespace memoria::test
