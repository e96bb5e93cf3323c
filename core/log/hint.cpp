// SPDX-License-Identifier: MIT
#include "core/log/hint.hpp"

#include "core/base/coding.hpp"
#include "core/base/crc32c.hpp"

namespace memoria {
namespace {

constexpr std::string_view kMagic = "MEMOHNT1", kEnd = "END!";
constexpr uint32_t kHintVersion = 1;
constexpr size_t kHeaderSize = 8 + 4 + 8 + 8 + 4, kTrailerSize = 4 + 8 + 4;
constexpr uint8_t kFlagInline = 0x10;

std::string header(uint64_t segment_id, uint64_t data_length) {
  std::string out(kMagic);
  append_le<uint32_t>(out, kHintVersion);
  append_le<uint64_t>(out, data_length);
  append_le<uint64_t>(out, segment_id);
  append_le<uint32_t>(out, crc32c(out));
  return out;
}

/// Takes one entry off the front of `in`; the checksum is compared only on request.
bool decode_entry(Decoder& in, Entry& entry, bool verify, uint32_t& crc) {
  crc = in.le<uint32_t>();
  const auto body = in.rest();
  const auto type_bytes = in.bytes(1);
  if (!in.ok()) return false;
  const auto type = uint8_t(type_bytes.front());
  Record& r = entry.record;
  r = Record{};
  r.kind = Kind(type & kKindMask);
  r.timestamp = in.le<uint64_t>();
  entry.record_offset = in.le<uint32_t>();
  const uint64_t key_size = in.varint();
  const uint64_t value_size = in.varint();
  if (r.kind < Kind::kPut || r.kind > Kind::kPunch || key_size > kMaxKeySize ||
      value_size > kMaxValueSize || r.timestamp > kLatestTimestamp) {
    return false;
  }
  r.value_size = uint32_t(value_size);
  if (arguments_size(r.kind) >= 16) {
    r.generation = in.le<uint64_t>();
    r.offset = in.le<uint64_t>();
    if (r.kind == Kind::kPunch) r.length = in.le<uint64_t>();
  }
  r.key = in.bytes(key_size);
  entry.is_inline = (type & kFlagInline) != 0;
  entry.value = entry.is_inline ? in.bytes(value_size) : std::string_view();
  if (!in.ok()) return false;
  return !verify || crc == crc32c(body.substr(0, body.size() - in.rest().size()));
}

}  // namespace

HintWriter::HintWriter(uint64_t segment_id) : segment_id_(segment_id), out_(kHeaderSize, '\0') {}

void HintWriter::add(const Entry& entry) {
  const Record& r = entry.record;
  const size_t begin = out_.size();
  append_le<uint32_t>(out_, 0);
  out_.push_back(char(uint8_t(r.kind) | (entry.is_inline ? kFlagInline : 0)));
  append_le<uint64_t>(out_, r.timestamp);
  append_le<uint32_t>(out_, entry.record_offset);
  append_varint(out_, r.key.size());
  append_varint(out_, r.value_size);
  if (arguments_size(r.kind) >= 16) {
    append_le<uint64_t>(out_, r.generation);
    append_le<uint64_t>(out_, r.offset);
    if (r.kind == Kind::kPunch) append_le<uint64_t>(out_, r.length);
  }
  out_.append(r.key);
  if (entry.is_inline) out_.append(entry.value);
  store_le<uint32_t>(out_.data() + begin, crc32c(std::string_view(out_).substr(begin + 4)));
  crc_of_crcs_ = crc32c(std::string_view(out_).substr(begin, 4), crc_of_crcs_);
  ++entries_;
}

std::string HintWriter::finish(uint64_t data_length) && {
  out_.replace(0, kHeaderSize, header(segment_id_, data_length));
  out_.append(kEnd);
  append_le<uint64_t>(out_, entries_);
  append_le<uint32_t>(out_, crc_of_crcs_);
  return std::move(out_);
}

std::optional<HintReader> HintReader::open(std::string_view bytes, uint64_t segment_id,
                                           uint64_t data_length) {
  if (bytes.size() < kHeaderSize + kTrailerSize) return std::nullopt;
  if (bytes.substr(0, kHeaderSize) != header(segment_id, data_length)) return std::nullopt;
  Decoder trailer(bytes.substr(bytes.size() - kTrailerSize));
  if (trailer.bytes(kEnd.size()) != kEnd) return std::nullopt;
  const auto entries = trailer.le<uint64_t>();
  const auto crc_of_crcs = trailer.le<uint32_t>();

  const auto body = bytes.substr(kHeaderSize, bytes.size() - kHeaderSize - kTrailerSize);
  Decoder in(body);
  Entry entry;
  uint64_t found = 0;
  uint32_t crc_of_found = 0;
  while (!in.rest().empty()) {
    const auto raw_crc = in.rest().substr(0, 4);
    uint32_t crc = 0;
    if (!decode_entry(in, entry, true, crc)) return std::nullopt;
    crc_of_found = crc32c(raw_crc, crc_of_found);
    ++found;
  }
  if (found != entries || crc_of_found != crc_of_crcs) return std::nullopt;
  return HintReader(body, entries);
}

bool HintReader::next(Entry& entry) {
  if (rest_.empty()) return false;
  Decoder in(rest_);
  uint32_t crc = 0;
  if (!decode_entry(in, entry, false, crc)) return false;
  rest_ = in.rest();
  return true;
}

}  // namespace memoria
